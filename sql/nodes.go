package sql

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

const (
	nodeLives     = 2 * time.Minute  // a node that was seen in this time is running; it is seen every minute
	nodeForgotten = 10 * time.Minute // and after this its rows go
)

type nodeRow struct {
	bun.BaseModel `bun:"table:nodes"`

	Node      string
	AccountID string
	RuleSet   string
	SeenAt    int64
}

// SeeNode notes which rule set a node has in force for each account, by hash ("" is none), and forgets
// nodes that were not seen for ten minutes (ledger 30). Where only one can run, it forgets all others.
func (s *Store) SeeNode(ctx context.Context, now time.Time, node string, sets map[string]string) error {
	var rows []nodeRow
	for _, account := range slices.Sorted(maps.Keys(sets)) {
		rows = append(rows, nodeRow{Node: node, AccountID: account, RuleSet: sets[account], SeenAt: micros(now)})
	}
	forgotten := now.Add(-nodeForgotten)
	if !s.Shared() {
		forgotten = now
	}
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewRaw("DELETE FROM nodes WHERE seen_at < ?", micros(forgotten)).Exec(ctx); err != nil {
			return err
		}
		return insert(ctx, tx, rows, `CONFLICT (node, account_id) DO UPDATE SET rule_set = excluded.rule_set, seen_at = excluded.seen_at`)
	})
	if err != nil {
		return fmt.Errorf("note the rule sets of node %s: %w", node, err)
	}
	return nil
}

// RuleSetsDiffer lists the accounts for which running nodes have different rule sets in force.
func (s *Store) RuleSetsDiffer(ctx context.Context, now time.Time) (accounts []string, err error) {
	err = s.read.NewRaw(`
SELECT account_id FROM nodes WHERE seen_at >= ? GROUP BY account_id HAVING count(DISTINCT rule_set) > 1 ORDER BY account_id`,
		micros(now.Add(-nodeLives))).Scan(ctx, &accounts)
	if err != nil {
		return nil, fmt.Errorf("compare the nodes' rule sets: %w", err)
	}
	return accounts, nil
}
