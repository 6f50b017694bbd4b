package main

import (
	"strings"
	"testing"

	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/sandbox"
)

// An event that waits for its next try shows where it goes, that it is a test, and when that is (ledger 24).
func TestAnEventShowsWhereItGoesAndWhen(t *testing.T) {
	h := openHouse(t, testRules, secretToken, func(s *configs.Settings) { s.Accounts[0].TestEventCode = "TEST4711" })
	h.graph.Fail(sandbox.Fault{Status: 500})
	h.buys()
	h.deliver()
	due := h.deliveries()[0].Due
	out, _ := h.command(exitOK, "events", "show", eventID(h.deliveries()[0].ID))
	h.says(out, "dataset   900100", "test      TEST4711: Meta shows it under Test events, and counts it all the same", "next try")
	if !strings.Contains(out, when(due)) && !strings.Contains(out, "as soon as") {
		t.Errorf("the next try is at %s:\n%s", when(due), out)
	}
	for _, args := range [][]string{{"events", "ls", "--json"}, {"events", "show", eventID(h.deliveries()[0].ID), "--json"}} {
		out, _ = h.command(exitOK, args...)
		h.says(out, `"dataset_id": "900100"`, `"test_event_code": "TEST4711"`, `"next_try": "`)
	}
	out, _ = h.command(exitOK, "events", "ls")
	h.says(out, "Purchase (test)")
}
