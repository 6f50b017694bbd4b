package main

import (
	stdsql "database/sql"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/sandbox"
	"github.com/clickthread/clickthread/sql"
)

// A person resumes an account whose events cannot be moved, such as for want of disk. The account sends
// again all the same: what is queued goes at its own next try.
func TestAResumeEndsThePauseAlsoWhereEventsCannotBeMoved(t *testing.T) {
	h := openHouse(t, testRules, secretToken)
	h.buys()
	h.graph.Fail(sandbox.Fault{Code: 100, Subcode: 33})
	h.deliver()
	h.command(exitOK, "accounts", "pause", "shop")

	db, err := stdsql.Open("sqlite", strings.TrimPrefix(h.app.settings.Database, "sqlite:")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(t.Context(), `UPDATE deliveries SET due_at = due_at + 3600000000;
CREATE TRIGGER full BEFORE UPDATE ON deliveries BEGIN SELECT raise(ABORT, 'the disk is full'); END`)
	if err != nil {
		t.Fatal(err)
	}
	out, says := h.command(exitFindings, "accounts", "resume", "shop")
	h.says(out, "Account shop sends again. 1 event waits")
	h.says(says, "not all that is queued was made due", "the disk is full")
	if _, err := db.ExecContext(t.Context(), "DROP TRIGGER full"); err != nil {
		t.Fatal(err)
	}
	h.command(exitOK, "accounts", "resume", "shop")
	h.wantAtMeta("Purchase Clid1 50.00 BRL")
}

// Between the count and the change a server goes on: what was counted and is not met any more is said.
func TestWhatChangedSinceItWasCountedIsSaid(t *testing.T) {
	at := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	event := func(account string, status forwarder.Status, left string) sql.Mendable {
		return sql.Mendable{Account: account, Status: status, Left: left, ChangedAt: at}
	}
	var counted tally
	for range 3 {
		counted.add(event("shop", forwarder.Queued, ""))
		counted.add(event("clinic", forwarder.Queued, ""))
		at = at.Add(time.Second)
	}
	counted.add(event("shop", forwarder.Held, ""))
	if counted.events != 7 || !counted.until.Equal(at) || len(counted.first) != 3 {
		t.Errorf("counted %d until %s", counted.events, counted.until)
	}
	var done mended
	for range 3 {
		done.add([]sql.Mendable{event("clinic", forwarder.Queued, "")})
	}
	done.add([]sql.Mendable{event("shop", forwarder.Queued, ""), event("shop", forwarder.Sending, "it is in a call")})
	done.missing(counted)
	want := []mendGroup{
		{Account: "shop", State: forwarder.Sending, Why: "it is in a call", Events: 1},
		{Account: "shop", State: forwarder.Queued, Why: "sent, on its way, or changed since it was counted", Events: 1},
		{Account: "shop", State: forwarder.Held, Why: "sent, on its way, or changed since it was counted", Events: 1},
	}
	if diff := cmp.Diff(want, done.left.groups, cmpopts.IgnoreFields(mendGroup{}, "Example")); diff != "" || done.left.events != 3 {
		t.Errorf("left %d (-want +got):\n%s", done.left.events, diff)
	}
}
