package sql

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
)

// Ledger 19: what waits is queued when its time has come, more than one statement's worth too, and keeps
// the bytes that it was planned with.
func ripens(t *testing.T, l *ledger) {
	const n = ripenBatch + 10
	l.queue(n, func(i int, d *forwarder.Delivery) {
		d.Status, d.Due = forwarder.Waiting, l.now.Add(time.Hour)
		if i == 0 {
			d.Due = l.now.Add(2 * time.Hour)
		}
	})
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{time.Hour - time.Second, 0}, {time.Hour, n - 1}} {
		if got, err := l.Ripen(t.Context(), l.now.Add(c.after)); got != c.want || err != nil {
			t.Errorf("after %s: %d %v, want %d", c.after, got, err, c.want)
		}
	}
	l.wantStatuses(map[string]int{"waiting": 1, "queued": n - 1})
	l.now = l.now.Add(time.Hour)
	call := l.claim("a")
	if call == nil || len(call.Deliveries) != n-1 || string(call.Deliveries[0].Payload) != `{"event_name":"Purchase"}` {
		t.Errorf("what ripened is not sent as it was planned: %v", call)
	}
}

// Ledger 17: a held event is completed once, and only while it lacks its value.
func completesHeld(t *testing.T, l *ledger) {
	l.queue(3, func(i int, d *forwarder.Delivery) {
		d.Status, d.Payload, d.Value = forwarder.Held, nil, capi.Money{}
		d.Reason = []reason.Code{reason.ValueMissing, reason.ValueAmbiguous, reason.UnknownOutcome}[i]
	})
	l.record(nil, l.message("m1", ana, l.now))
	known := l.known
	for range 2 {
		l.plan(func(*attribution.Snapshot) (c forwarder.Changes) {
			for _, d := range known {
				d.Status, d.Reason, d.Value, d.Payload = forwarder.Queued, reason.None, capi.Money{Minor: 8900, Currency: "BRL"}, []byte("{}")
				d.ClickID, d.Due, d.UpdatedAt = "Clid1", l.now, l.now
				c.Completed = append(c.Completed, d)
			}
			return c
		}, l.message(newID().String(), ana, l.now))
		l.wantStatuses(map[string]int{"queued": 2, "held unknown_outcome": 1})
	}
	for _, d := range l.claim("a").Deliveries {
		stored := l.stored(d.ID)
		if string(stored.Payload) != "{}" || stored.Value.String() != "89.00 BRL" || stored.ClickID != "Clid1" || stored.EventID == "" {
			t.Errorf("completed as %+v", stored)
		}
	}
}

// Ledger 27: what is cancelled waits or is held; what a call may carry by now goes on.
func cancelsWaiting(t *testing.T, l *ledger) {
	states := []forwarder.Status{forwarder.Waiting, forwarder.Held, forwarder.Queued}
	l.queue(len(states), func(i int, d *forwarder.Delivery) {
		d.Status, d.Due, d.CancelIf = states[i], l.now.Add(time.Hour), []byte(`["x"]`)
	})
	l.record(nil, l.message("m1", ana, l.now))
	l.plan(func(*attribution.Snapshot) (c forwarder.Changes) {
		for _, d := range l.known {
			if string(d.CancelIf) != `["x"]` || !d.Due.Equal(l.now.Add(time.Hour)) {
				t.Errorf("the plan is told of %+v", d)
			}
			d.Reason, d.UpdatedAt = reason.CancelIf, l.now
			c.Cancelled = append(c.Cancelled, d)
		}
		return c
	}, l.message("m2", ana, l.now))
	l.wantStatuses(map[string]int{"cancelled cancel_if": 2, "queued": 1})
}

// Ledger 15: rules that share a claim across conversations see it taken, where they ask for it.
func claimsByKey(t *testing.T, l *ledger) {
	l.record(func(s *attribution.Snapshot) []forwarder.Delivery {
		return []forwarder.Delivery{l.delivery("dedupe:Purchase:4512", s.Fresh[0])}
	}, l.message("m1", ana, l.now))

	asks := l.message("m2", ben, l.now)
	asks.Keys = []string{"dedupe:Purchase:4512", "dedupe:Purchase:9"}
	l.record(nil, asks)
	if len(l.known) != 1 || l.known[0].Claim != "dedupe:Purchase:4512" || l.known[0].Status != forwarder.Queued {
		t.Errorf("the plan is told of %+v", l.known)
	}
	other := l.message("m3", ben, l.now)
	other.Account, other.Keys = "other", asks.Keys
	l.record(nil, asks, other)
	if len(l.known) != 0 {
		t.Errorf("one account sees the other's claim: %+v", l.known)
	}
}

// The newest texts of the business are told, where rules ask for a quote; nobody else's are.
func quotes(t *testing.T, l *ledger) {
	said := func(who attribution.Identity, source attribution.Source, minute int) {
		a := l.message(fmt.Sprintf("%s%s%d", who.WAID, source, minute), who, l.now.Add(time.Duration(minute-100)*time.Minute))
		a.Source = source
		l.record(nil, a)
	}
	for minute := range 25 {
		said(ana, attribution.Echo, minute)
	}
	said(ana, attribution.Customer, 30)
	said(ana, attribution.Report, 31)
	said(ben, attribution.Echo, 32)

	asks := l.message("asks", ana, l.now)
	asks.Quotes = true
	l.record(nil, asks)
	got := []string{}
	for _, q := range asks.Thread.Quotes {
		got = append(got, string(q.Body))
	}
	want := []string{ana.WAID + "report31"}
	for minute := 24; minute > 5; minute-- {
		want = append(want, fmt.Sprintf("%secho%d", ana.WAID, minute))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("quotes (-want +got):\n%s", diff)
	}
	quiet := l.message("quiet", ana, l.now)
	if l.record(nil, quiet); len(quiet.Thread.Quotes) != 0 {
		t.Error("quotes are read where nobody asks")
	}
}

// An automatic event names only a click: its person is found by it, in the account's own clicks.
func whoClicked(t *testing.T, l *ledger) {
	click := l.message("m1", ana, l.now.Add(-time.Hour))
	click.Referral = &attribution.Click{ClickID: "Clid1"}
	l.record(nil, click)
	who, number, ok, err := l.WhoClicked(t.Context(), "shop", "Clid1", l.now)
	if who != (attribution.Identity{UserID: ana.UserID}) || number != "700" || !ok || err != nil {
		t.Errorf("%+v %s %v %v", who, number, ok, err)
	}
	for _, unknown := range [][2]string{{"shop", "Clid2"}, {"other", "Clid1"}} {
		if _, _, ok, err := l.WhoClicked(t.Context(), unknown[0], unknown[1], l.now); ok || err != nil {
			t.Errorf("%v: %v %v", unknown, ok, err)
		}
	}
}
