package main

import (
	stdsql "database/sql"
	"strings"
	"testing"
)

// The database refuses one message for good. Its sender is told 200, because it is in quarantine, where it can
// be replayed; everybody else's messages are recorded.
func TestAMessageThatTheDatabaseRefusesStopsNobody(t *testing.T) {
	h := openHouse(t, testRules)
	db, err := stdsql.Open("sqlite", strings.TrimPrefix(h.app.settings.Database, "sqlite:")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(t.Context(), `CREATE TRIGGER refuses BEFORE INSERT ON messages WHEN instr(NEW.body, CAST('R$ 66,00' AS BLOB)) > 0
BEGIN SELECT raise(ABORT, 'a constraint'); END`)
	if err != nil {
		t.Fatal(err)
	}
	ana := h.ana()
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	h.post(ana, ana.Say("paguei R$ 66,00"))
	h.post(ana, ana.Say("quanto custa?"))
	h.wantLedger("LeadSubmitted queued")
	if n := h.rowCounts()["quarantine"]; n != 1 {
		t.Fatalf("%d messages are in quarantine, want 1; the log:\n%s", n, h.log)
	}
	if _, err := db.ExecContext(t.Context(), "DROP TRIGGER refuses"); err != nil {
		t.Fatal(err)
	}
	if n, err := h.app.replan(t.Context()); n != 1 || err != nil {
		t.Errorf("replanned %d %v", n, err)
	}
	h.wantAtMeta("LeadSubmitted Clid1", "Purchase Clid1 66.00 BRL")
}
