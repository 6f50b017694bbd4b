package sql

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// aged is a table with an index on the time by which its rows grow old. It is walked along that index
// over all accounts, also those that left the settings.
type aged struct {
	table string
	key   string // columns of the primary key
	age   string // column of the time
	most  int    // rows of one transaction
}

func (a aged) count(ctx context.Context, s *Store, before time.Time) (n int, err error) {
	err = s.read.NewRaw("SELECT count(*) FROM "+a.table+" WHERE "+a.age+" < ?", micros(before)).Scan(ctx, &n)
	return n, err
}

func (a aged) prune(ctx context.Context, s *Store, before time.Time) (int, error) {
	from := int64(math.MinInt64)
	return s.sweep(ctx, a.most, func(ctx context.Context) (int, error) {
		var gone []int64
		err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			gone = nil
			return a.oldest(tx, from, before, a.age).Scan(ctx, &gone)
		})
		if err != nil || len(gone) == 0 {
			return 0, err
		}
		from = slices.Max(gone)
		return len(gone), nil
	})
}

// oldest deletes the oldest rows and returns some of their columns. from is how far it has come: a
// database that only marks rows as deleted does not walk them again.
func (a aged) oldest(tx bun.Tx, from int64, before time.Time, columns string) *bun.RawQuery {
	return tx.NewRaw(`
DELETE FROM `+a.table+` WHERE (`+a.key+`) IN (
    SELECT `+a.key+` FROM `+a.table+` WHERE `+a.age+` >= ? AND `+a.age+` < ? ORDER BY `+a.age+` LIMIT ?)
RETURNING `+columns, from, micros(before), a.most)
}

// oldClicks are clicks: what goes is folded into daily counts per ad (ledger 12).
type oldClicks struct{ aged }

func (c oldClicks) prune(ctx context.Context, s *Store, before time.Time) (int, error) {
	from := int64(math.MinInt64)
	return s.sweep(ctx, c.most, func(ctx context.Context) (int, error) {
		var gone []clickRow
		err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			gone = nil
			if err := c.oldest(tx, from, before, "account_id, clid, ad_id, clicked_at").Scan(ctx, &gone); err != nil {
				return err
			}
			return foldClicks(ctx, tx, gone)
		})
		if err != nil || len(gone) == 0 {
			return 0, err
		}
		from = slices.MaxFunc(gone, func(a, b clickRow) int { return cmp.Compare(a.ClickedAt, b.ClickedAt) }).ClickedAt
		return len(gone), nil
	})
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
	for _, c := range gone {
		k := key{c.AccountID, fromMicros(c.ClickedAt).Format(time.DateOnly), c.AdID}
		if days[k] == nil {
			days[k] = &clickDayRow{AccountID: k.account, Day: k.day, AdID: k.ad}
		}
		days[k].Clicks++
		if c.Clid == "" {
			days[k].WithoutClid++
		}
	}
	var rows []clickDayRow
	for _, row := range days {
		rows = append(rows, *row)
	}
	slices.SortFunc(rows, func(a, b clickDayRow) int {
		return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.Day, b.Day), cmp.Compare(a.AdID, b.AdID))
	})
	return insert(ctx, tx, rows, `CONFLICT (account_id, day, ad_id) DO UPDATE SET
		clicks = click_day_row.clicks + excluded.clicks, without_clid = click_day_row.without_clid + excluded.without_clid`)
}
