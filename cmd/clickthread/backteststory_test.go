package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// candidate writes a folder as it would stand in place of rules/.
func (h *house) candidate(rules string) (dir string) {
	h.Helper()
	dir = filepath.Join(h.TempDir(), "candidate")
	if err := os.MkdirAll(filepath.Join(dir, "shop"), 0o700); err != nil {
		h.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "shop", "rules.yaml"), []byte(rules), 0o600); err != nil {
		h.Fatal(err)
	}
	return dir
}

// A merchant tries other rules before they are in force, beside a running server: what would change is told
// with what the messages are called, and without what stands in them.
func TestBacktestTellsWhatWouldChange(t *testing.T) {
	h := openHouse(t, testRules)
	ana := h.ana()
	h.post(ana, ana.At(time.Now().Add(-time.Minute)).Click(ad("Clid1"), "oi"))
	h.post(ana, ana.Say("paguei R$ 50,00"))
	h.post(ana, ana.Say("tem desconto?"))
	h.deliver()
	before := h.rowCounts()

	same := h.candidate(testRules)
	stdout, _ := h.command(exitOK, "rules", "backtest", same)
	h.says(stdout, "shop: 3 messages from ", "The candidate is the set in force.", "No changes")

	other := h.candidate(strings.Replace(strings.Replace(testRules, `"how much"`, `"tem desconto"`, 1), "value: {from: message}", "value: {from: message, max: 40}", 1))
	stdout, _ = h.command(exitOK, "rules", "backtest", other, "--since", "24h", "--sample", "1")
	h.says(stdout, "Purchase       sent     1          0          -1", "LeadSubmitted  sent     0          1          +1",
		"50.00 BRL  0.00 BRL   -50.00 BRL", "2 events would change; 1 of them",
		"sent 50.00 BRL by paid  held value_out_of_range by paid  msg_")
	if strings.Contains(stdout, "desconto") || strings.Contains(stdout, "R$") {
		t.Errorf("it prints what people wrote:\n%s", stdout)
	}
	if after := h.rowCounts(); after["deliveries"] != before["deliveries"] || after["counters"] != before["counters"] {
		t.Errorf("rows were %v and are %v", before, after)
	}

	stdout, _ = h.command(exitOK, "rules", "backtest", other, "--since", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	h.says(stdout, "shop: 0 messages", "No changes")
}

// What does not load is told with file and line, and what is not there with what to do.
func TestBacktestOfWhatDoesNotLoad(t *testing.T) {
	h := openHouse(t, testRules)
	broken := h.candidate(strings.Replace(testRules, "send: LeadSubmitted", "send: Lead", 1))
	stdout, _ := h.command(exitFindings, "rules", "backtest", broken)
	h.says(stdout, filepath.Join(broken, "shop", "rules.yaml")+":6:11: Meta refuses \"Lead\"", "shop: the candidate does not load")
	stdout, _ = h.command(exitFindings, "rules", "backtest", broken, "--json")
	h.says(stdout, `"loads": false`, `"line": 6`)

	failing := h.candidate(testRules + "tests:\n  - name: it is not so\n    chat: [{ad_click: true}, {customer: oi}]\n    expect: [LeadSubmitted]\n")
	stdout, _ = h.command(exitFindings, "rules", "backtest", failing)
	h.says(stdout, `test "it is not so" failed`)

	_, stderr := h.command(exitUnreachable, "rules", "backtest", filepath.Join(broken, "nowhere"))
	h.says(stderr, "nowhere")
	_, stderr = h.command(exitUnreachable, "rules", "backtest", filepath.Join(broken, "shop", "rules.yaml"))
	h.says(stderr, "give the folder")
	_, stderr = h.command(exitUsage, "rules", "backtest", broken, "--account", "shp")
	h.says(stderr, `there is no account "shp"`)
	_, stderr = h.command(exitUsage, "rules", "backtest", broken, "--since", "soon")
	h.says(stderr, "--since")
}
