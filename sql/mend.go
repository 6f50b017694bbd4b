package sql

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/clickthread/clickthread/capi"
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
}

// Mendable is an event as a person finds it who wants to mend it.
type Mendable struct {
	Account string
	ID      uuid.UUID
	Status  forwarder.Status
	Reason  reason.Code
	Name    string
	Value   capi.Money
	EventAt time.Time
	Left    string // why it stays as it is, as a sentence part; "" = it is changed

	due     time.Time
	dataset string
	frozen  bool // its bytes are there
}

// mendRow is what the decision needs of a delivery: not the bytes.
type mendRow struct {
	bun.BaseModel `bun:"table:deliveries"`

	AccountID  string
	ID         []byte
	Status     string
	Reason     string
	EventName  string
	EventAt    int64
	ValueMinor int64
	Currency   string
	DueAt      int64
	DatasetID  string
	Frozen     bool `bun:",scanonly"`
}

// Mendable lists the events that a filter finds in the states which the remedy is for, with why some of
// them would stay as they are.
func (s *Store) Mendable(ctx context.Context, m Mend) ([]Mendable, error) {
	accounts, err := s.accounts(ctx, m.Filter)
	if err != nil {
		return nil, err
	}
	states := m.Remedy.From()
	if m.Filter.Status != "" {
		states = []forwarder.Status{m.Filter.Status}
	}
	var all []Mendable
	for _, account := range accounts {
		for _, state := range states { // one at a time: each has its own index
			f := m.Filter
			f.Status = state
			found, err := m.look(ctx, s.read, account, func(q *bun.SelectQuery) *bun.SelectQuery { return f.where(q, account, nil) })
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
		}
	}
	return all, nil
}

// look reads events of one account and judges them.
func (m Mend) look(ctx context.Context, db bun.IDB, account string, which func(*bun.SelectQuery) *bun.SelectQuery) ([]Mendable, error) {
	sending, err := inOpenCalls(ctx, db, account)
	if err != nil {
		return nil, err
	}
	inCall := make(map[uuid.UUID]bool, len(sending))
	for _, id := range sending {
		inCall[asUUID(id[0].([]byte))] = true
	}
	var rows []mendRow
	q := db.NewSelect().Model(&rows).ColumnExpr("?TableColumns").ColumnExpr("payload IS NOT NULL AS frozen")
	if err := which(q).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read events of %s: %w", account, err)
	}
	events := make([]Mendable, len(rows))
	for i, r := range rows {
		events[i] = r.mendable()
		if events[i].Status == forwarder.Queued && inCall[events[i].ID] {
			events[i].Status = forwarder.Sending
		}
		events[i].Left = m.obstacle(events[i])
	}
	return events, nil
}

func (r mendRow) mendable() Mendable {
	return Mendable{
		Account: r.AccountID, ID: asUUID(r.ID), Status: forwarder.Status(r.Status), Reason: reason.Code(r.Reason),
		Name: r.EventName, Value: capi.Money{Minor: r.ValueMinor, Currency: r.Currency}, EventAt: fromMicros(r.EventAt),
		due: fromMicros(r.DueAt), dataset: r.DatasetID, frozen: r.Frozen,
	}
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
		if len(all) == len(ids) {
			break
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
		})
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
	return bun.SafeQuery(`status = ?, reason = '', detail = '', due_at = ?, dataset_id = CASE WHEN ? = '' THEN dataset_id ELSE ? END`,
		forwarder.Queued, micros(m.Now), m.Datasets[account], m.Datasets[account])
}
