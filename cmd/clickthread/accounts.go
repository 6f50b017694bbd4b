package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/sql"
)

type accountsCmd struct {
	Ls        accountsLsCmd        `cmd:"" help:"List accounts: whether each sends, and what waits."`
	Check     accountsCheckCmd     `cmd:"" help:"Ask Meta whether token, WhatsApp account, webhooks and dataset are right. Sends no event."`
	Subscribe accountsSubscribeCmd `cmd:"" help:"Have Meta send an account's webhooks to the token's app."`
	Pause     accountsPauseCmd     `cmd:"" help:"Send nothing of an account until it is resumed."`
	Resume    accountsResumeCmd    `cmd:"" help:"Send again, whatever the account was paused for."`
}

// account reads the settings and finds an account in them.
func (c configFlag) account(id string) (account.Account, configs.Settings, error) {
	s, err := c.load()
	if err != nil {
		return account.Account{}, s, err
	}
	registry := s.Registry()
	a, known := registry.ByID(id)
	if !known {
		var ids []string
		for _, a := range registry.All() {
			ids = append(ids, a.ID)
		}
		return a, s, usage(fmt.Errorf("there is no account %q in the settings; there are %v", id, ids))
	}
	return a, s, nil
}

type accountsLsCmd struct {
	configFlag
	JSON bool `help:"Print as JSON." name:"json"`
}

// Help shows an example below the flags.
func (accountsLsCmd) Help() string {
	return "Example:\n  clickthread accounts ls\n\n" +
		"OLDEST is when the oldest queued event happened. Meta takes it until SENDABLE UNTIL, about 7 days later.\n" +
		"RULES is how many a running server has in force. Where its files are broken, those before stay in force."
}

// accountLine is one account as it is listed and printed as JSON.
type accountLine struct {
	ID            string          `json:"id"`
	Sending       bool            `json:"sending"`
	Cause         forwarder.Cause `json:"pause_cause,omitempty"`
	Words         string          `json:"pause_words,omitempty"`
	PausedUntil   *time.Time      `json:"paused_until,omitempty"` // left out while only a person ends it
	Queued        int             `json:"queued"`
	Held          int             `json:"held"`
	Oldest        *time.Time      `json:"oldest_event_time,omitempty"` // of what is queued
	SendableUntil *time.Time      `json:"oldest_sendable_until,omitempty"`
	TestCode      string          `json:"test_event_code,omitempty"`
	Rules         []nodeRules     `json:"rules,omitempty"` // of each running server
}

// nodeRules is what one running server has in force for an account.
type nodeRules struct {
	Node    string `json:"node"`
	Rules   int    `json:"rules"`
	Set     string `json:"set"`
	Problem string `json:"problem,omitempty"` // with the files, so that they are not what is in force
}

// Run lists the accounts of the settings, and those that left them.
func (c *accountsLsCmd) Run(ctx context.Context, out *console) error {
	s, err := c.load()
	if err != nil {
		return err
	}
	store, err := c.openLedger(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	lines, err := accountLines(ctx, store, s.Registry().All())
	if err != nil {
		return err
	}
	if c.JSON {
		return out.json(lines)
	}
	if len(lines) == 0 {
		out.printf("There are no accounts in the settings.\n")
		return nil
	}
	rows := [][]string{{"ACCOUNT", "STATE", "UNTIL (UTC)", "QUEUED", "HELD", "OLDEST (UTC)", "SENDABLE UNTIL (UTC)", "RULES", "TEST CODE"}}
	for _, l := range lines {
		rows = append(rows, l.row())
	}
	out.table(rows)
	for _, l := range lines {
		if l.Words != "" {
			out.printf("%s: %s\n", l.ID, l.Words)
		}
		if problem := l.ruleProblem(); problem != "" {
			out.printf("%s: %s\n", l.ID, problem)
		}
	}
	return nil
}

func accountLines(ctx context.Context, store *sql.Store, known []account.Account) ([]accountLine, error) {
	lanes, err := store.Lanes(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := store.OpenCounts(ctx)
	if err != nil {
		return nil, err
	}
	byID := map[string]*accountLine{}
	line := func(id string) *accountLine {
		if byID[id] == nil {
			byID[id] = &accountLine{ID: id, Sending: true}
		}
		return byID[id]
	}
	for _, a := range known {
		line(a.ID).TestCode = a.TestEventCode
	}
	for _, lane := range lanes {
		line(lane.Account).rests(lane)
	}
	for _, n := range counts {
		if n.Status == string(forwarder.Held) {
			line(n.AccountID).Held += int(n.N)
		}
	}
	inForce, err := store.RulesInForce(ctx, now())
	if err != nil {
		return nil, err
	}
	for _, r := range inForce {
		l := line(r.Account)
		l.Rules = append(l.Rules, nodeRules{Node: r.Node, Rules: r.Rules, Set: r.Hash, Problem: r.Problem})
	}
	lines := []accountLine{}
	for _, l := range byID {
		waiting, err := store.Backlog(ctx, l.ID)
		if err != nil {
			return nil, err
		}
		if l.Queued = waiting.Events; l.Queued > 0 {
			oldest := waiting.SendableUntil.Add(-forwarder.SendableFor)
			l.Oldest, l.SendableUntil = &oldest, &waiting.SendableUntil
		}
		lines = append(lines, *l)
	}
	slices.SortFunc(lines, func(a, b accountLine) int { return strings.Compare(a.ID, b.ID) })
	return lines, nil
}

// rests notes a pause. One that ended by itself is over, but for that of a wrong account: its next call
// only tries whether it was mended.
func (l *accountLine) rests(lane sql.Lane) {
	if !lane.PausedUntil.After(now()) && lane.PauseCause != forwarder.AccountWrong {
		return
	}
	l.Sending, l.Cause, l.Words = false, lane.PauseCause, lane.PauseWords
	if lane.PausedUntil.Before(forwarder.UntilResumed) {
		l.PausedUntil = &lane.PausedUntil
	}
}

// row is the account in columns.
func (l accountLine) row() []string {
	state, until, oldest, sendable := "sending", "-", "-", "-"
	switch {
	case l.Sending:
	case l.PausedUntil == nil:
		state, until = "paused: "+string(l.Cause), "resumed"
	default:
		state, until = "paused: "+string(l.Cause), when(*l.PausedUntil)
	}
	if l.Queued > 0 {
		oldest, sendable = when(*l.Oldest), when(*l.SendableUntil)
	}
	return []string{l.ID, state, until, strconv.Itoa(l.Queued), strconv.Itoa(l.Held), oldest, sendable, l.rulesInForce(), cmp.Or(l.TestCode, "-")}
}

// rulesInForce is how many rules are in force, and whether they are what the files say.
func (l accountLine) rulesInForce() string {
	if len(l.Rules) == 0 {
		return "-" // no server runs
	}
	first, word := l.Rules[0], ""
	for _, r := range l.Rules {
		switch {
		case r.Problem != "":
			word = " broken"
		case r.Set != first.Set && word == "":
			word = " differ"
		}
	}
	return strconv.Itoa(first.Rules) + word
}

// ruleProblem says what is wrong with the account's rule files, as the first server to find so put it.
func (l accountLine) ruleProblem() string {
	for _, r := range l.Rules {
		if r.Problem != "" {
			return fmt.Sprintf("its rule files are broken, and %s stay in force: %s", plural(r.Rules, "rule"), r.Problem)
		}
	}
	return ""
}
