package sql

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
)

// The forwarder's side of the ledger. A claim touches no delivery: the call's row says which ones it
// carries, and "sending" is what is queued and in an open call. So each event is written once on its
// way, when it is settled. Leases are compared with the database's clock (dbNow), all other times
// are Go's.

type laneRow struct {
	bun.BaseModel `bun:"table:lanes"`

	AccountID   string
	Holder      string
	Epoch       int64
	LeaseUntil  int64
	PausedUntil int64
	PauseWords  string
	PauseCause  string
}

type callRow struct {
	bun.BaseModel `bun:"table:calls"`

	AccountID  string
	ID         []byte
	Node       string
	Epoch      int64
	DatasetID  string
	TestCode   string
	Revision   int
	Events     int
	Carries    []byte // 16 bytes each, while the call is open
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
// that was left open counts as work also where the lane rests, because its deliveries have to be settled. LIMIT keeps PostgreSQL
// from reading every queued row at each look, as it does for EXISTS; and the newest is looked for, because on its
// index what has gone stands before what has not, until a vacuum.
func (s *Store) Due(ctx context.Context, node string, now time.Time) ([]string, error) {
	var accounts []string
	err := s.read.NewRaw("?", dueLanes.about(node, micros(now), micros(now))).Scan(ctx, &accounts)
	return accounts, err
}

var dueLanes = question{"due_lanes", `
SELECT l.account_id FROM lanes l
WHERE (l.holder = ? OR l.lease_until < {clock})
  AND (l.paused_until <= ? AND (SELECT 1 FROM deliveries d WHERE d.account_id = l.account_id AND d.status = 'queued' AND d.due_at <= ?
      ORDER BY d.due_at DESC LIMIT 1) IS NOT NULL
    OR (SELECT 1 FROM calls c WHERE c.account_id = l.account_id AND c.outcome = 'open' LIMIT 1) IS NOT NULL)
ORDER BY l.account_id`, []string{"text", "bigint", "bigint"}, onBoth}

// Claim implements forwarder.Queue.
func (s *Store) Claim(ctx context.Context, c forwarder.Claim) (*forwarder.Call, error) {
	var call *forwarder.Call
	err := s.inScript(ctx, false, func(ctx context.Context, w *script) error {
		call = nil
		lane, held, err := takeLane(ctx, w, c)
		if err != nil || !held {
			return err
		}
		carried, err := closeOrphans(ctx, w, c, lane.Epoch)
		if err != nil {
			return fmt.Errorf("close calls left open: %w", err)
		}
		if lane.Rests {
			return nil
		}
		due, err := readDue(ctx, w, c, carried)
		if err != nil || len(due) == 0 {
			return err
		}
		call = forwarder.NewCall(newID(), c, lane, due)
		return openCall(ctx, w, call)
	})
	if err != nil && !errors.Is(err, errCommit) {
		return nil, err
	}
	return call, err
}

// takeLane takes or renews the lease. The epoch rises when the holder changes, so that what the old holder
// still writes changes no row.
func takeLane(ctx context.Context, w *script, c forwarder.Claim) (lane forwarder.Lane, held bool, err error) {
	var rows []laneRow
	err = w.query(ctx, leaseLane.about(c.Node, c.Node, c.Lease.Microseconds(), c.Account, c.Node), &rows)
	if err != nil || len(rows) == 0 {
		return lane, false, err
	}
	return forwarder.Lane{
		Epoch: rows[0].Epoch, Rested: forwarder.Cause(rows[0].PauseCause), Rests: rows[0].PausedUntil > micros(c.Now),
	}, true, nil
}

var leaseLane = question{"lease_lane", `
UPDATE lanes SET epoch = epoch + CASE WHEN holder = ? THEN 0 ELSE 1 END, holder = ?, lease_until = {clock} + ?
WHERE account_id = ? AND (holder = ? OR lease_until < {clock})
RETURNING epoch, paused_until, pause_cause`, []string{"text", "text", "bigint", "text", "text"}, onBoth}

// closeOrphans settles calls that nobody will settle: open under an older epoch, or for longer than a
// lease, they were left behind by a crash or a lost lease. Whether Meta took them is not known (ledger
// 22). It returns what the lane's other open calls carry: one may still be being written down.
func closeOrphans(ctx context.Context, w *script, c forwarder.Claim, epoch int64) (carried [][]any, err error) {
	var open []callRow
	err = w.query(ctx, openCalls.about(c.Account), &open)
	if err != nil {
		return nil, err
	}
	for _, o := range open {
		if o.Epoch != epoch || o.StartedAt <= micros(c.Now.Add(-c.Lease)) {
			if err := closeOrphan(ctx, w, c, o); err != nil {
				return nil, err
			}
			continue
		}
		carried = append(carried, idRows(o.Carries)...)
	}
	return carried, nil
}

var openCalls = question{"open_calls", "SELECT id, epoch, started_at, carries FROM calls WHERE account_id = ? AND outcome = 'open'", []string{"text"}, onBoth}

func closeOrphan(ctx context.Context, w *script, c forwarder.Claim, o callRow) error {
	open, err := w.exec(ctx, bun.SafeQuery(`UPDATE calls SET outcome = ?, ended_at = ?, words = ? WHERE account_id = ? AND id = ? AND outcome = 'open'`,
		forwarder.Unknown, micros(c.Now), "the process ended before Meta's answer was written down", c.Account, o.ID))
	if err != nil || open == 0 {
		return err // settled meanwhile
	}
	to, why := forwarder.Queued, reason.None
	if c.Unknown == account.Hold {
		to, why = forwarder.Held, reason.UnknownOutcome
	}
	ids := among("bytea", idRows(o.Carries))
	if err := rememberCalls(ctx, w, c.Account, ids); err != nil {
		return err
	}
	return w.add(ctx, bun.SafeQuery(`
UPDATE deliveries SET status = ?, reason = ?, due_at = ?, call_id = ?, attempts = attempts + 1, unknowns = unknowns + 1, updated_at = ?
WHERE account_id = ? AND id IN (?) AND status = 'queued'`, to, why, micros(c.Now), o.ID, micros(c.Now), c.Account, ids))
}

// rememberCalls keeps the earlier calls of deliveries before another takes their place, so that nothing
// of their history is lost.
func rememberCalls(ctx context.Context, w *script, accountID string, ids rowSet) error {
	return w.add(ctx, bun.SafeQuery(`
INSERT INTO attempts (account_id, delivery_id, call_id)
SELECT account_id, id, call_id FROM deliveries WHERE account_id = ? AND id IN (?) AND call_id IS NOT NULL
ON CONFLICT DO NOTHING`, accountID, ids))
}

// dueRow is a delivery as far as sending needs it: a thousand at a time are read.
type dueRow struct {
	ID         []byte
	DueAt      int64
	EventAt    int64
	Payload    []byte
	DatasetID  string
	TestCode   string
	Attempts   int
	Unknowns   int
	BatchLimit int
	Revision   int
	CallID     []byte
	UpdatedAt  int64
}

// readDue reads the oldest due deliveries that no call carries. What is nearly too old to be sent is left to
// expire.
func readDue(ctx context.Context, w *script, c forwarder.Claim, carried [][]any) ([]forwarder.Delivery, error) {
	rows := make([]dueRow, 0, c.Max)
	err := w.query(ctx, dueDeliveries.about(c.Account, micros(c.Now), micros(c.After.Due), c.After.ID[:],
		micros(c.Now.Add(-forwarder.ClaimableFor)), carried, c.Max), &rows)
	due := make([]forwarder.Delivery, len(rows))
	for i, r := range rows {
		due[i] = forwarder.Delivery{
			Account: c.Account, ID: asUUID(r.ID), Status: forwarder.Queued, Due: fromMicros(r.DueAt), EventAt: fromMicros(r.EventAt), Payload: r.Payload, Dataset: r.DatasetID,
			TestCode: r.TestCode, Attempts: r.Attempts, Unknowns: r.Unknowns, BatchLimit: r.BatchLimit, Revision: r.Revision, Call: asUUID(r.CallID), UpdatedAt: fromMicros(r.UpdatedAt),
		}
	}
	return due, err
}

var dueDeliveries = question{
	"due_deliveries", `
SELECT id, due_at, event_at, {payload} AS payload, dataset_id, test_code, attempts, unknowns, batch_limit, revision, call_id, updated_at FROM deliveries
WHERE account_id = ? AND status = 'queued' AND due_at <= ? AND (due_at, id) > (?, ?) AND event_at > ? AND id NOT IN (?) ORDER BY due_at, id LIMIT ?`,
	[]string{"text", "bigint", "bigint", "bytea", "bigint", "bytea[]", "bigint"},
	onBoth,
}

var putCalls = put[callRow]{"put_calls", "", "", onBoth}

// openCall writes the intent.
func openCall(ctx context.Context, w *script, call *forwarder.Call) error {
	var ids bytes.Buffer
	for _, d := range call.Deliveries {
		ids.Write(d.ID[:])
	}
	return putCalls.add(ctx, w, []callRow{{
		AccountID: call.Account, ID: call.ID[:], Node: call.Node, Epoch: call.Epoch, DatasetID: call.Dataset,
		TestCode: call.TestCode, Revision: call.Revision, Events: len(call.Deliveries), Carries: ids.Bytes(),
		StartedAt: micros(call.StartedAt), Outcome: string(forwarder.Open),
	}})
}

// idRows cuts what openCall wrote into rows for among.
func idRows(ids []byte) [][]any {
	var rows [][]any
	for id := range slices.Chunk(ids, len(uuid.UUID{})) {
		rows = append(rows, []any{id})
	}
	return rows
}
