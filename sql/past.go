package sql

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
)

// Past reads what is known of a stored message's conversation, as the plan of that message was told of it,
// and puts the thread into the arrival: also what was recorded since. The snapshot's time is when the message
// was recorded. It locks and changes nothing.
func (s *Store) Past(ctx context.Context, m Message, a *attribution.Arrival) (*attribution.Snapshot, []forwarder.Delivery, error) {
	t, err := s.pastThread(ctx, m)
	if err != nil {
		return nil, nil, fmt.Errorf("read the conversation of %s: %w", m.ID, err)
	}
	snap := &attribution.Snapshot{Now: m.ReceivedAt, Threads: []*attribution.Thread{t}, Fresh: []*attribution.Arrival{a}}
	if recorded, ok, err := s.RecordedAt(ctx, m.Account, a.Key); err != nil {
		return nil, nil, err
	} else if ok {
		snap.Now = recorded
	}
	a.Thread, a.Number = t, t.Number
	known, err := s.pastDeliveries(ctx, t, a.Keys)
	if err != nil {
		return nil, nil, fmt.Errorf("read the events of %s's conversation: %w", m.ID, err)
	}
	if a.Quotes {
		err = s.pastQuotes(ctx, t, a.At)
	}
	return snap, known, err
}

// RecordedAt is when a message was recorded, by its dedupe key; not ok once that is pruned.
func (s *Store) RecordedAt(ctx context.Context, accountID string, key [16]byte) (at time.Time, ok bool, err error) {
	var rows []messageKeyRow
	err = s.read.NewSelect().Model(&rows).Where("account_id = ? AND key = ?", accountID, key[:]).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return time.Time{}, false, err
	}
	return fromMicros(rows[0].ReceivedAt), true, nil
}

// pastThread is the thread of a message: its conversation, those of contacts merged since, and their clicks.
func (s *Store) pastThread(ctx context.Context, m Message) (*attribution.Thread, error) {
	var rows []struct {
		ID, Root []byte
		NumberID string
	}
	err := s.read.NewRaw(`
SELECT k.id, me.merged_into AS root, k.number_id
FROM conversations mine
JOIN contacts me ON me.account_id = mine.account_id AND me.id = mine.contact_id
JOIN contacts kin ON kin.account_id = me.account_id AND kin.merged_into = me.merged_into
JOIN conversations k ON k.account_id = kin.account_id AND k.contact_id = kin.id AND k.number_id = mine.number_id
WHERE mine.account_id = ? AND mine.id = ? ORDER BY k.created_at, k.id`, m.Account, m.Conversation[:]).Scan(ctx, &rows)
	if err != nil {
		return nil, err
	}
	t := &attribution.Thread{Account: m.Account, IDs: []uuid.UUID{m.Conversation}}
	for i, r := range rows {
		if i == 0 {
			t.Contact, t.Number, t.IDs = asUUID(r.Root), r.NumberID, nil
		}
		t.IDs = append(t.IDs, asUUID(r.ID))
	}
	var clicks []clickRow
	err = s.read.NewSelect().Model(&clicks).Where("account_id = ? AND conversation_id IN (?)", m.Account, bun.List(idsOf(t))).Order("id").Scan(ctx)
	for _, c := range clicks {
		t.Clicks = append(t.Clicks, c.click())
	}
	return t, err
}

func idsOf(t *attribution.Thread) (ids [][]byte) {
	for _, id := range t.IDs {
		ids = append(ids, id[:])
	}
	return ids
}

// pastDeliveries are the deliveries that have the claims of a thread's conversations, or one of some keys.
func (s *Store) pastDeliveries(ctx context.Context, t *attribution.Thread, keys []string) ([]forwarder.Delivery, error) {
	var rows []deliveryRow
	err := s.read.NewRaw(`
SELECT d.* FROM claims c JOIN deliveries d ON d.account_id = c.account_id AND d.id = c.delivery_id
WHERE c.account_id = ? AND c.conversation_id IN (?)
UNION
SELECT d.* FROM claims c JOIN deliveries d ON d.account_id = c.account_id AND d.id = c.delivery_id
WHERE c.account_id = ? AND c.key IN (?)
ORDER BY id`, t.Account, bun.List(idsOf(t)), t.Account, bun.List(append([]string{""}, keys...))).Scan(ctx, &rows)
	return deliveriesOf(rows), err
}

// pastQuotes reads what the business wrote up to a time, as far back as rules look.
func (s *Store) pastQuotes(ctx context.Context, t *attribution.Thread, at time.Time) error {
	var rows []messageRow
	err := s.read.NewSelect().Model(&rows).
		Where("account_id = ? AND conversation_id IN (?)", t.Account, bun.List(idsOf(t))).
		Where("source IN ('echo', 'report') AND body IS NOT NULL AND sent_at <= ?", micros(at)).
		Order("sent_at DESC", "id DESC").Limit(20).Scan(ctx)
	if err != nil {
		return fmt.Errorf("read what the business wrote before: %w", err)
	}
	for _, r := range rows {
		t.Quote(attribution.Quote{At: fromMicros(r.SentAt), Source: attribution.Source(r.Source), Body: r.Body})
	}
	return nil
}

// How far FindMessage looks: a page at a time, up to so many.
const (
	findPage  = 500
	findPages = 200
)

// FindMessage looks for a stored message by what its bytes say, from a time backwards: Meta's id of a message
// is stored nowhere else.
func (s *Store) FindMessage(ctx context.Context, accountID string, recorded time.Time, fits func(Message) bool) (Message, bool, error) {
	before := idAt(recorded.Add(time.Second))
	for range findPages {
		var rows []messageRow
		err := s.read.NewSelect().Model(&rows).
			Where("account_id = ? AND id < ? AND body IS NOT NULL", accountID, before[:]).
			Order("id DESC").Limit(findPage).Scan(ctx)
		if err != nil {
			return Message{}, false, fmt.Errorf("look through the messages of %s: %w", accountID, err)
		}
		for _, r := range rows {
			if m := r.message(); fits(m) {
				return m, true, nil
			}
		}
		if len(rows) < findPage {
			break
		}
		before = asUUID(rows[len(rows)-1].ID)
	}
	return Message{}, false, nil
}
