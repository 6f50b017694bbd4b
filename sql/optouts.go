package sql

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
)

type optOutRow struct {
	bun.BaseModel `bun:"table:opt_outs"`

	AccountID string
	Kind      string
	Value     string
	Since     int64
}

// OptOut is a name on an account's opt-out list.
type OptOut struct {
	Account string
	Kind    attribution.AliasKind
	Value   string
	Since   time.Time
}

// AddOptOuts puts names on the list, with all other names that their owners are known by.
func (s *Store) AddOptOuts(ctx context.Context, list []OptOut) error {
	rows := make([]optOutRow, len(list))
	for i, o := range list {
		rows[i] = optOutRow{AccountID: o.Account, Kind: string(o.Kind), Value: o.Value, Since: micros(o.Since)}
	}
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := insert(ctx, tx, rows, orLeave); err != nil {
			return fmt.Errorf("write opt-outs: %w", err)
		}
		_, err := followOptOuts(ctx, tx)
		return err
	})
}

// FollowOptOuts adds the names that people on the list were seen under since: a shopper who opted out by
// phone may write under a user id alone. It returns how many it added.
func (s *Store) FollowOptOuts(ctx context.Context) (n int, err error) {
	err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		n, err = followOptOuts(ctx, tx)
		return err
	})
	return n, err
}

// followOptOuts takes the names that people have now, of those who had a listed name when it was listed: a
// number that was given up is another's.
func followOptOuts(ctx context.Context, tx bun.Tx) (int, error) {
	res, err := tx.NewRaw(`
INSERT INTO opt_outs (account_id, kind, value, since)
SELECT DISTINCT other.account_id, other.kind, other.value, o.since
FROM opt_outs o
JOIN aliases a ON a.account_id = o.account_id AND a.kind = o.kind AND a.value = o.value AND ` + ownedThen + `
JOIN contacts me ON me.account_id = a.account_id AND me.id = a.contact_id
JOIN contacts kin ON kin.account_id = me.account_id AND kin.merged_into = me.merged_into
JOIN aliases other ON other.account_id = kin.account_id AND other.contact_id = kin.id AND other.to_at = 0
WHERE NOT EXISTS (SELECT 1 FROM opt_outs k WHERE k.account_id = other.account_id AND k.kind = other.kind AND k.value = other.value)
ON CONFLICT DO NOTHING`).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("follow opt-outs: %w", err)
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// ownedThen is the owner of a name when it was put on the list.
const ownedThen = "a.from_at <= o.since AND (a.to_at = 0 OR a.to_at > o.since)"

// RemoveOptOuts takes names off the list, with all other names of their owners, and returns how many.
func (s *Store) RemoveOptOuts(ctx context.Context, list []OptOut) (int, error) {
	removed := 0
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		removed = 0
		for _, o := range list {
			res, err := tx.NewRaw(`
DELETE FROM opt_outs WHERE account_id = ? AND ((kind = ? AND value = ?) OR (kind, value) IN (
    SELECT other.kind, other.value FROM opt_outs o
    JOIN aliases a ON a.account_id = o.account_id AND a.kind = o.kind AND a.value = o.value AND `+ownedThen+`
    JOIN contacts me ON me.account_id = a.account_id AND me.id = a.contact_id
    JOIN contacts kin ON kin.account_id = me.account_id AND kin.merged_into = me.merged_into
    JOIN aliases other ON other.account_id = kin.account_id AND other.contact_id = kin.id
    WHERE o.account_id = ? AND o.kind = ? AND o.value = ?))`,
				o.Account, o.Kind, o.Value, o.Account, o.Kind, o.Value).Exec(ctx)
			if err != nil {
				return fmt.Errorf("remove opt-outs: %w", err)
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			removed += int(n)
		}
		return nil
	})
	return removed, err
}

// OptOuts lists the names of an account, or of all for "", newest first.
func (s *Store) OptOuts(ctx context.Context, account string) ([]OptOut, error) {
	var rows []optOutRow
	q := s.read.NewSelect().Model(&rows).Order("since DESC", "account_id", "kind", "value")
	if account != "" {
		q = q.Where("account_id = ?", account)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read opt-outs: %w", err)
	}
	list := make([]OptOut, len(rows))
	for i, r := range rows {
		list[i] = OptOut{Account: r.AccountID, Kind: attribution.AliasKind(r.Kind), Value: r.Value, Since: fromMicros(r.Since)}
	}
	return list, nil
}

// OptOutsMark changes when the list does.
func (s *Store) OptOutsMark(ctx context.Context) (mark string, err error) {
	err = s.read.NewRaw("SELECT count(*) || '/' || coalesce(max(since), 0) FROM opt_outs").Scan(ctx, &mark)
	return mark, err
}

// CancelOptedOut cancels what is queued, waits, is held or was rejected for anybody on the list, and returns
// how many events that were. What is in a call is left, and found again when the call has failed.
func (s *Store) CancelOptedOut(ctx context.Context, now time.Time) (int, error) {
	var rows []deliveryRow
	err := s.read.NewRaw(`
SELECT DISTINCT d.account_id, d.id FROM opt_outs o
JOIN aliases a ON a.account_id = o.account_id AND a.kind = o.kind AND a.value = o.value AND `+ownedThen+`
JOIN contacts me ON me.account_id = a.account_id AND me.id = a.contact_id
JOIN contacts kin ON kin.account_id = me.account_id AND kin.merged_into = me.merged_into
JOIN conversations k ON k.account_id = kin.account_id AND k.contact_id = kin.id
JOIN claims c ON c.account_id = k.account_id AND c.conversation_id = k.id
JOIN deliveries d ON d.account_id = c.account_id AND d.id = c.delivery_id
WHERE CASE WHEN d.status IN (?) THEN TRUE ELSE FALSE END
ORDER BY d.account_id, d.id`, bun.List(mayStillGo)).Scan(ctx, &rows)
	if err != nil {
		return 0, fmt.Errorf("look for events of people who opted out: %w", err)
	}
	theirs := map[string][][]any{}
	for _, r := range rows {
		theirs[r.AccountID] = append(theirs[r.AccountID], []any{r.ID})
	}
	total := 0
	for account, ids := range theirs {
		for batch := range slices.Chunk(ids, mendBatch) {
			n, err := s.cancelOptedOut(ctx, account, batch, now)
			total += n
			if err != nil {
				return total, fmt.Errorf("cancel events of %s: %w", account, err)
			}
		}
	}
	return total, nil
}

// mayStillGo are the states from which an event can get to Meta.
var mayStillGo = []forwarder.Status{forwarder.Queued, forwarder.Waiting, forwarder.Held, forwarder.Rejected}

func (s *Store) cancelOptedOut(ctx context.Context, account string, ids [][]any, now time.Time) (int, error) {
	return s.end(ctx, account, ids, mayStillGo, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		return q.Set("status = ?, reason = ?, payload = NULL, updated_at = ?", forwarder.Cancelled, reason.OptedOut, micros(now))
	})
}
