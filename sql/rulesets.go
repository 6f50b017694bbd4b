package sql

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/rules"
)

type ruleSetRow struct {
	bun.BaseModel `bun:"table:rule_sets"`

	AccountID   string
	Hash        string
	PublishedAt int64
	Files       []byte // JSON of []rules.Source
}

// KeepRuleSet keeps an account's valid set as its last good one (ledger 30).
func (s *Store) KeepRuleSet(ctx context.Context, now time.Time, accountID string, set *rules.Set) error {
	files, err := json.Marshal(set.Sources())
	if err != nil {
		return fmt.Errorf("keep rule set: %w", err)
	}
	row := ruleSetRow{AccountID: accountID, Hash: set.Hash(), PublishedAt: micros(now), Files: files}
	return insert(ctx, s.write, []ruleSetRow{row}, `CONFLICT (account_id) DO UPDATE SET
		hash = excluded.hash, published_at = excluded.published_at, files = excluded.files`)
}

// LastRuleSet reads the files of an account's last good set and when it was published; nil when there
// never was one.
func (s *Store) LastRuleSet(ctx context.Context, accountID string) ([]rules.Source, time.Time, error) {
	var rows []ruleSetRow
	if err := s.read.NewSelect().Model(&rows).Where("account_id = ?", accountID).Scan(ctx); err != nil || len(rows) == 0 {
		return nil, time.Time{}, err
	}
	var files []rules.Source
	if err := json.Unmarshal(rows[0].Files, &files); err != nil {
		return nil, time.Time{}, fmt.Errorf("read rule set: %w", err)
	}
	return files, fromMicros(rows[0].PublishedAt), nil
}
