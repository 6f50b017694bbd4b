package sql

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
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
		func(*attribution.Snapshot, []forwarder.Delivery) (forwarder.Changes, error) {
			return forwarder.Changes{}, context.DeadlineExceeded
		})
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

// refusesBadRows: rows that no retry makes better are told from a storage that is away, because the notification
// with them must not keep the others waiting.
func refusesBadRows(t *testing.T, l *ledger) {
	for name, plan := range map[string]func(*attribution.Snapshot) []forwarder.Delivery{
		"a key that is there already": func(s *attribution.Snapshot) []forwarder.Delivery {
			a, b := l.delivery("a", s.Fresh[0]), l.delivery("b", s.Fresh[0])
			b.ID = a.ID
			return []forwarder.Delivery{a, b}
		},
		"a value that is missing": func(s *attribution.Snapshot) []forwarder.Delivery {
			a := s.Fresh[0]
			a.Thread.Wait(attribution.Waiting{Trigger: a.ID, Rule: "r", Event: "Purchase", Reason: reason.NoClickID, At: a.At, ReceivedAt: l.now})
			return nil
		},
	} {
		_, _, err := l.Record(t.Context(), l.now, []*attribution.Arrival{l.message("m1", ana, l.now)},
			func(s *attribution.Snapshot, _ []forwarder.Delivery) (forwarder.Changes, error) {
				return forwarder.Changes{New: plan(s)}, nil
			})
		var data interface{ RefusesData() bool }
		if !errors.As(err, &data) || !data.RefusesData() {
			t.Errorf("%s: %v, which is not a refusal of the rows", name, err)
		}
	}
	if fresh, _ := l.record(nil, l.message("m1", ana, l.now)); fresh != 1 {
		t.Error("something of what was refused is kept")
	}
}

// quarantine sets bodies aside together.
func (l *ledger) quarantine(at time.Time, why string, bodies ...[]byte) {
	l.Helper()
	var list []attribution.Unrecorded
	for _, body := range bodies {
		list = append(list, attribution.Unrecorded{ReceivedAt: at, Reason: why, WABA: "1", Detail: "why", Body: body})
	}
	if err := l.Quarantine(l.Context(), list); err != nil {
		l.Fatal(err)
	}
}

func quarantine(t *testing.T, l *ledger) {
	for range 3 {
		for i := range 4 {
			body := fmt.Appendf(nil, "%d%0999d", i, 0)
			l.quarantine(l.now.Add(time.Duration(i)*time.Second), "malformed", body, body)
		}
	}
	if n, err := l.capQuarantine(t.Context(), 4000, 3); n != 0 || err != nil {
		t.Fatalf("%d removed of what fits: %v", n, err)
	}
	if n, err := l.capQuarantine(t.Context(), 2500, 1); n != 2 || err != nil {
		t.Fatalf("%d removed %v, want the oldest two", n, err)
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
	l.record(nil, click)                                          // this plan revives nothing: the fault that Stranded looks for
	l.record(func(s *attribution.Snapshot) []forwarder.Delivery { // and neither does this one's, for two rules
		for _, rule := range []string{"r", "s"} {
			a := s.Fresh[0]
			a.Thread.Wait(attribution.Waiting{Trigger: a.ID, Rule: rule, Event: "Purchase", Reason: reason.NoClickID, At: a.At, ReceivedAt: l.now, Body: a.Body})
		}
		return nil
	}, l.message("m3", ana, l.now))
	for _, page := range []int{1, 2, countPage} {
		if n, err := l.strandedBy(t.Context(), page); n != 3 || err != nil {
			t.Errorf("%d %v, %d at a time; want 3", n, err, page)
		}
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

// What cannot be recorded on replay either stays, with the newest reason.
func putBack(t *testing.T, l *ledger) {
	l.quarantine(l.now, "unknown_waba", []byte("body"))
	n, err := l.Replay(t.Context(), "unknown_waba", "1", func(at time.Time, body []byte) error {
		l.quarantine(at, "plan_failed", body)
		return nil
	})
	if n != 0 || err != nil {
		t.Errorf("replayed %d %v, want none", n, err)
	}
	if counts, err := l.QuarantineCount(t.Context()); counts["plan_failed"] != 1 || len(counts) != 1 || err != nil {
		t.Errorf("in quarantine: %v %v", counts, err)
	}
}

// A delivery is found by each of its names, whatever account it is of.
func foundByName(t *testing.T, l *ledger) {
	l.queue(2, nil)
	list, err := l.Deliveries(t.Context(), Filter{})
	if err != nil || len(list) != 2 {
		t.Fatalf("%d deliveries %v", len(list), err)
	}
	d := list[0]
	for name, c := range map[string]struct {
		id    uuid.UUID
		event string
		want  int
	}{
		"our id":          {d.ID, "", 1},
		"Meta's id":       {uuid.Nil, d.EventID, 1},
		"its message":     {d.Trigger, "", 2},
		"nothing of ours": {newID(), "x", 0},
	} {
		if found, err := l.FindDeliveries(t.Context(), c.id, c.event); len(found) != c.want || err != nil {
			t.Errorf("by %s: %d %v, want %d", name, len(found), err, c.want)
		}
	}
}
