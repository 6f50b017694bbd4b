package sql

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/attribution"
)

type counterRow struct {
	bun.BaseModel `bun:"table:counters"`

	AccountID string
	Day       string
	Kind      string
	Node      string
	N         int64
}

// addToCounter is what follows the values of counterRows.
const addToCounter = "CONFLICT (account_id, day, kind, node) DO UPDATE SET n = counter_row.n + excluded.n"

var putCounts = put[counterRow]{"put_counts", addToCounter, "", onBoth}

// AddCounts adds to the day's counters of this node.
func (s *Store) AddCounts(ctx context.Context, now time.Time, counts map[attribution.Count]int) error {
	return insert(ctx, s.write, counterRows(s.node, now, counts), addToCounter)
}

func counterRows(node string, now time.Time, counts map[attribution.Count]int) []counterRow {
	rows := make([]counterRow, 0, len(counts))
	for c, n := range counts {
		rows = append(rows, counterRow{AccountID: c.Account, Day: now.UTC().Format(time.DateOnly), Kind: c.Kind, Node: node, N: int64(n)})
	}
	slices.SortFunc(rows, func(a, b counterRow) int {
		return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.Kind, b.Kind))
	})
	return rows
}

// Counts sums the counters of all days and nodes.
func (s *Store) Counts(ctx context.Context) (map[attribution.Count]int64, error) {
	var rows []counterRow
	err := s.read.NewRaw("SELECT account_id, kind, sum(n) AS n FROM counters GROUP BY account_id, kind").Scan(ctx, &rows)
	counts := make(map[attribution.Count]int64, len(rows))
	for _, r := range rows {
		counts[attribution.Count{Account: r.AccountID, Kind: r.Kind}] = r.N
	}
	return counts, err
}
