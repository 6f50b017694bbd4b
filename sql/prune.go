package sql

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// pruneBatch is how many rows one transaction removes, so that intake never waits long (ledger 2).
const pruneBatch = 500

// PruneClicks deletes clicks made before a given time, after folding them into daily counts per ad
// (ledger 12). It returns how many it deleted. It goes on where a stopped one left off.
func (s *Store) PruneClicks(ctx context.Context, before time.Time) (int, error) {
	total := 0
	for {
		n, err := s.pruneClicksOnce(ctx, before)
		total += n
		if err != nil {
			return total, fmt.Errorf("prune clicks: %w", err)
		}
		if n < pruneBatch {
			return total, nil
		}
	}
}

func (s *Store) pruneClicksOnce(ctx context.Context, before time.Time) (int, error) {
	pruned := 0
	err := s.write.RunInTx(ctx, &stdsql.TxOptions{}, func(ctx context.Context, tx bun.Tx) error {
		var rows []clickRow
		err := tx.NewRaw(`
DELETE FROM clicks WHERE (account_id, conversation_id, id) IN (
    SELECT account_id, conversation_id, id FROM clicks WHERE clicked_at < ? ORDER BY clicked_at LIMIT ?)
RETURNING account_id, clid, ad_id, clicked_at`, micros(before), pruneBatch).Scan(ctx, &rows)
		if err != nil {
			return err
		}
		pruned = len(rows)
		return foldClicks(ctx, tx, rows)
	})
	return pruned, err
}

type clickDayRow struct {
	bun.BaseModel `bun:"table:click_days"`

	AccountID   string
	Day         string
	AdID        string
	Clicks      int64
	WithoutClid int64
}

// foldClicks adds clicks that are about to go to the counts that stay.
func foldClicks(ctx context.Context, tx bun.Tx, gone []clickRow) error {
	type key struct{ account, day, ad string }
	days := map[key]*clickDayRow{}
	var order []key
	for _, c := range gone {
		k := key{c.AccountID, fromMicros(c.ClickedAt).Format(time.DateOnly), c.AdID}
		if days[k] == nil {
			days[k] = &clickDayRow{AccountID: k.account, Day: k.day, AdID: k.ad}
			order = append(order, k)
		}
		days[k].Clicks++
		if c.Clid == "" {
			days[k].WithoutClid++
		}
	}
	rows := make([]clickDayRow, len(order))
	for i, k := range order {
		rows[i] = *days[k]
	}
	return insert(ctx, tx, rows, `CONFLICT (account_id, day, ad_id) DO UPDATE SET
		clicks = click_day_row.clicks + excluded.clicks, without_clid = click_day_row.without_clid + excluded.without_clid`)
}
