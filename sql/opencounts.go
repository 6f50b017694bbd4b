package sql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// OpenCount is how many deliveries of an account are in a state that still needs something to happen.
type OpenCount struct {
	AccountID string
	Status    string
	Reason    string
	N         int64
	Oldest    int64 // microseconds: when the oldest was recorded; 0 where nobody asks
}

// OpenCounts counts what is queued, sending, waiting, held or unattributed, by account and state, and what is held
// by reason. It reads partial indexes: what has reached its end, which is nearly everything, costs nothing. What is
// in a call counts as sending and not as queued. With an error come the counts that could be made.
func (s *Store) OpenCounts(ctx context.Context) ([]OpenCount, error) {
	queued, err := s.countQueued(ctx, countPage)
	if err != nil {
		queued, err = nil, fmt.Errorf("count what is queued: %w", err) // a part of it says nothing
	}
	errs := []error{err}
	var all []OpenCount
	for what, query := range map[string]string{
		"sending":      `SELECT account_id, 'sending' AS status, '' AS reason, sum(events) AS n, 0 AS oldest FROM calls WHERE outcome = 'open' GROUP BY account_id`,
		"held":         `SELECT account_id, 'held' AS status, reason, count(*) AS n, min(created_at) AS oldest FROM deliveries WHERE status = 'held' GROUP BY account_id, reason`,
		"waiting":      `SELECT account_id, 'waiting' AS status, '' AS reason, count(*) AS n, min(created_at) AS oldest FROM deliveries WHERE status = 'waiting' GROUP BY account_id`,
		"unattributed": `SELECT account_id, 'unattributed' AS status, '' AS reason, count(*) AS n, 0 AS oldest FROM unattributed GROUP BY account_id`,
	} {
		var rows []OpenCount
		if err := s.read.NewRaw(query).Scan(ctx, &rows); err != nil {
			errs = append(errs, fmt.Errorf("count what is %s: %w", what, err))
		}
		for _, r := range rows {
			if r.Status == "sending" && queued[r.AccountID] != nil {
				queued[r.AccountID].N -= r.N
			}
		}
		all = append(all, rows...)
	}
	for _, q := range queued {
		all = append(all, *q)
	}
	slices.SortFunc(all, func(a, b OpenCount) int {
		return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.Status, b.Status), cmp.Compare(a.Reason, b.Reason))
	})
	return all, errors.Join(errs...)
}

// countQueued counts by account, a page of the index of what is due at a time (see backlogBy).
func (s *Store) countQueued(ctx context.Context, page int) (map[string]*OpenCount, error) {
	type counted struct {
		OpenCount   `bun:",extend"`
		LastAccount string
		LastDue     int64
		LastID      []byte
	}
	counts := map[string]*OpenCount{}
	for last := (counted{LastDue: -1, LastID: []byte{}}); ; {
		var rows []counted
		err := s.read.NewRaw(`
WITH page AS (
    SELECT account_id, due_at, id, created_at FROM deliveries WHERE status = 'queued' AND (account_id, due_at, id) > (?, ?, ?)
    ORDER BY account_id, due_at, id LIMIT ?),
last AS (SELECT account_id, due_at, id FROM page ORDER BY account_id DESC, due_at DESC, id DESC LIMIT 1)
SELECT p.account_id, 'queued' AS status, '' AS reason, count(*) AS n, min(p.created_at) AS oldest,
    (SELECT account_id FROM last) AS last_account, (SELECT due_at FROM last) AS last_due, (SELECT id FROM last) AS last_id
FROM page p GROUP BY p.account_id`, last.LastAccount, last.LastDue, last.LastID, page).Scan(ctx, &rows)
		if err != nil {
			return counts, err
		}
		read := int64(0)
		for _, r := range rows {
			read += r.N
			c := counts[r.AccountID]
			if c == nil {
				counts[r.AccountID] = &r.OpenCount
				continue
			}
			c.N, c.Oldest = c.N+r.N, min(c.Oldest, r.Oldest)
		}
		if read < int64(page) {
			return counts, nil
		}
		last = rows[0]
	}
}
