package sql

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/forwarder"
)

// mendable is what EachMendable finds, in pages of two.
func mendable(l *ledger, s *Store, m Mend) (all []Mendable, err error) {
	l.Helper()
	m.Page = 2
	err = s.EachMendable(l.Context(), m, func(account string, page []Mendable) error {
		for _, e := range page {
			if e.Account != account || len(page) > m.Page {
				l.Errorf("an event of %s is in a page of %d of %s", e.Account, len(page), account)
			}
		}
		all = append(all, page...)
		return nil
	})
	return all, err
}

// mendsPageByPage: after an outage an account may have more queued than is read or changed at once. Each is met
// once, though being mended moves it in the queue; what changed after the count is not touched.
func mendsPageByPage(t *testing.T, l *ledger) {
	const n = 23
	states := []forwarder.Status{forwarder.Queued, forwarder.Rejected}
	l.queue(n, func(i int, d *forwarder.Delivery) {
		d.Status = states[i%2]
		d.Due = l.now.Add(time.Duration(i%5-2) * time.Hour) // as many with each due time: more than a page
	})
	m := Mend{Remedy: Retry, Filter: Filter{Account: "shop"}, Now: l.now, Datasets: map[string]string{"shop": "901"}, Page: 2}
	var changed, left int
	err := l.EachMendable(t.Context(), m, func(account string, page []Mendable) error {
		var ids []uuid.UUID
		for _, e := range page {
			ids = append(ids, e.ID)
		}
		done, err := l.Mend(t.Context(), m, account, ids)
		for why, n := range countLeft(done) {
			if why == "" {
				changed += n
			} else {
				left += n
			}
		}
		return err
	})
	if err != nil || changed != n || left != 0 {
		t.Errorf("%d changed and %d left of %d: %v", changed, left, n, err)
	}
	l.wantStatuses(map[string]int{"queued": n})

	l.now = l.now.Add(time.Minute)
	l.queue(3, nil)
	m = Mend{Remedy: Cancel, Filter: Filter{Account: "shop"}, Now: l.now, Counted: l.now.Add(-time.Second)}
	if found, err := mendable(l, l.Store, m); len(found) != n || err != nil {
		t.Errorf("%d are found of the %d that were counted: %v", len(found), n, err)
	}
	m.Counted = time.Time{}
	if found, err := mendable(l, l.Store, m); len(found) != n+3 || err != nil {
		t.Errorf("%d are found of %d: %v", len(found), n+3, err)
	}
}
