package sql

import (
	"context"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/reason"
)

type waitingRow struct {
	bun.BaseModel `bun:"table:unattributed"`

	AccountID      string
	ConversationID []byte
	TriggerID      []byte
	Rule           string
	EventName      string
	Reason         string
	SentAt         int64
	ReceivedAt     int64
	Body           []byte
	Source         string
}

var putWaiting = put[waitingRow]{"put_waiting", "", ""}

func (r waitingRow) waiting() attribution.Waiting {
	return attribution.Waiting{
		Conversation: asUUID(r.ConversationID), Trigger: asUUID(r.TriggerID), Rule: r.Rule, Event: r.EventName,
		Reason: reason.Code(r.Reason), At: fromMicros(r.SentAt), ReceivedAt: fromMicros(r.ReceivedAt), Body: r.Body,
		Source: attribution.Source(r.Source),
	}
}

func writeWaiting(ctx context.Context, w *script, threads []*attribution.Thread) error {
	var rows []waitingRow
	var gone [][]any
	for _, t := range threads {
		for _, added := range t.Added {
			rows = append(rows, waitingRow{
				AccountID: t.Account, ConversationID: added.Conversation[:], TriggerID: added.Trigger[:], Rule: added.Rule,
				EventName: added.Event, Reason: string(added.Reason), SentAt: micros(added.At), ReceivedAt: micros(added.ReceivedAt), Body: added.Body,
				Source: string(added.Source),
			})
		}
		for _, old := range t.Dropped {
			gone = append(gone, []any{t.Account, old.Conversation[:], old.Trigger[:], old.Rule})
		}
	}
	if len(gone) > 0 {
		err := w.add(ctx, w.tx.NewDelete().Model((*waitingRow)(nil)).
			Where("(account_id, conversation_id, trigger_id, rule) IN (?)", among("text,bytea,bytea,text", gone)))
		if err != nil {
			return err
		}
	}
	return putWaiting.add(ctx, w, rows)
}

// Waiting lists unattributed matches, newest first.
func (s *Store) Waiting(ctx context.Context, f Filter) ([]UnattributedMatch, error) {
	q := s.read.NewSelect().Model((*waitingRow)(nil)).Order("received_at DESC", "trigger_id DESC").Limit(f.limit())
	if f.Account != "" {
		q = q.Where("account_id = ?", f.Account)
	}
	if f.Reason != "" {
		q = q.Where("reason = ?", f.Reason)
	}
	if !f.Since.IsZero() {
		q = q.Where("received_at >= ?", micros(f.Since))
	}
	if !f.Until.IsZero() {
		q = q.Where("received_at < ?", micros(f.Until))
	}
	var rows []waitingRow
	err := q.Scan(ctx, &rows)
	return matchesOf(rows), err
}

// UnattributedMatch is a match that lacks its click, with its account.
type UnattributedMatch struct {
	Account string
	attribution.Waiting
}

// Stranded counts unattributed matches beside a click that would have counted, in the same
// conversation or that of a merged contact. There are none,
// unless a click and the message that needs it missed each other: that would be a fault (ledger 13).
func (s *Store) Stranded(ctx context.Context) (int, error) {
	var n int
	err := s.read.NewRaw(`
SELECT count(*) FROM unattributed u
JOIN conversations mine ON mine.account_id = u.account_id AND mine.id = u.conversation_id
JOIN contacts me ON me.account_id = mine.account_id AND me.id = mine.contact_id
WHERE u.source <> ? AND EXISTS ( -- what Meta detected counts for its own click alone
    SELECT 1 FROM contacts kin
    JOIN conversations k ON k.account_id = kin.account_id AND k.contact_id = kin.id AND k.number_id = mine.number_id
    JOIN clicks c ON c.account_id = k.account_id AND c.conversation_id = k.id
    WHERE kin.account_id = me.account_id AND kin.merged_into = me.merged_into AND c.clid <> ''
      AND c.clicked_at <= u.sent_at AND u.sent_at - c.clicked_at <= ?)`, string(attribution.Detected), attribution.Window.Microseconds()).Scan(ctx, &n)
	return n, err
}

// WaitingFor lists the unattributed matches of one message, in whatever account it is.
func (s *Store) WaitingFor(ctx context.Context, trigger uuid.UUID) ([]UnattributedMatch, error) {
	var rows []waitingRow
	err := s.read.NewSelect().Model(&rows).Where("trigger_id = ?", trigger[:]).Order("rule").Scan(ctx)
	return matchesOf(rows), err
}

func matchesOf(rows []waitingRow) []UnattributedMatch {
	list := make([]UnattributedMatch, len(rows))
	for i, r := range rows {
		list[i] = UnattributedMatch{Account: r.AccountID, Waiting: r.waiting()}
	}
	return list
}
