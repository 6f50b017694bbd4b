package sql

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
)

// The forwarder's side of the ledger. Leases are compared with the database's clock (dbNow), all
// other times are Go's.

type laneRow struct {
	bun.BaseModel `bun:"table:lanes"`

	AccountID   string
	Holder      string
	Epoch       int64
	LeaseUntil  int64
	PausedUntil int64
	PauseWords  string
}

type callRow struct {
	bun.BaseModel `bun:"table:calls"`

	AccountID  string
	ID         []byte
	Node       string
	Epoch      int64
	DatasetID  string
	TestCode   string
	Events     int
	StartedAt  int64
	EndedAt    int64
	Outcome    string
	HTTPStatus int
	Code       int
	Subcode    int
	Words      string
	TraceID    string
	Answer     []byte
}

// Due implements forwarder.Queue: lanes that rest or belong to another node are left out; a call
// that was left open counts as work, because its deliveries have to be settled.
func (s *Store) Due(ctx context.Context, node string, now time.Time) ([]string, error) {
	var accounts []string
	err := s.read.NewRaw(`
SELECT l.account_id FROM lanes l
WHERE l.paused_until <= ? AND (l.holder = ? OR l.lease_until < `+s.dbNow()+`)
  AND (EXISTS (SELECT 1 FROM deliveries d WHERE d.account_id = l.account_id AND d.status = 'queued' AND d.due_at <= ?)
    OR EXISTS (SELECT 1 FROM calls c WHERE c.account_id = l.account_id AND c.outcome = 'open'))
ORDER BY l.account_id`, micros(now), node, micros(now)).Scan(ctx, &accounts)
	return accounts, err
}

// Claim implements forwarder.Queue.
func (s *Store) Claim(ctx context.Context, c forwarder.Claim) (*forwarder.Call, error) {
	var call *forwarder.Call
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		call = nil
		epoch, held, err := leaseLane(ctx, tx, c, s.dbNow())
		if err != nil || !held {
			return err
		}
		if err := closeOrphans(ctx, tx, c); err != nil {
			return fmt.Errorf("close calls left open: %w", err)
		}
		batch, err := dueBatch(ctx, tx, c)
		if err != nil || len(batch) == 0 {
			return err
		}
		call = &forwarder.Call{
			ID: newID(), Account: c.Account, Node: c.Node, Epoch: epoch,
			Dataset: batch[0].Dataset, TestCode: batch[0].TestCode, StartedAt: c.Now, Deliveries: batch,
		}
		return openCall(ctx, tx, call)
	})
	return call, err
}

// leaseLane takes or renews the lease. The epoch rises when the holder changes, so that what the
// old holder still writes changes no row.
func leaseLane(ctx context.Context, tx bun.Tx, c forwarder.Claim, dbNow string) (epoch int64, held bool, err error) {
	var epochs []int64
	err = tx.NewRaw(`
UPDATE lanes SET epoch = epoch + CASE WHEN holder = ? THEN 0 ELSE 1 END, holder = ?, lease_until = `+dbNow+` + ?
WHERE account_id = ? AND paused_until <= ? AND (holder = ? OR lease_until < `+dbNow+`)
RETURNING epoch`, c.Node, c.Node, c.Lease.Microseconds(), c.Account, micros(c.Now), c.Node).Scan(ctx, &epochs)
	if err != nil || len(epochs) == 0 {
		return 0, false, err
	}
	return epochs[0], true, nil
}

// closeOrphans settles calls that nobody will settle: a lane has one call at a time, so one that is
// open when its lane is claimed was left behind by a crash or a lost lease. Whether Meta took it is
// not known (ledger 22).
func closeOrphans(ctx context.Context, tx bun.Tx, c forwarder.Claim) error {
	var orphans [][]byte
	err := tx.NewRaw(`
UPDATE calls SET outcome = ?, ended_at = ?, words = ? WHERE account_id = ? AND outcome = 'open' RETURNING id`,
		forwarder.Unknown, micros(c.Now), "the process ended before Meta's answer was written down", c.Account).Scan(ctx, &orphans)
	if err != nil || len(orphans) == 0 {
		return err
	}
	to, why := forwarder.Queued, reason.None
	if c.Unknown == account.Hold {
		to, why = forwarder.Held, reason.UnknownOutcome
	}
	_, err = tx.NewRaw(`
UPDATE deliveries SET status = ?, reason = ?, due_at = ?, unknowns = unknowns + 1, updated_at = ?
WHERE account_id = ? AND status = 'sending' AND call_id IN (?)`,
		to, why, micros(c.Now), micros(c.Now), c.Account, bun.List(orphans)).Exec(ctx)
	return err
}

// dueBatch reads the oldest due deliveries that may share a call: one dataset, one test code
// (ledger 22), and no more than the first one's batch limit.
func dueBatch(ctx context.Context, tx bun.Tx, c forwarder.Claim) ([]forwarder.Delivery, error) {
	var rows []deliveryRow
	err := tx.NewRaw(`
SELECT d.* FROM deliveries d,
  (SELECT dataset_id, test_code, batch_limit FROM deliveries
   WHERE account_id = ? AND status = 'queued' AND due_at <= ? AND event_at > ? ORDER BY due_at, id LIMIT 1) AS head
WHERE d.account_id = ? AND d.status = 'queued' AND d.due_at <= ? AND d.event_at > ?
  AND d.dataset_id = head.dataset_id AND d.test_code = head.test_code AND d.batch_limit = head.batch_limit
ORDER BY d.due_at, d.id LIMIT ?`,
		c.Account, micros(c.Now), micros(sendableAfter(c.Now)),
		c.Account, micros(c.Now), micros(sendableAfter(c.Now)), c.Max).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	if limit := rows[0].BatchLimit; limit > 0 && limit < len(rows) {
		rows = rows[:limit]
	}
	return deliveriesOf(rows), nil
}

func sendableAfter(now time.Time) time.Time { return now.Add(-forwarder.SendableFor) }

// openCall writes the intent and marks the deliveries sending, counting the attempt. A delivery's
// earlier call goes to attempts, so that nothing of its history is lost.
func openCall(ctx context.Context, tx bun.Tx, call *forwarder.Call) error {
	ids := make([][]byte, len(call.Deliveries))
	var earlier []attemptRow
	for i := range call.Deliveries {
		d := &call.Deliveries[i]
		ids[i] = d.ID[:]
		if d.Call != uuid.Nil {
			earlier = append(earlier, attemptRow{AccountID: call.Account, DeliveryID: d.ID[:], CallID: maybeID(d.Call)})
		}
		d.Call = call.ID
		d.Attempts++
	}
	if err := insert(ctx, tx, earlier, "CONFLICT DO NOTHING"); err != nil {
		return err
	}
	row := callRow{
		AccountID: call.Account, ID: call.ID[:], Node: call.Node, Epoch: call.Epoch, DatasetID: call.Dataset,
		TestCode: call.TestCode, Events: len(ids), StartedAt: micros(call.StartedAt), Outcome: string(forwarder.Open),
	}
	if err := insert(ctx, tx, []callRow{row}, ""); err != nil {
		return err
	}
	_, err := tx.NewRaw(`
UPDATE deliveries SET status = 'sending', reason = '', call_id = ?, attempts = attempts + 1, updated_at = ?
WHERE account_id = ? AND status = 'queued' AND id IN (?)`,
		call.ID[:], micros(call.StartedAt), call.Account, bun.List(ids)).Exec(ctx)
	return err
}

// Settle implements forwarder.Queue. Every statement asks whether the lane still has the call's
// epoch: a node that was stopped and woke up late changes nothing (ledger 21).
func (s *Store) Settle(ctx context.Context, call *forwarder.Call, t forwarder.Settlement) (int, error) {
	changed := 0
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		const mine = ` AND EXISTS (SELECT 1 FROM lanes WHERE account_id = ? AND holder = ? AND epoch = ?)`
		_, err := tx.NewRaw(`
UPDATE calls SET outcome = ?, ended_at = ?, http_status = ?, code = ?, subcode = ?, words = ?, trace_id = ?, answer = ?
WHERE account_id = ? AND id = ? AND outcome = 'open'`+mine,
			t.Outcome, micros(t.EndedAt), t.HTTPStatus, t.Code, t.Subcode, t.Words, t.TraceID, t.Answer,
			call.Account, call.ID[:], call.Account, call.Node, call.Epoch).Exec(ctx)
		if err != nil {
			return fmt.Errorf("settle call: %w", err)
		}
		unknown := 0
		if t.Outcome == forwarder.Unknown {
			unknown = 1
		}
		res, err := tx.NewRaw(`
UPDATE deliveries SET status = ?, reason = ?, detail = ?, due_at = ?, batch_limit = CASE WHEN ? > 0 THEN ? ELSE batch_limit END,
  unknowns = unknowns + ?, updated_at = ?
WHERE account_id = ? AND call_id = ? AND status = 'sending'`+mine,
			t.To, t.Reason, t.Words, micros(t.Due), t.BatchLimit, t.BatchLimit, unknown, micros(t.EndedAt),
			call.Account, call.ID[:], call.Account, call.Node, call.Epoch).Exec(ctx)
		if err != nil {
			return fmt.Errorf("settle deliveries: %w", err)
		}
		n, err := res.RowsAffected()
		changed = int(n)
		if err != nil || t.PauseUntil.IsZero() {
			return err
		}
		_, err = tx.NewRaw(`UPDATE lanes SET paused_until = ?, pause_words = ? WHERE account_id = ? AND holder = ? AND epoch = ?`,
			micros(t.PauseUntil), t.PauseWords, call.Account, call.Node, call.Epoch).Exec(ctx)
		return err
	})
	return changed, err
}

// Expire implements forwarder.Queue. It ends at most 500 at a time, so that nobody waits for it.
func (s *Store) Expire(ctx context.Context, now time.Time) (int, error) {
	var due bool
	if err := s.read.NewRaw(`SELECT EXISTS (SELECT 1 FROM deliveries WHERE status IN ('queued', 'waiting') AND event_at <= ?)`,
		micros(sendableAfter(now))).Scan(ctx, &due); err != nil || !due {
		return 0, err
	}
	res, err := s.write.NewRaw(`
UPDATE deliveries SET status = ?, reason = ?, updated_at = ? WHERE (account_id, id) IN (
    SELECT account_id, id FROM deliveries WHERE status IN ('queued', 'waiting') AND event_at <= ? ORDER BY event_at LIMIT 500)
  AND status IN ('queued', 'waiting')`,
		forwarder.Expired, reason.TooOld, micros(now), micros(sendableAfter(now))).Exec(ctx)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}
