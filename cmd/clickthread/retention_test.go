package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/internal/pgtest"
	"github.com/clickthread/clickthread/sql"
)

// A person looks first what would go, then lets it go: what was foretold went, and nothing else.
func TestPruneRemovesWhatItForetold(t *testing.T) {
	h := openHouse(t, testRules, func(s *configs.Settings) {
		s.Retention.Text, s.Retention.Calls, s.Retention.Quarantine = 1, 0, 0
	})
	ana := h.ana()
	h.post(ana, ana.At(time.Now().Add(-15*24*time.Hour)).Click(ad("Clid1"), "oi"))
	h.post(ana, ana.Click(ad("Clid2"), "quanto custa?"))
	h.post(ana, ana.Say("paguei R$ 50,00"))
	stranger := *ana
	stranger.WABA = "999"
	h.post(&stranger, stranger.Say("oi"))
	promised := h.metaHolds()
	if len(promised) != 2 {
		t.Fatalf("Meta holds %v", promised)
	}
	before := h.rowCounts()

	foretold := h.runPrune(true)
	if diff := cmp.Diff(before, h.rowCounts()); diff != "" {
		t.Errorf("a dry run changed rows (-want +got):\n%s", diff)
	}
	want := map[string]int{
		"clicks": 1, "messages": 0, "texts": 3, "evaluations": 0, "message_keys": 0, "unattributed": 0, "quarantine": 1, "calls": 1, "notices": 0, "ledger": 0,
	}
	if diff := cmp.Diff(want, foretold); diff != "" {
		t.Errorf("foretold (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(foretold, h.runPrune(false)); diff != "" {
		t.Errorf("went otherwise than foretold (-foretold +went):\n%s", diff)
	}
	left := maps.Clone(before)
	left["clicks"], left["click_days"], left["quarantine"], left["calls"] = 1, 1, 0, 0
	if diff := cmp.Diff(left, h.rowCounts()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(promised, h.metaHolds()); diff != "" {
		t.Errorf("Meta holds (-want +got):\n%s", diff)
	}
}

// Ledger 7: with retention.text 0 no text is ever stored, but for a match that waits for its click.
func TestNoTextIsStored(t *testing.T) {
	h := openHouse(t, testRules, func(s *configs.Settings) { s.Retention.Text = 0 })
	ana := h.ana()
	begin := time.Now().Add(-time.Hour)
	h.post(ana, ana.At(begin.Add(time.Minute)).Say("paguei R$ 50,00"))
	h.post(ana, ana.At(begin).Click(ad("Clid1"), "oi"))
	if diff := cmp.Diff([]string{"Purchase Clid1 50.00 BRL"}, h.metaHolds()); diff != "" {
		t.Errorf("Meta holds (-want +got):\n%s", diff)
	}
	m, ok, err := h.app.store.Message(t.Context(), "shop", h.deliveries()[0].Trigger)
	if !ok || err != nil || len(m.Body) != 0 {
		t.Errorf("the message is stored with %d bytes (%v %v)", len(m.Body), ok, err)
	}
}

// runPrune runs the command and returns the rows of each kind that it prints.
func (h *house) runPrune(dryRun bool) map[string]int {
	h.Helper()
	var out bytes.Buffer
	c := runCmd{Job: "prune", DryRun: dryRun, JSON: true}
	if err := c.prune(h.Context(), h.app, &console{out: &out}); err != nil {
		h.Fatal(err)
	}
	var printed struct {
		DryRun bool `json:"dry_run"`
		Count  int
		Kinds  sql.Pruned
	}
	if err := json.Unmarshal(out.Bytes(), &printed); err != nil || printed.DryRun != dryRun || printed.Count != printed.Kinds.Total() {
		h.Fatalf("%v in\n%s", err, &out)
	}
	rows := map[string]int{}
	for _, k := range printed.Kinds {
		rows[k.Kind] = k.Rows
	}
	return rows
}

// For people it is a table, a line as soon as a kind is done.
func TestPrunePrintsATable(t *testing.T) {
	h := openHouse(t, testRules)
	var out bytes.Buffer
	c := runCmd{Job: "prune", DryRun: true}
	if err := c.prune(t.Context(), h.app, &console{out: &out}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 12 || !strings.HasPrefix(lines[0], "KIND             WOULD GO  OLDER THAN (UTC)") ||
		!strings.HasPrefix(lines[10], "ledger                  0  20") || lines[11] != "all                     0" {
		t.Errorf("prints\n%s", &out)
	}
	var errs bytes.Buffer
	if code := run(t.Context(), []string{"run", "check", "--dry-run"}, &out, &errs); code != exitUsage || !strings.Contains(errs.String(), "--dry-run is for prune") {
		t.Errorf("ends with %d and says %q", code, &errs)
	}
}

// Two nodes share a database: a job is run by one of them, and each shows that their rules differ.
func TestNodesTakeTurnsAndCompareRules(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	share := func(s *configs.Settings) { s.Database = url }
	a, b := openHouse(t, testRules, share), openHouse(t, strings.Replace(testRules, "quanto custa", "preço", 1), share)

	passes := 0
	work := job{name: "prune", period: time.Hour, pass: func(context.Context) (int, error) { passes++; return 0, nil }}
	for _, h := range []*house{a, b, a} {
		if _, err := h.app.takeTurn(t.Context(), work); err != nil {
			t.Fatal(err)
		}
	}
	if passes != 1 {
		t.Errorf("%d passes in one period", passes)
	}

	for _, h := range []*house{a, b} {
		if _, err := h.app.compareRules(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range []*house{a, b} {
		h.wantPage("/readyz", `"accounts_whose_rules_differ_between_nodes":["shop"]`)
		h.wantPage("/metrics", `clickthread_rule_sets_differ{account="shop"} 1`)
	}
}

// wantPage reads a page of the server, which is 200 and holds a text.
func (h *house) wantPage(path, text string) {
	h.Helper()
	resp, err := http.Get(h.url + path)
	if err != nil {
		h.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(page), text) {
		h.Errorf("%s: %d %v, without %s in\n%s", path, resp.StatusCode, err, text, page)
	}
}
