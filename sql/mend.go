package sql

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
)

// What a person does to events that are not at Meta. The lane is held meanwhile, so that none of them
// gets into a call, and what is in one already is left alone.

// Remedy is what a person may do.
type Remedy string

// The remedies.
const (
	Retry   Remedy = "retry"   // what waits for its next try is due now; what was rejected is queued again
	Cancel  Remedy = "cancel"  // it is never sent
	Release Remedy = "release" // what is held is queued
)

// From lists the states of events that the remedy is for.
func (r Remedy) From() []forwarder.Status {
	switch r {
	case Retry:
		return []forwarder.Status{forwarder.Queued, forwarder.Rejected}
	case Cancel:
		return []forwarder.Status{forwarder.Queued, forwarder.Waiting, forwarder.Held}
	default:
		return []forwarder.Status{forwarder.Held}
	}
}

// Mend says what is done, and to which events.
type Mend struct {
	Remedy   Remedy
	Filter   Filter            // Limit does not count
	Datasets map[string]string // where each account's events go by now; one that was mended may be another
	Now      time.Time
	Counted  time.Time // when the last of the events changed that a person counted; what changed later is passed over. Zero: all are meant
	Page     int       // how many events are read at a time. Default 5000.
}

// obstacle says why an event stays as it is; "" where nothing is in the way.
func (m Mend) obstacle(e Mendable) string {
	switch {
	case e.Status == forwarder.Sending:
		return "it is in a call to Meta, whose outcome is not written yet"
	case !slices.Contains(m.Remedy.From(), e.Status):
		return "it is " + string(e.Status)
	case m.Filter.Reason != "" && e.Reason != m.Filter.Reason:
		return fmt.Sprintf("its reason is %q", e.Reason)
	case m.Remedy == Cancel:
		return ""
	case !e.frozen:
		return "it was never completed, so there is nothing to send: mend the rule for the next message, and cancel this one"
	case !e.EventAt.After(m.Now.Add(-forwarder.ClaimableFor)):
		return reason.TooOld.Words()
	case e.Status == forwarder.Queued && !e.due.After(m.Now) && !m.moves(e):
		return "it is due already, and goes as soon as its account sends"
	}
	return ""
}

// moves tells whether the event is meant for a dataset that is not its account's any more.
func (m Mend) moves(e Mendable) bool {
	to := m.Datasets[e.Account]
	return to != "" && to != e.dataset
}

// mendBatch is how many events one transaction changes: webhooks wait for it on SQLite (ledger 2).
const mendBatch = 500

// Mend changes some events of one account, a batch at a time, and says of each what it was and whether it
// was left. With an error come those of the batches before.
func (s *Store) Mend(ctx context.Context, m Mend, account string, ids []uuid.UUID) ([]Mendable, error) {
	var all []Mendable
	for batch := range slices.Chunk(ids, mendBatch) {
		begin := time.Now()
		events, err := s.mendSome(ctx, m, account, batch)
		if err != nil {
			return all, fmt.Errorf("%s events of %s: %w", m.Remedy, account, err)
		}
		all = append(all, events...)
		if len(all) == len(ids) || s.home.shared { // only on SQLite do webhooks wait for it
			continue
		}
		if err := rest(ctx, pruneRest*time.Since(begin)); err != nil {
			return all, err
		}
	}
	return all, nil
}

func (s *Store) mendSome(ctx context.Context, m Mend, account string, ids []uuid.UUID) (events []Mendable, err error) {
	rows := make([][]any, len(ids))
	for i, id := range ids {
		rows[i] = []any{id[:]}
	}
	err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := s.holdLane(ctx, tx, account); err != nil {
			return fmt.Errorf("hold the lane: %w", err)
		}
		events, err = m.look(ctx, tx, account, func(q *bun.SelectQuery) *bun.SelectQuery {
			return q.Where("account_id = ? AND id IN (?)", account, among("bytea", rows))
		}, func(*mendRow) bool { return true })
		if err != nil {
			return err
		}
		return m.write(ctx, tx, account, events)
	})
	return events, err
}

// write changes what nothing is in the way of. What expired since it was read is left: the rows that come
// back decide.
func (m Mend) write(ctx context.Context, tx bun.Tx, account string, events []Mendable) error {
	var ids [][]any
	for _, e := range events {
		if e.Left == "" {
			ids = append(ids, []any{e.ID[:]})
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var written [][]byte
	err := tx.NewRaw("UPDATE deliveries SET ?, updated_at = ? WHERE account_id = ? AND id IN (?) AND CASE WHEN status IN (?) THEN TRUE ELSE FALSE END RETURNING id",
		m.change(account), micros(m.Now), account, among("bytea", ids), bun.List(m.Remedy.From())).Scan(ctx, &written)
	if err != nil {
		return err
	}
	changed := make(map[uuid.UUID]bool, len(written))
	var free [][]any
	for _, id := range written {
		changed[asUUID(id)] = true
	}
	for _, e := range events {
		if m.Remedy == Cancel && changed[e.ID] && e.Status == forwarder.Held && slices.Contains(reason.Values(), e.Reason) {
			free = append(free, []any{e.ID[:]})
		}
	}
	if len(free) > 0 { // ledger 17: a later message with a clear amount may be the sale yet
		_, err := tx.NewRaw("DELETE FROM claims WHERE (account_id, key) IN (SELECT account_id, claim_key FROM deliveries WHERE account_id = ? AND id IN (?)) AND delivery_id IN (?)",
			account, among("bytea", free), among("bytea", free)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("free the claims: %w", err)
		}
	}
	for i := range events {
		if events[i].Left == "" && !changed[events[i].ID] {
			events[i].Left = "it changed in the same moment"
		}
	}
	return nil
}

// change is what is set. The bytes stay as they were frozen (ledger 20); what Meta answered stays in the
// calls.
func (m Mend) change(account string) schema.QueryWithArgs {
	if m.Remedy == Cancel {
		return bun.SafeQuery(`status = ?, reason = ?, detail = 'was ' || status || CASE reason WHEN '' THEN '' WHEN ? THEN ? ELSE ': ' || reason END`,
			forwarder.Cancelled, reason.ByHand, reason.UnknownOutcome, ": a call without an answer, taken to have reached Meta")
	}
	// What was due keeps its place: whoever reads the queue page by page would meet it again.
	return bun.SafeQuery(`due_at = CASE WHEN status = 'queued' AND due_at < ? THEN due_at ELSE ? END, status = ?, reason = '', detail = '', dataset_id = CASE WHEN ? = '' THEN dataset_id ELSE ? END`,
		micros(m.Now), micros(m.Now), forwarder.Queued, m.Datasets[account], m.Datasets[account])
}
