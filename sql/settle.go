package sql

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
)

// Settle implements forwarder.Queue. It asks whether the lane still has the call's epoch: a node that
// was stopped and woke up late changes nothing (ledger 21). Whoever takes the lane over meanwhile waits
// for the call's row. A settlement that was written before, and whose COMMIT had no answer, changes nothing and counts
// as it did.
func (s *Store) Settle(ctx context.Context, call *forwarder.Call, t forwarder.Settlement) (changed int, err error) {
	err = s.inScript(ctx, true, func(ctx context.Context, w *script) error {
		changed = 0
		open, err := w.exec(ctx, settleCall.about(t.Outcome, micros(t.EndedAt), t.HTTPStatus, t.Code, t.Subcode, t.Words, t.TraceID, t.Answer,
			call.Account, call.ID[:], call.Account, call.Node, call.Epoch))
		if err != nil {
			return fmt.Errorf("settle call: %w", err)
		}
		if open == 0 { // the lane was taken over, or the call is settled already
			changed, err = settledBefore(ctx, w, call, t)
			return err
		}
		if changed, err = settleAll(ctx, w, call, t); err != nil {
			return fmt.Errorf("settle deliveries: %w", err)
		}
		return settleLane(ctx, w, call, t)
	})
	return changed, err
}

// settledBefore is how many deliveries a call carried that has this very settlement; 0 = it has another or none.
func settledBefore(ctx context.Context, w *script, call *forwarder.Call, t forwarder.Settlement) (int, error) {
	var events []int
	err := w.query(ctx, bun.SafeQuery("SELECT events FROM calls WHERE account_id = ? AND id = ? AND outcome = ? AND ended_at = ?",
		call.Account, call.ID[:], t.Outcome, micros(t.EndedAt)), &events)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	return events[0], nil
}

var settleCall = question{
	"settle_call", `
UPDATE calls SET outcome = ?, ended_at = ?, http_status = ?, code = ?, subcode = ?, words = ?, trace_id = ?, answer = ?, carries = NULL
WHERE account_id = ? AND id = ? AND outcome = 'open'
  AND EXISTS (SELECT 1 FROM lanes WHERE account_id = ? AND holder = ? AND epoch = ?)`,
	[]string{"text", "bigint", "bigint", "bigint", "bigint", "text", "text", "bytea", "text", "bytea", "text", "text", "bigint"},
	onBoth,
}

// settleLane lets the lane rest, or go on after a rest. What a person did to it meanwhile stands.
func settleLane(ctx context.Context, w *script, call *forwarder.Call, t forwarder.Settlement) error {
	pause := forwarder.Pause{}
	switch {
	case t.Pause != nil:
		pause = *t.Pause
	case t.Outcome != forwarder.Accepted || call.Rested == forwarder.NoPause:
		return nil
	}
	// A probe of a wrong account that meets another trouble mends nothing: cause and words stay.
	still := t.Outcome != forwarder.Accepted && (pause.Cause == forwarder.BreakerOpen || pause.Cause == forwarder.Throttled)
	return w.add(ctx, bun.SafeQuery(`UPDATE lanes SET paused_until = ?,
  pause_words = CASE WHEN pause_cause = ? AND ? THEN pause_words ELSE ? END,
  pause_cause = CASE WHEN pause_cause = ? AND ? THEN pause_cause ELSE ? END
WHERE account_id = ? AND holder = ? AND epoch = ? AND pause_cause NOT IN (?)`,
		micros(pause.Until), forwarder.AccountWrong, still, pause.Words, forwarder.AccountWrong, still, pause.Cause, call.Account, call.Node, call.Epoch,
		bun.List([]forwarder.Cause{forwarder.ByHand, forwarder.AccountRemoved})))
}

// settleAll writes what became of the deliveries of a call.
func settleAll(ctx context.Context, w *script, call *forwarder.Call, t forwarder.Settlement) (int, error) {
	var earlier [][]any
	for _, d := range call.Deliveries {
		if d.Call != uuid.Nil {
			earlier = append(earlier, []any{d.ID[:]})
		}
	}
	if len(earlier) > 0 {
		if err := rememberCalls(ctx, w, call.Account, among("bytea", earlier)); err != nil {
			return 0, err
		}
	}
	total := 0
	for _, part := range t.Parts(call) {
		ids := make([][]any, len(part.Deliveries))
		for i, d := range part.Deliveries {
			ids[i] = []any{call.Account, d.ID[:]}
		}
		n, err := settleSome(ctx, w, call, part.Settlement, ids)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func settleSome(ctx context.Context, w *script, call *forwarder.Call, t forwarder.Settlement, ids [][]any) (int, error) {
	unknown, tried := 0, 1
	if t.Outcome == forwarder.Unknown {
		unknown = 1
	} else if t.Pause != nil && t.Pause.Cause != forwarder.BreakerOpen {
		tried = 0 // the lane is what was refused: the events' own backoff goes on where it was
	}
	return w.exec(ctx, settleDeliveries.about(t.To, t.Reason, t.Words, micros(t.Due), t.BatchLimit, t.BatchLimit, t.Revision, t.Revision, call.ID[:],
		tried, unknown, micros(t.EndedAt), ids))
}

// settleDeliveries finds its rows by whole keys, because it is planned when the table may be small, and by CASE,
// because each row leaves the indexes on status with it.
var settleDeliveries = question{
	"settle_deliveries", `
UPDATE deliveries SET status = ?, reason = ?, detail = ?, due_at = ?, batch_limit = CASE WHEN ? > 0 THEN ? ELSE batch_limit END,
  revision = CASE WHEN ? > 0 THEN ? ELSE revision END, call_id = ?, attempts = attempts + ?, unknowns = unknowns + ?, updated_at = ?
WHERE (account_id, id) IN (?) AND CASE WHEN status = 'queued' THEN TRUE ELSE FALSE END`,
	[]string{"text", "text", "text", "bigint", "bigint", "bigint", "bigint", "bigint", "bytea", "bigint", "bigint", "bigint", "text,bytea"},
	onBoth,
}

// Expire implements forwarder.Queue. It ends at most 500 at a time, so that nobody waits for it. What a call
// carries that nobody has settled is left: Meta may have it.
func (s *Store) Expire(ctx context.Context, now time.Time) (int, error) {
	before := micros(now.Add(-forwarder.SendableFor))
	var old []deliveryRow
	err := s.read.NewRaw(`
SELECT account_id, id FROM deliveries WHERE status IN ('queued', 'waiting') AND event_at <= ? ORDER BY event_at LIMIT 500`,
		before).Scan(ctx, &old)
	if err != nil || len(old) == 0 {
		return 0, err
	}
	ids := map[string][][]any{}
	for _, r := range old {
		ids[r.AccountID] = append(ids[r.AccountID], []any{r.ID})
	}
	total := 0
	for account, old := range ids {
		n, err := s.expire(ctx, account, old, now)
		total += n
		if err != nil {
			return total, fmt.Errorf("expire deliveries of %s: %w", account, err)
		}
	}
	return total, nil
}

func (s *Store) expire(ctx context.Context, account string, old [][]any, now time.Time) (int, error) {
	return s.end(ctx, account, old, []forwarder.Status{forwarder.Queued, forwarder.Waiting}, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		return q.Set("status = ?, reason = ?, updated_at = ?", forwarder.Expired, reason.TooOld, micros(now))
	})
}

// end changes deliveries that are in some states and in no call, and returns how many. The lane is held
// meanwhile, so that none of them gets into one.
func (s *Store) end(ctx context.Context, account string, ids [][]any, from []forwarder.Status, set func(*bun.UpdateQuery) *bun.UpdateQuery) (n int, err error) {
	err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := s.holdLane(ctx, tx, account); err != nil {
			return fmt.Errorf("hold the lane: %w", err)
		}
		sending, err := inOpenCalls(ctx, tx, account)
		if err != nil {
			return err
		}
		q := set(tx.NewUpdate().Model((*deliveryRow)(nil))).
			Where("account_id = ? AND id IN (?)", account, among("bytea", ids)).
			Where("CASE WHEN status IN (?) THEN TRUE ELSE FALSE END", bun.List(from)) // not by the indexes on status, see settleDeliveries
		if len(sending) > 0 {
			q = q.Where("id NOT IN (?)", among("bytea", sending))
		}
		res, err := q.Exec(ctx)
		if err != nil {
			return err
		}
		changed, err := res.RowsAffected()
		n = int(changed)
		return err
	})
	return n, err
}
