package main

// What a person types on the day on which nothing may be given away.

import (
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/clickthread/clickthread/sql"
)

// commands runs what a person would, beside the server.
func (d secretDay) commands() {
	d.Helper()
	d.command("events", "ls")
	d.command("events", "ls", "--json")
	d.command("notices", "ls")
	d.command("notices", "ls", "--json")
	for _, job := range []string{"watch", "notify", "replay", "check", "prune"} {
		d.command("run", job)
	}
	store := d.open()
	defer func() { _ = store.Close() }()
	deliveries, err := store.Deliveries(d.Context(), sql.Filter{Limit: 1000})
	if err != nil {
		d.Fatal(err)
	}
	for _, delivery := range deliveries {
		d.command("events", "show", delivery.EventID, "--json")
		d.command("rules", "explain", delivery.EventID, "--account", delivery.Account)
		d.command("rules", "explain", "msg_"+hexID(delivery.Trigger), "--json")
	}
	d.command("rules", "explain", "paid", "--account", deliveries[0].Account)
	d.command("rules", "explain", canaries["message id"])
	d.command("rules", "explain", canaries["phone"])
	d.command("rules", "explain", "--message", "paguei "+canaries["phone"]+" "+canaries["e-mail"], "--account", deliveries[0].Account)
	d.command("events", "show", deliveries[0].EventID)
	d.mending()
}

// mending are the commands that change something, on one account: the day goes on with the others. Meta, asked
// about the account, is as talkative as ever.
func (d secretDay) mending() {
	d.Helper()
	const account = "dead"
	rules := filepath.Join(filepath.Dir(d.config), "rules", account)
	for _, args := range [][]string{
		{"accounts", "ls"},
		{"accounts", "ls", "--json"},
		{"accounts", "check", account},
		{"accounts", "check", account, "--json"},
		{"accounts", "subscribe", account},
		{"accounts", "pause", account, "--reason", "a person looks into it"},
		{"accounts", "resume", account},
		{"optouts", "add", "--account", account, "+" + canaries["phone"]},
		{"optouts", "add", "--account", account, canaries["new phone"], "--json"},
		{"optouts", "ls"},
		{"optouts", "ls", "--json"},
		{"optouts", "rm", "--account", account, "+" + canaries["phone"]},
		{"events", "retry", "--account", account, "--confirm", "9"},
		{"events", "retry", "--state", "rejected", "--confirm", "1"},
		{"events", "release", "--reason", "meta_unknown", "--confirm", "1"},
		{"events", "cancel", "--account", account, "--state", "queued", "--confirm", "1"},
		{"events", "cancel", "--account", account, "--json", "--confirm", "0"},
		{"rules", "check", rules},
		{"rules", "test", rules},
	} {
		d.command(args...)
	}
}

// command runs the program with the settings, keeps what it says, and reports whether it ended well.
func (d secretDay) command(args ...string) (well bool) {
	d.Helper()
	said, err := exec.CommandContext(d.Context(), d.binary, append(args, "--config", d.config)...).CombinedOutput()
	d.printed[strings.Join(args, " ")] = string(said)
	if len(said) == 0 {
		d.Errorf("%v said nothing: %v", args, err)
	}
	return err == nil
}
