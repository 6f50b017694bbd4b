package sql

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
)

// Deliveries as people ask for them.

// Filter narrows a list of events. Empty fields do not filter.
type Filter struct {
	Account string
	Status  forwarder.Status
	Reason  reason.Code
	Call    uuid.UUID // the last that carried it
	Since   time.Time // created at or after
	Until   time.Time // created before
	Limit   int       // most rows. Default 50.
}

func (f Filter) limit() int64 {
	if f.Limit <= 0 {
		return 50
	}
	return int64(f.Limit)
}

// where narrows a query to one account. sending are the deliveries in its open calls, which are queued in
// their rows.
func (f Filter) where(q *bun.SelectQuery, account string, sending [][]any) *bun.SelectQuery {
	q = q.Where("account_id = ?", account)
	switch {
	case f.Status == forwarder.Sending && len(sending) == 0:
		q = q.Where("1 = 0")
	case f.Status == forwarder.Sending:
		q = q.Where("id IN (?)", among("bytea", sending)).Where("status = 'queued'")
	case f.Status != "":
		q = q.Where("status = ?", string(f.Status))
		if f.Status == forwarder.Queued && len(sending) > 0 {
			q = q.Where("id NOT IN (?)", among("bytea", sending))
		}
	}
	if f.Reason != "" {
		q = q.Where("reason = ?", string(f.Reason))
	}
	if f.Call != uuid.Nil {
		q = q.Where("call_id = ?", f.Call[:])
	}
	if !f.Since.IsZero() {
		q = q.Where("created_at >= ?", micros(f.Since))
	}
	if !f.Until.IsZero() {
		q = q.Where("created_at < ?", micros(f.Until))
	}
	return q
}

// accounts are those that a filter asks for, one after another: keys begin with the account, so only that
// goes through an index.
func (s *Store) accounts(ctx context.Context, f Filter) ([]string, error) {
	if f.Account != "" {
		return []string{f.Account}, nil
	}
	var accounts []string
	if err := s.read.NewRaw("SELECT account_id FROM lanes ORDER BY account_id").Scan(ctx, &accounts); err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	return accounts, nil
}

// Deliveries lists deliveries, newest first.
func (s *Store) Deliveries(ctx context.Context, f Filter) ([]forwarder.Delivery, error) {
	accounts, err := s.accounts(ctx, f)
	if err != nil {
		return nil, err
	}
	var all []forwarder.Delivery
	for _, account := range accounts {
		sending, err := inOpenCalls(ctx, s.read, account)
		if err != nil {
			return nil, err
		}
		var rows []deliveryRow
		q := f.where(s.read.NewSelect().Model(&rows), account, sending).Order("id DESC").Limit(f.limit())
		if err := q.Scan(ctx); err != nil {
			return nil, fmt.Errorf("list deliveries of %s: %w", account, err)
		}
		all = append(all, asSending(deliveriesOf(rows), sending)...)
	}
	slices.SortFunc(all, func(a, b forwarder.Delivery) int { return bytes.Compare(b.ID[:], a.ID[:]) })
	return all[:min(len(all), int(f.limit()))], nil
}

// inOpenCalls lists the deliveries that an account's open calls carry.
func inOpenCalls(ctx context.Context, db bun.IDB, account string) ([][]any, error) {
	var open []callRow
	err := db.NewSelect().Model(&open).Column("carries").Where("account_id = ? AND outcome = 'open'", account).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read open calls of %s: %w", account, err)
	}
	var ids [][]any
	for _, c := range open {
		ids = append(ids, idRows(c.Carries)...)
	}
	return ids, nil
}

// asSending marks the deliveries that are in an open call.
func asSending(list []forwarder.Delivery, sending [][]any) []forwarder.Delivery {
	in := make(map[uuid.UUID]bool, len(sending))
	for _, id := range sending {
		in[asUUID(id[0].([]byte))] = true
	}
	for i := range list {
		if list[i].Status == forwarder.Queued && in[list[i].ID] {
			list[i].Status = forwarder.Sending
		}
	}
	return list
}

// FindDeliveries finds deliveries by our id, by Meta's event id, or by the message that caused them, in
// whatever account they are.
func (s *Store) FindDeliveries(ctx context.Context, id uuid.UUID, eventID string) ([]forwarder.Delivery, error) {
	var rows []deliveryRow
	err := s.read.NewRaw(`
SELECT d.* FROM lanes l JOIN deliveries d ON d.account_id = l.account_id AND d.id = ?
UNION
SELECT d.* FROM claims c JOIN deliveries d ON d.account_id = c.account_id AND d.id = c.delivery_id WHERE c.trigger_id = ?
UNION
SELECT d.* FROM lanes l JOIN claims c ON c.account_id = l.account_id AND c.event_name IN (?) AND c.event_id = ?
  JOIN deliveries d ON d.account_id = c.account_id AND d.id = c.delivery_id
ORDER BY id DESC LIMIT 50`, id[:], id[:], bun.List(capi.EventNames()), eventID).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("find deliveries: %w", err)
	}
	list := deliveriesOf(rows)
	for i := range list {
		sending, err := inOpenCalls(ctx, s.read, list[i].Account)
		if err != nil {
			return nil, err
		}
		asSending(list[i:i+1], sending)
	}
	return list, nil
}
