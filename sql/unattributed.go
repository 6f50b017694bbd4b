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

var putWaiting = put[waitingRow]{"put_waiting", "", "", onBoth}

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
		err := w.add(ctx, bun.SafeQuery("DELETE FROM unattributed WHERE (account_id, conversation_id, trigger_id, rule) IN (?)",
			among("text,bytea,bytea,text", gone)))
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
// conversation or that of a merged contact. There are none, unless a click and the message that needs it
// missed each other: that would be a fault (ledger 13). It looks page by page, so that no statement takes
// longer than one may.
func (s *Store) Stranded(ctx context.Context) (int, error) { return s.strandedBy(ctx, countPage) }

func (s *Store) strandedBy(ctx context.Context, size int) (total int, err error) {
	for last := (strandedPage{LastConversation: []byte{}, LastTrigger: []byte{}}); ; {
		var page []strandedPage
		err := s.read.NewRaw(strandedAfter, last.LastAccount, last.LastConversation, last.LastTrigger, last.LastRule, size,
			string(attribution.Detected), attribution.Window.Microseconds()).Scan(ctx, &page)
		if err != nil || len(page) == 0 {
			return total, err
		}
		last = page[0]
		total += last.Stranded
	}
}

// strandedPage is what a page of unattributed matches came to, and where it ended.
type strandedPage struct {
	Stranded         int
	LastAccount      string
	LastConversation []byte
	LastTrigger      []byte
	LastRule         string
}

// OFFSET keeps PostgreSQL from turning the way from a contact to its clicks around: without statistics it
// would read every conversation of the account for each match. What Meta detected counts for its own click alone.
const strandedAfter = `
WITH page AS (
    SELECT * FROM unattributed WHERE (account_id, conversation_id, trigger_id, rule) > (?, ?, ?, ?)
    ORDER BY account_id, conversation_id, trigger_id, rule LIMIT ?),
beside AS (
    SELECT count(*) AS stranded FROM page u
    JOIN conversations mine ON mine.account_id = u.account_id AND mine.id = u.conversation_id
    JOIN contacts me ON me.account_id = mine.account_id AND me.id = mine.contact_id
    WHERE u.source <> ? AND EXISTS (
        SELECT 1 FROM contacts kin WHERE kin.account_id = me.account_id AND kin.merged_into = me.merged_into AND EXISTS (
            SELECT 1 FROM conversations k
            WHERE k.account_id = kin.account_id AND k.contact_id = kin.id AND k.number_id = mine.number_id AND EXISTS (
                SELECT 1 FROM clicks c WHERE c.account_id = k.account_id AND c.conversation_id = k.id AND c.clid <> ''
                    AND c.clicked_at <= u.sent_at AND u.sent_at - c.clicked_at <= ?
                LIMIT 1 OFFSET 0)
            LIMIT 1 OFFSET 0)
        LIMIT 1 OFFSET 0))
SELECT b.stranded, p.account_id AS last_account, p.conversation_id AS last_conversation, p.trigger_id AS last_trigger, p.rule AS last_rule
FROM page p CROSS JOIN beside b ORDER BY p.account_id DESC, p.conversation_id DESC, p.trigger_id DESC, p.rule DESC LIMIT 1`

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
