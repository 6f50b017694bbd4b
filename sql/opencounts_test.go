package sql

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
)

func countsOpen(t *testing.T, l *ledger) {
	begin := l.now
	l.queue(3, nil)
	l.claim("a")
	l.now = l.now.Add(time.Second)
	l.queue(2, nil)
	l.queue(3, func(i int, d *forwarder.Delivery) { d.Account = []string{"shop", "clinic", "clinic"}[i] })
	l.queue(2, func(i int, d *forwarder.Delivery) {
		d.Status, d.Reason = forwarder.Held, []reason.Code{reason.ValueMissing, reason.MetaUnknown}[i]
	})
	l.queue(1, func(_ int, d *forwarder.Delivery) { d.Status = forwarder.Waiting })
	l.queue(1, func(_ int, d *forwarder.Delivery) { d.Status = forwarder.Sent })
	l.record(func(s *attribution.Snapshot) []forwarder.Delivery {
		a := s.Fresh[0]
		a.Thread.Wait(attribution.Waiting{Trigger: a.ID, Rule: "r", Event: "Purchase", Reason: reason.NoClickID, At: a.At, ReceivedAt: l.now, Body: a.Body})
		return nil
	}, l.message("waits", ana, l.now))
	now := micros(l.now)
	want := []OpenCount{
		{"clinic", "queued", "", 2, now},
		{"shop", "held", "meta_unknown", 1, now},
		{"shop", "held", "value_missing", 1, now},
		{"shop", "queued", "", 3, micros(begin)},
		{"shop", "sending", "", 3, 0},
		{"shop", "unattributed", "", 1, 0},
		{"shop", "waiting", "", 1, now},
	}
	got, err := l.OpenCounts(t.Context())
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("(-want +got):\n%s %v", diff, err)
	}
	whole, err := l.countQueued(t.Context(), countPage)
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []int{1, 2, 3} {
		paged, err := l.countQueued(t.Context(), page)
		if diff := cmp.Diff(whole, paged); diff != "" || err != nil {
			t.Errorf("%d at a time (-whole +paged):\n%s %v", page, diff, err)
		}
	}
}
