package sql

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
)

// Decide plans a snapshot, given the deliveries of its conversations that have their claim: it adds
// clicks and unattributed matches to the threads and returns what becomes of deliveries. It does no I/O
// and may be called again when a transaction has to be repeated.
type Decide = func(*attribution.Snapshot, []forwarder.Delivery) (forwarder.Changes, error)

// Record stores a batch of messages and all they cause in ONE transaction (ledger 1): which are new,
// who wrote them, in which threads; then decide, then write. A message seen before touches nothing.
// It returns how many messages were new, and the deliveries that got their claim or were completed.
func (s *Store) Record(ctx context.Context, now time.Time, batch []*attribution.Arrival, decide Decide) (fresh int, deliveries []forwarder.Delivery, err error) {
	err = s.inScript(ctx, true, func(ctx context.Context, w *script) error {
		fresh, deliveries = 0, nil
		arrivals, people, err := meet(ctx, w, now, batch)
		if err != nil {
			return fmt.Errorf("insert message keys and read contacts: %w", err)
		}
		if len(arrivals) == 0 {
			return nil
		}
		snap, known, err := snapshot(ctx, w, now, arrivals, people)
		if err != nil {
			return err
		}
		planned, err := decide(snap, known)
		if err != nil {
			return err
		}
		fresh = len(arrivals)
		deliveries, err = writePlan(ctx, w, snap, planned)
		return err
	})
	if err == nil {
		s.folding.wrote(fresh)
	}
	return fresh, deliveries, err
}

// snapshot finds or makes the people and threads of a batch and loads what the plan needs to know. The
// threads' rows are locked by being written, so what is read of them afterwards stays true.
func snapshot(ctx context.Context, w *script, now time.Time, fresh []*attribution.Arrival, people []knownRow) (*attribution.Snapshot, []forwarder.Delivery, error) {
	directories, authors := identify(now, fresh, people)
	if err := writePeople(ctx, w, directories); err != nil {
		return nil, nil, fmt.Errorf("write contacts: %w", err)
	}
	threads, err := openThreads(ctx, w, now, directories, fresh, authors)
	if err != nil {
		return nil, nil, fmt.Errorf("open conversations: %w", err)
	}
	known, err := readThreads(ctx, w, directories, threads, fresh)
	if err != nil {
		return nil, nil, fmt.Errorf("read conversations: %w", err)
	}
	return &attribution.Snapshot{Now: now, Fresh: fresh, Threads: threads}, known, nil
}

// writePlan writes what the plan added. A delivery whose claim somebody else took is only counted: the
// first committed wins (ledger 14).
func writePlan(ctx context.Context, w *script, snap *attribution.Snapshot, planned forwarder.Changes) ([]forwarder.Delivery, error) {
	won, err := insertClaims(ctx, w, planned.New)
	if err != nil {
		return nil, fmt.Errorf("insert claims: %w", err)
	}
	countLost(snap, planned.New, won)
	for _, write := range []func() error{
		func() error { return insertMessages(ctx, w, snap.Fresh) },
		func() error { return writeClicks(ctx, w, snap.Threads) },
		func() error { return writeWaiting(ctx, w, snap.Threads) },
		func() error { return insertDeliveries(ctx, w, won) },
		func() error { return completeDeliveries(ctx, w, planned.Completed) },
		func() error { return cancelDeliveries(ctx, w, planned.Cancelled) },
		func() error { return putCounts.add(ctx, w, counterRows(w.store.node, snap.Now, snap.Counts)) },
	} {
		if err := write(); err != nil {
			return nil, fmt.Errorf("write what was planned: %w", err)
		}
	}
	return append(won, planned.Completed...), nil
}

type messageKeyRow struct {
	bun.BaseModel `bun:"table:message_keys"`

	AccountID  string
	Key        []byte
	ReceivedAt int64
}

var putKeys = put[messageKeyRow]{"put_keys", orLeave, "", onlySQLite}

func (r messageKeyRow) identity() string { return r.AccountID + "\x00" + string(r.Key) }

// keysOf are the dedupe keys of a batch, each once, in key order.
func keysOf(now time.Time, batch []*attribution.Arrival) []messageKeyRow {
	rows := make([]messageKeyRow, len(batch))
	for i, a := range batch {
		rows[i] = messageKeyRow{AccountID: a.Account, Key: a.Key[:], ReceivedAt: micros(now)}
	}
	slices.SortFunc(rows, func(a, b messageKeyRow) int {
		return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), bytes.Compare(a.Key, b.Key))
	})
	return slices.CompactFunc(rows, func(a, b messageKeyRow) bool { return a.identity() == b.identity() })
}

// newOf are the messages of a batch that are new, the first of each key, by message time, then position.
func newOf(batch []*attribution.Arrival, isNew map[string]bool) (fresh []*attribution.Arrival) {
	for _, a := range batch {
		if key := (messageKeyRow{AccountID: a.Account, Key: a.Key[:]}).identity(); isNew[key] {
			isNew[key] = false
			fresh = append(fresh, a)
		}
	}
	slices.SortStableFunc(fresh, func(a, b *attribution.Arrival) int { return a.At.Compare(b.At) })
	return fresh
}

type messageRow struct {
	bun.BaseModel `bun:"table:messages"`

	AccountID      string
	ID             []byte
	ConversationID []byte
	Type           string
	SentAt         int64
	ReceivedAt     int64
	Body           []byte
	Source         string
}

var putMessages = put[messageRow]{"put_messages", "", "", onBoth}

func insertMessages(ctx context.Context, w *script, fresh []*attribution.Arrival) error {
	rows := make([]messageRow, len(fresh))
	for i, a := range fresh {
		rows[i] = messageRow{
			AccountID: a.Account, ID: a.ID[:], ConversationID: a.Thread.IDs[0][:], Type: a.Type,
			SentAt: micros(a.At), ReceivedAt: micros(a.ReceivedAt), Body: a.Body, Source: string(a.Source),
		}
		if a.Forget {
			rows[i].Body = nil
		}
	}
	return putMessages.add(ctx, w, rows)
}

// Message is a stored message as a person is shown it.
type Message struct {
	Account      string
	ID           uuid.UUID
	Conversation uuid.UUID
	Source       attribution.Source
	Type         string
	At           time.Time
	ReceivedAt   time.Time
	Body         []byte // nil once the text was pruned
}

func (r messageRow) message() Message {
	return Message{
		Account: r.AccountID, ID: asUUID(r.ID), Conversation: asUUID(r.ConversationID), Source: attribution.Source(r.Source), Type: r.Type,
		At: fromMicros(r.SentAt), ReceivedAt: fromMicros(r.ReceivedAt), Body: r.Body,
	}
}

// Message reads one stored message; ok is false when it is unknown or pruned.
func (s *Store) Message(ctx context.Context, accountID string, id uuid.UUID) (m Message, ok bool, err error) {
	var rows []messageRow
	err = s.read.NewSelect().Model(&rows).Where("account_id = ? AND id = ?", accountID, id[:]).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return Message{}, false, err
	}
	return rows[0].message(), true, nil
}
