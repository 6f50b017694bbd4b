package sql

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// tables are the ledger's own.
var tables = []string{
	"message_keys", "messages", "contacts", "aliases", "conversations", "clicks", "click_days", "unattributed",
	"claims", "deliveries", "calls", "attempts", "lanes", "quarantine", "counters",
}

// RowCounts counts the rows of every table: how big the ledger is, and in tests what changed.
func (s *Store) RowCounts(ctx context.Context) (map[string]int, error) {
	counts := make(map[string]int, len(tables))
	for _, table := range tables {
		var n int
		if err := s.read.NewRaw("SELECT count(*) FROM ?", bun.Ident(table)).Scan(ctx, &n); err != nil {
			return nil, fmt.Errorf("count %s: %w", table, err)
		}
		counts[table] = n
	}
	return counts, nil
}
