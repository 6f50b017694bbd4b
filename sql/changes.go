package sql

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
)

// What messages change in deliveries that were recorded before. Each statement says again what the plan
// took for granted: a person or a job may have got in between, and then the row stays as it is.

// completeDeliveries gives held deliveries what they lacked (ledger 17). The claim and the event's id
// stay: they are what makes it the same sale.
func completeDeliveries(ctx context.Context, w *script, completed []forwarder.Delivery) error {
	for _, d := range completed {
		r := rowOf(d)
		err := w.add(ctx, bun.SafeQuery(`
UPDATE deliveries SET status = ?, reason = ?, event_at = ?, value_minor = ?, currency = ?, payload = ?, conversation_id = ?, trigger_id = ?,
  rule = ?, rule_set = ?, why = ?, clid = ?, ad_id = ?, clicked_at = ?, dataset_id = ?, test_code = ?, due_at = ?, updated_at = ?, cancel_if = ?
WHERE account_id = ? AND id = ? AND status = 'held' AND reason IN (?)`,
			r.Status, r.Reason, r.EventAt, r.ValueMinor, r.Currency, r.Payload, r.ConversationID, r.TriggerID,
			r.Rule, r.RuleSet, r.Why, r.Clid, r.AdID, r.ClickedAt, r.DatasetID, r.TestCode, r.DueAt, r.UpdatedAt, r.CancelIf,
			r.AccountID, r.ID, among("text", valueReasons())))
		if err == nil { // the sale is at home where it was completed: there people cancel it and opt out
			err = w.add(ctx, bun.SafeQuery(`
UPDATE claims SET conversation_id = ?, trigger_id = ? WHERE account_id = ? AND key = ? AND delivery_id = ?
  AND EXISTS (SELECT 1 FROM deliveries WHERE account_id = ? AND id = ? AND trigger_id = ?)`,
				r.ConversationID, r.TriggerID, r.AccountID, r.ClaimKey, r.ID, r.AccountID, r.ID, r.TriggerID))
		}
		if err != nil {
			return fmt.Errorf("complete delivery: %w", err)
		}
	}
	return nil
}

func valueReasons() (rows [][]any) {
	for _, code := range reason.Values() {
		rows = append(rows, []any{string(code)})
	}
	return rows
}

// cancelDeliveries ends what waits or is held. What is due goes on: it may be in a call (ledger 27).
func cancelDeliveries(ctx context.Context, w *script, cancelled []forwarder.Delivery) error {
	for _, d := range cancelled {
		err := w.add(ctx, bun.SafeQuery(`
UPDATE deliveries SET status = ?, reason = ?, updated_at = ? WHERE account_id = ? AND id = ? AND status IN ('waiting', 'held')`,
			string(forwarder.Cancelled), string(d.Reason), micros(d.UpdatedAt), d.Account, d.ID[:]))
		if err != nil {
			return fmt.Errorf("cancel delivery: %w", err)
		}
	}
	return nil
}

// ripenBatch is how many deliveries one statement queues.
const ripenBatch = 500

// Ripen queues the deliveries whose wait is over, and returns how many. Their bytes were made when they
// were planned. Every node may run it at once: each delivery is queued by one of them.
func (s *Store) Ripen(ctx context.Context, now time.Time) (total int, err error) {
	for {
		var due bool
		err := s.read.NewRaw("SELECT EXISTS (SELECT 1 FROM deliveries WHERE status = 'waiting' AND due_at <= ?)", micros(now)).Scan(ctx, &due)
		if err != nil || !due {
			return total, err
		}
		var n int64
		err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			res, err := tx.NewRaw(`
UPDATE deliveries SET status = ?, updated_at = ? WHERE (account_id, id) IN (
    SELECT account_id, id FROM deliveries WHERE status = 'waiting' AND due_at <= ? ORDER BY due_at LIMIT ?)
  AND status = 'waiting'`, string(forwarder.Queued), micros(now), micros(now), ripenBatch).Exec(ctx)
			if err != nil {
				return fmt.Errorf("queue what waited: %w", err)
			}
			n, err = res.RowsAffected()
			return err
		})
		total += int(n)
		if err != nil || n < ripenBatch {
			return total, err
		}
	}
}
