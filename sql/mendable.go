package sql

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
)

// Looking for what a person may mend. After an outage an account may have a million events queued: they are
// read a page at a time, each by the index of its state, and never held all at once.

// Mendable is an event as a person finds it who wants to mend it.
type Mendable struct {
	Account   string
	ID        uuid.UUID
	Status    forwarder.Status
	Reason    reason.Code
	Name      string
	Value     capi.Money
	EventAt   time.Time
	ChangedAt time.Time
	Left      string // why it stays as it is, as a sentence part; "" = it is changed

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
	CallID     []byte
	CreatedAt  int64
	UpdatedAt  int64
	Frozen     bool `bun:",scanonly"`
}

// mendPage is how many events are read at a time: few enough for one statement's time, whatever there is.
const mendPage = 5000

// EachMendable gives found, a page of one account at a time, the events that a filter finds in the states
// which the remedy is for, with why some of them would stay as they are. found may mend what it is given.
func (s *Store) EachMendable(ctx context.Context, m Mend, found func(account string, page []Mendable) error) error {
	accounts, err := s.accounts(ctx, m.Filter)
	if err != nil {
		return err
	}
	states := m.Remedy.From()
	if m.Filter.Status != "" {
		states = []forwarder.Status{m.Filter.Status}
	}
	for _, account := range accounts {
		for _, state := range states { // one at a time: each has its own index
			if err := s.eachMendable(ctx, m, account, state, found); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) eachMendable(ctx context.Context, m Mend, account string, state forwarder.Status, found func(string, []Mendable) error) error {
	size := cmp.Or(m.Page, mendPage)
	var last *mendRow
	for {
		var read int
		page, err := m.look(ctx, s.read, account, func(q *bun.SelectQuery) *bun.SelectQuery {
			return q.Where("account_id = ? AND status = ?", account, string(state)).Apply(last.after(state)).Limit(int64(size))
		}, func(r *mendRow) bool {
			read, last = read+1, r
			return m.means(r)
		})
		if err != nil {
			return err
		}
		if len(page) > 0 {
			if err := found(account, page); err != nil {
				return err
			}
		}
		if read < size {
			return nil
		}
	}
}

// after goes on behind a row, in the order of the index on a state; behind none it begins.
func (r *mendRow) after(state forwarder.Status) func(*bun.SelectQuery) *bun.SelectQuery {
	return func(q *bun.SelectQuery) *bun.SelectQuery {
		switch state {
		case forwarder.Queued, forwarder.Waiting:
			if r != nil {
				q = q.Where("(due_at, id) > (?, ?)", r.DueAt, r.ID)
			}
			return q.Order("due_at", "id")
		case forwarder.Held:
			if r != nil {
				q = q.Where("(reason, id) > (?, ?)", r.Reason, r.ID)
			}
			return q.Order("reason", "id")
		default:
			if r != nil {
				q = q.Where("id > ?", r.ID)
			}
			return q.Order("id")
		}
	}
}

// means reports whether the filter asks for a row. It is asked here and not in SQL, so that no page takes
// longer to read where few rows fit.
func (m Mend) means(r *mendRow) bool {
	f := m.Filter
	return (f.Reason == "" || r.Reason == string(f.Reason)) &&
		(f.Call == uuid.Nil || asUUID(r.CallID) == f.Call) &&
		(f.Since.IsZero() || r.CreatedAt >= micros(f.Since)) &&
		(f.Until.IsZero() || r.CreatedAt < micros(f.Until)) &&
		(m.Counted.IsZero() || r.UpdatedAt <= micros(m.Counted))
}

// look reads events of one account and judges those that are meant.
func (m Mend) look(ctx context.Context, db bun.IDB, account string, which func(*bun.SelectQuery) *bun.SelectQuery,
	means func(*mendRow) bool,
) ([]Mendable, error) {
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
	events := make([]Mendable, 0, len(rows))
	for i := range rows {
		if !means(&rows[i]) {
			continue
		}
		e := rows[i].mendable()
		if e.Status == forwarder.Queued && inCall[e.ID] {
			e.Status = forwarder.Sending
		}
		e.Left = m.obstacle(e)
		events = append(events, e)
	}
	return events, nil
}

func (r mendRow) mendable() Mendable {
	return Mendable{
		Account: r.AccountID, ID: asUUID(r.ID), Status: forwarder.Status(r.Status), Reason: reason.Code(r.Reason),
		Name: r.EventName, Value: capi.Money{Minor: r.ValueMinor, Currency: r.Currency}, EventAt: fromMicros(r.EventAt),
		ChangedAt: fromMicros(r.UpdatedAt), due: fromMicros(r.DueAt), dataset: r.DatasetID, frozen: r.Frozen,
	}
}
