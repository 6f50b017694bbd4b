package sql

import "context"

// RowCounts counts the rows of the ledger's tables.
func (l *ledger) RowCounts(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{}
	for _, table := range []string{
		"message_keys", "messages", "contacts", "aliases", "conversations", "clicks", "click_days", "unattributed",
		"claims", "deliveries", "calls", "attempts", "lanes", "quarantine", "counters", "rule_evaluations",
	} {
		var n int
		if err := l.read.NewRaw("SELECT count(*) FROM "+table).Scan(ctx, &n); err != nil {
			return nil, err
		}
		counts[table] = n
	}
	return counts, nil
}
