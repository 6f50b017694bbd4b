package sql

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/notices"
	"github.com/clickthread/clickthread/reason"
)

// Counting what waits. After an outage that may be millions of events, so no statement counts them all: each
// takes a page, found by index, and none comes near the time that a statement has.

// countPage is how many events one statement counts. PostgreSQL looks at what was changed lately twice, so a page
// may take many times as long as usual.
const countPage = 20_000

// Backlog implements notices.Ledger. What is queued or sent meanwhile may be counted or not.
func (s *Store) Backlog(ctx context.Context, account string) (notices.Backlog, error) {
	return s.backlogBy(ctx, account, countPage)
}

// backlogBy reads each page in the order of the index, and only that: asked for a range, PostgreSQL reads all there
// is once it knows how much that is.
func (s *Store) backlogBy(ctx context.Context, account string, page int) (notices.Backlog, error) {
	var row struct {
		N     int
		First int64
		DueAt int64 // of the last
		ID    []byte
	}
	row.DueAt, row.ID = -1, []byte{}
	total, first := 0, int64(0)
	for {
		err := s.read.NewRaw(`
WITH page AS (
    SELECT due_at, id, event_at FROM deliveries WHERE account_id = ? AND status = 'queued' AND (due_at, id) > (?, ?) ORDER BY due_at, id LIMIT ?)
SELECT count(*) AS n, coalesce(min(event_at), 0) AS first,
    coalesce((SELECT due_at FROM page ORDER BY due_at DESC, id DESC LIMIT 1), 0) AS due_at, (SELECT id FROM page ORDER BY due_at DESC, id DESC LIMIT 1) AS id
FROM page`, account, row.DueAt, row.ID, page).Scan(ctx, &row)
		if err != nil {
			return notices.Backlog{}, err
		}
		if row.N > 0 && (total == 0 || row.First < first) {
			first = row.First
		}
		total += row.N
		if row.N < page {
			return backlog(total, first), nil
		}
	}
}

func backlog(n int, first int64) notices.Backlog {
	if n == 0 {
		return notices.Backlog{}
	}
	return notices.Backlog{Events: n, SendableUntil: fromMicros(first).Add(forwarder.SendableFor)}
}

// observeExpiring counts by account what ends soon. Nothing is lost with an event that Meta has reported
// by itself. "queued" is asked for twice: SQLite uses a partial index only where its own condition stands.
func (s *Store) observeExpiring(ctx context.Context, now time.Time, page int) ([]notices.Expiring, error) {
	after := micros(now.Add(-forwarder.SendableFor))
	until := micros(now.Add(-forwarder.SendableFor).Add(notices.ExpiringWithin))
	queued, err := s.countByAge(ctx, "status IN ('queued', 'waiting') AND status = 'queued'", after, until, page)
	if err != nil {
		return nil, err
	}
	held, err := s.countByAge(ctx, "status = 'held' AND reason <> '"+string(reason.MetaDetected)+"'", after, until, page)
	if err != nil {
		return nil, err
	}
	var list []notices.Expiring
	for cause, counts := range map[string]map[string]byAge{notices.Waiting: queued, notices.NeedsPerson: held} {
		for account, c := range counts {
			list = append(list, notices.Expiring{Account: account, Cause: cause, Backlog: backlog(c.n, c.first)})
		}
	}
	slices.SortFunc(list, func(a, b notices.Expiring) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Cause, b.Cause))
	})
	return list, nil
}

// byAge is how many events of one account there are, and when the first of them happened.
type byAge struct {
	n     int
	first int64
}

// countByAge counts by account the events that happened after one time and until another, oldest first. which
// is the condition of an index on their age.
func (s *Store) countByAge(ctx context.Context, which string, after, until int64, page int) (map[string]byAge, error) {
	counts := map[string]byAge{}
	for after < until {
		to := until
		var ends []int64
		err := s.read.NewRaw("SELECT event_at FROM deliveries WHERE "+which+" AND event_at > ? AND event_at <= ? ORDER BY event_at LIMIT 1 OFFSET ?",
			after, until, page-1).Scan(ctx, &ends)
		if err != nil {
			return nil, err
		}
		if len(ends) > 0 {
			to = ends[0]
		}
		var rows []struct {
			AccountID string
			N         int
			First     int64
		}
		err = s.read.NewRaw("SELECT account_id, count(*) AS n, min(event_at) AS first FROM deliveries WHERE "+which+" AND event_at > ? AND event_at <= ? GROUP BY account_id",
			after, to).Scan(ctx, &rows)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			c, known := counts[r.AccountID]
			if !known {
				c.first = r.First
			}
			c.n += r.N
			counts[r.AccountID] = c
		}
		after = to
	}
	return counts, nil
}
