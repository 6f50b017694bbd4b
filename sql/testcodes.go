package sql

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

type testCodeRow struct {
	bun.BaseModel `bun:"table:test_codes"`

	AccountID string
	Code      string
	Since     int64
}

// TestCodeSince notes an account's test code and returns since when it is this one. An empty code forgets
// the earlier one, so that it may be set again.
func (s *Store) TestCodeSince(ctx context.Context, account, code string, now time.Time) (time.Time, error) {
	var rows []testCodeRow
	err := s.write.NewRaw(`
INSERT INTO test_codes (account_id, code, since) VALUES (?, ?, ?)
ON CONFLICT (account_id) DO UPDATE SET code = excluded.code,
    since = CASE WHEN test_codes.code = excluded.code THEN test_codes.since ELSE excluded.since END
RETURNING since`, account, code, micros(now)).Scan(ctx, &rows)
	if err != nil || len(rows) != 1 {
		return time.Time{}, fmt.Errorf("note the test code of %s: %w", account, err)
	}
	return fromMicros(rows[0].Since), nil
}
