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
	Rules     int
	Problem   string
	SeenAt    int64
}

// RulesInForce are the rules that a node has in force for an account.
type RulesInForce struct {
	Account string
	Node    string
	Hash    string // of the set; "" is none
	Rules   int
	Problem string // what is wrong with the account's files, so that they are not what is in force; "" is nothing
}

// SeeNode notes which rules a node has in force for each account, and forgets nodes that were not seen for
// ten minutes (ledger 30). Where only one can run, it forgets all others.
func (s *Store) SeeNode(ctx context.Context, now time.Time, node string, inForce map[string]RulesInForce) error {
	var rows []nodeRow
	for _, account := range slices.Sorted(maps.Keys(inForce)) {
		r := inForce[account]
		rows = append(rows, nodeRow{Node: node, AccountID: account, RuleSet: r.Hash, Rules: r.Rules, Problem: r.Problem, SeenAt: micros(now)})
	}
	forgotten := now.Add(-nodeForgotten)
	if !s.Shared() {
		forgotten = now
	}
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewRaw("DELETE FROM nodes WHERE seen_at < ?", micros(forgotten)).Exec(ctx); err != nil {
			return err
		}
		return insert(ctx, tx, rows, `CONFLICT (node, account_id) DO UPDATE SET
			rule_set = excluded.rule_set, rules = excluded.rules, problem = excluded.problem, seen_at = excluded.seen_at`)
	})
	if err != nil {
		return fmt.Errorf("note the rule sets of node %s: %w", node, err)
	}
	return nil
}

// AccountsOnNodes lists the accounts that running nodes have in their settings.
func (s *Store) AccountsOnNodes(ctx context.Context, now time.Time) (accounts []string, err error) {
	err = s.read.NewRaw("SELECT DISTINCT account_id FROM nodes WHERE seen_at >= ? ORDER BY account_id", micros(now.Add(-nodeLives))).Scan(ctx, &accounts)
	if err != nil {
		return nil, fmt.Errorf("list the nodes' accounts: %w", err)
	}
	return accounts, nil
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

// RulesInForce lists what running nodes have in force, by account and node.
func (s *Store) RulesInForce(ctx context.Context, now time.Time) (list []RulesInForce, err error) {
	var rows []nodeRow
	err = s.read.NewSelect().Model(&rows).Where("seen_at >= ?", micros(now.Add(-nodeLives))).Order("account_id", "node").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the rules in force: %w", err)
	}
	for _, r := range rows {
		list = append(list, RulesInForce{Account: r.AccountID, Node: r.Node, Hash: r.RuleSet, Rules: r.Rules, Problem: r.Problem})
	}
	return list, nil
}
