package sql

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
)

// The conformance suite: what every database has to do. Each test gets a fresh store.

func TestSQLite(t *testing.T) {
	conformance(t, func(t *testing.T) *Store {
		t.Helper()
		return open(t, filepath.Join(t.TempDir(), "clickthread.db"))
	})
}

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{URL: "sqlite:" + path, Node: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func conformance(t *testing.T, fresh func(*testing.T) *Store) {
	for name, test := range map[string]func(*testing.T, *ledger){
		"a message seen before touches nothing":         seenBefore,
		"a claim is taken once":                         claimOnce,
		"a failing plan leaves nothing":                 failingPlan,
		"people are found, renamed and merged":          renames,
		"merged conversations share clicks and waiting": mergedThreads,
		"clicks are one per click id":                   oneClickPerID,
		"a batch is one dataset and one test code":      oneDataset,
		"a batch limit splits":                          batchLimit,
		"a late settle changes no row":                  lateSettle,
		"an open call is settled as unknown":            openCallIsUnknown,
		"unknown is held where the account says so":     unknownIsHeld,
		"a paused lane is not due":                      pausedLane,
		"what is too old expires and is never claimed":  expires,
		"the quarantine keeps a body once, up to a cap": quarantine,
		"counters add up":                               counters,
		"every call that carried a delivery is kept":    callHistory,
		"a stranded match is seen":                      stranded,
		"accounts are walls":                            walls,
	} {
		t.Run(name, func(t *testing.T) {
			test(t, &ledger{T: t, Store: fresh(t), now: time.Now().UTC().Truncate(time.Second)})
		})
	}
}

// ledger is a store under test with its own clock.
type ledger struct {
	*testing.T
	*Store
	now time.Time
}

// message makes an arrival; its text stands for its id.
func (l *ledger) message(id string, from attribution.Identity, at time.Time) *attribution.Arrival {
	return &attribution.Arrival{
		Account: "shop", Number: "700", ID: newID(), Key: l.Key(id), Type: "text", From: from,
		At: at, ReceivedAt: l.now, Body: []byte(id),
	}
}

// record stores messages; each gets the deliveries that the plan makes of its text.
func (l *ledger) record(plan func(*attribution.Snapshot) []forwarder.Delivery, batch ...*attribution.Arrival) (int, []forwarder.Delivery) {
	l.Helper()
	fresh, deliveries, err := l.Record(l.Context(), l.now, batch, func(s *attribution.Snapshot) ([]forwarder.Delivery, error) {
		for _, a := range s.Fresh {
			if a.Referral != nil {
				a.Thread.Capture(a)
			}
		}
		if plan == nil {
			return nil, nil
		}
		return plan(s), nil
	})
	if err != nil {
		l.Fatal(err)
	}
	return fresh, deliveries
}

// queue stores n deliveries that are due.
func (l *ledger) queue(n int, change func(i int, d *forwarder.Delivery)) {
	l.Helper()
	_, stored := l.record(func(s *attribution.Snapshot) []forwarder.Delivery {
		var list []forwarder.Delivery
		for i := range n {
			d := l.delivery(fmt.Sprintf("claim-%s", newID()), s.Fresh[0])
			if change != nil {
				change(i, &d)
			}
			list = append(list, d)
		}
		return list
	}, l.message(newID().String(), ana, l.now))
	if len(stored) != n {
		l.Fatalf("stored %d of %d deliveries", len(stored), n)
	}
}

func (l *ledger) delivery(claim string, a *attribution.Arrival) forwarder.Delivery {
	return forwarder.Delivery{
		Account: a.Account, ID: newID(), Status: forwarder.Queued, EventID: forwarder.EventID(a.Account, claim),
		EventName: "Purchase", EventAt: l.now, Value: capi.Money{Minor: 100, Currency: "BRL"}, Payload: []byte(`{"event_name":"Purchase"}`),
		Claim: claim, Conversation: a.Thread.IDs[0], Trigger: a.ID, Rule: "r", Dataset: "900", Due: l.now,
		CreatedAt: l.now, UpdatedAt: l.now,
	}
}

func (l *ledger) claim(node string) *forwarder.Call {
	l.Helper()
	call, err := l.Claim(l.Context(), forwarder.Claim{
		Account: "shop", Node: node, Now: l.now, Lease: time.Minute, Max: 1000, Unknown: account.Resend,
	})
	if err != nil {
		l.Fatal(err)
	}
	return call
}

func (l *ledger) settle(call *forwarder.Call, s forwarder.Settlement) int {
	l.Helper()
	s.EndedAt = l.now
	n, err := l.Settle(l.Context(), call, s)
	if err != nil {
		l.Fatal(err)
	}
	return n
}

// statuses counts deliveries by "status reason".
func (l *ledger) statuses() map[string]int {
	l.Helper()
	counts, err := l.StatusCounts(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	got := map[string]int{}
	for _, c := range counts {
		name := c.Status
		if c.Reason != "" {
			name += " " + c.Reason
		}
		got[name] = int(c.N)
	}
	return got
}

func (l *ledger) wantStatuses(want map[string]int) {
	l.Helper()
	if diff := cmp.Diff(want, l.statuses()); diff != "" {
		l.Errorf("statuses (-want +got):\n%s", diff)
	}
}

// endLeases makes every lease run out, as time would.
func (l *ledger) endLeases() {
	l.Helper()
	if err := l.freeLanes(l.Context()); err != nil {
		l.Fatal(err)
	}
}

var (
	ana = attribution.Identity{WAID: "5511987650001", UserID: "BR.1"}
	ben = attribution.Identity{WAID: "5511987650002"}
)

func seenBefore(t *testing.T, l *ledger) {
	plan := func(s *attribution.Snapshot) []forwarder.Delivery {
		return []forwarder.Delivery{l.delivery("c:"+string(s.Fresh[0].Body), s.Fresh[0])}
	}
	l.record(plan, l.message("m1", ana, l.now))
	before, err := l.RowCounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again := l.message("m1", ana, l.now)
	if fresh, _ := l.record(plan, again, again, l.message("m1", ben, l.now)); fresh != 0 {
		t.Errorf("%d messages were new", fresh)
	}
	after, err := l.RowCounts(t.Context())
	if diff := cmp.Diff(before, after); diff != "" || err != nil {
		t.Errorf("rows changed (%v):\n%s", err, diff)
	}
}

func claimOnce(t *testing.T, l *ledger) {
	plan := func(s *attribution.Snapshot) []forwarder.Delivery {
		return []forwarder.Delivery{l.delivery("the-one", s.Fresh[0])}
	}
	_, first := l.record(plan, l.message("m1", ana, l.now))
	_, second := l.record(plan, l.message("m2", ben, l.now))
	if len(first) != 1 || len(second) != 0 {
		t.Errorf("first %d, second %d; the first committed wins (ledger 14)", len(first), len(second))
	}
	l.wantStatuses(map[string]int{"queued": 1})
}

func failingPlan(t *testing.T, l *ledger) {
	_, _, err := l.Record(t.Context(), l.now, []*attribution.Arrival{l.message("m1", ana, l.now)},
		func(*attribution.Snapshot) ([]forwarder.Delivery, error) { return nil, context.DeadlineExceeded })
	if err == nil {
		t.Fatal("the plan's error was lost")
	}
	counts, err := l.RowCounts(t.Context())
	for table, n := range counts {
		if n != 0 || err != nil {
			t.Errorf("%s has %d rows (%v)", table, n, err)
		}
	}
	if fresh, _ := l.record(nil, l.message("m1", ana, l.now)); fresh != 1 {
		t.Error("the message is new when it is sent again")
	}
}

func quarantine(t *testing.T, l *ledger) {
	for range 3 {
		for i := range 4 {
			body := fmt.Appendf(nil, "%d%0999d", i, 0)
			if err := l.Quarantine(t.Context(), l.now.Add(time.Duration(i)*time.Second), "malformed", "1", "why", body); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.capQuarantine(t.Context(), 2500); err != nil {
		t.Fatal(err)
	}
	var kept []byte
	n, err := l.Replay(t.Context(), "malformed", "1", func(_ time.Time, body []byte) error {
		kept = append(kept, body[0])
		return nil
	})
	if n != 2 || string(kept) != "23" || err != nil {
		t.Errorf("replayed %d (%s) %v, want the newest two", n, kept, err)
	}
	if counts, err := l.QuarantineCount(t.Context()); len(counts) != 0 || err != nil {
		t.Errorf("still in quarantine: %v %v", counts, err)
	}
}

func counters(t *testing.T, l *ledger) {
	read := attribution.Count{Account: "shop", Kind: "status_read"}
	for range 3 {
		if err := l.AddCounts(t.Context(), l.now, map[attribution.Count]int{read: 2, {Account: "shop", Kind: "blocked"}: 1}); err != nil {
			t.Fatal(err)
		}
	}
	counts, err := l.Counts(t.Context())
	if counts[read] != 6 || err != nil {
		t.Errorf("%v %v", counts, err)
	}
}

func stranded(t *testing.T, l *ledger) {
	l.record(func(s *attribution.Snapshot) []forwarder.Delivery {
		a := s.Fresh[0]
		a.Thread.Wait(attribution.Waiting{Trigger: a.ID, Rule: "r", Event: "Purchase", Reason: reason.NoClickID, At: a.At, ReceivedAt: l.now, Body: a.Body})
		return nil
	}, l.message("m1", ana, l.now))
	if n, err := l.Stranded(t.Context()); n != 0 || err != nil {
		t.Fatalf("%d %v, want none without a click", n, err)
	}
	click := l.message("m2", ana, l.now.Add(-time.Hour))
	click.Referral = &attribution.Click{ClickID: "Clid1"}
	l.record(nil, click) // this plan revives nothing: the fault that Stranded looks for
	if n, err := l.Stranded(t.Context()); n != 1 || err != nil {
		t.Errorf("%d %v, want 1", n, err)
	}
}

// walls: two accounts with the same shopper, the same message id and the same claim (promise 9).
func walls(t *testing.T, l *ledger) {
	plan := func(s *attribution.Snapshot) []forwarder.Delivery {
		var list []forwarder.Delivery
		for _, a := range s.Fresh {
			list = append(list, l.delivery("same-claim", a))
		}
		return list
	}
	mine, theirs := l.message("m1", ana, l.now), l.message("m1", ana, l.now)
	theirs.Account = "other"
	mine.Referral = &attribution.Click{ClickID: "Clid1"}
	fresh, deliveries := l.record(plan, mine, theirs)
	if fresh != 2 || len(deliveries) != 2 {
		t.Fatalf("fresh %d, deliveries %d; want 2 and 2", fresh, len(deliveries))
	}
	if mine.Thread == theirs.Thread || len(theirs.Thread.Clicks) != 0 {
		t.Error("one account sees the other's click")
	}
	if call := l.claim("a"); len(call.Deliveries) != 1 || call.Deliveries[0].Account != "shop" {
		t.Errorf("the call carries %d deliveries", len(call.Deliveries))
	}
}
