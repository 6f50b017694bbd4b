package main

import (
	"strings"
	"testing"
	"time"
)

// What the help lists can be run, and what it says of ripen is done.
func TestEveryJobOfTheHelpRuns(t *testing.T) {
	h, ana := engine(t, `{id: paid, when: {customer_says: paguei}, send: LeadSubmitted, wait: 2h}`)
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	h.post(ana, ana.Say("paguei"))
	h.wantLedger("LeadSubmitted waiting")
	_, list, _ := strings.Cut(runCmd{}.Help(), "\n\n")
	for line := range strings.Lines(list) {
		name, does, found := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.HasPrefix(line, "  ") || !found {
			continue
		}
		out, _ := h.command(exitOK, "run", name)
		if !strings.Contains(out, name) && name != "prune" {
			t.Errorf("run %s, to %s, says %q", name, strings.TrimSpace(does), out)
		}
	}
	out, _ := h.command(exitOK, "run", "ripen")
	h.says(out, "ripen: 0 events queued whose wait is over")
	h.waits(3 * time.Hour)
	out, _ = h.command(exitOK, "run", "ripen")
	h.says(out, "ripen: 1 events queued whose wait is over")
	h.wantLedger("LeadSubmitted queued")
	_, says := h.command(exitUsage, "run", "optouts")
	h.says(says, `there is no job "optouts"`)
}
