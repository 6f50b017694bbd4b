package sql

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/attribution"
)

// What a batch has to know, read in two statements: on a shared database a round trip costs more than
// most of what is read. Each statement puts several tables into rows of one shape. CROSS JOIN keeps
// SQLite from turning the order of a join around; PostgreSQL reads it as any other.

// knownRow is a contact of the batch's people with one of its aliases or none, or one of its
// conversations.
type knownRow struct {
	AccountID      string
	ContactID      []byte
	MergedInto     []byte
	CreatedAt      int64
	Kind           string // "" = no alias
	Value          string
	FromAt         int64
	ToAt           int64
	ConversationID []byte // nil = not a conversation
	NumberID       string
	LastAt         int64
}

func (r knownRow) conversation() conversationRow {
	return conversationRow{
		AccountID: r.AccountID, ID: r.ConversationID, ContactID: r.ContactID, NumberID: r.NumberID,
		CreatedAt: r.CreatedAt, LastAt: r.LastAt,
	}
}

// readPeople reads the families of everyone the messages name: a contact, all that was merged with it,
// all their aliases and conversations.
func (s *Store) readPeople(ctx context.Context, tx bun.Tx, fresh []*attribution.Arrival) ([]knownRow, error) {
	var names [][]any
	for _, a := range fresh {
		for _, who := range []attribution.Identity{a.From, a.Becomes} {
			if who.WAID != "" {
				names = append(names, []any{a.Account, string(attribution.WAID), who.WAID})
			}
			if who.UserID != "" {
				names = append(names, []any{a.Account, string(attribution.UserID), who.UserID})
			}
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	var rows []knownRow
	err := whoIs.about(names).scan(ctx, s, tx, &rows)
	return rows, err
}

var whoIs = question{"who_is", `
WITH named (account_id, kind, value) AS (?),
roots AS (
    SELECT DISTINCT a.account_id, a.contact_id FROM named n CROSS JOIN aliases a
    WHERE a.account_id = n.account_id AND a.kind = n.kind AND a.value = n.value),
family AS (
    SELECT c.account_id, c.id, c.merged_into, c.created_at FROM roots r CROSS JOIN contacts c
    WHERE c.account_id = r.account_id AND c.merged_into = r.contact_id)
SELECT f.account_id, f.id AS contact_id, f.merged_into, f.created_at, coalesce(a.kind, '') AS kind, coalesce(a.value, '') AS value,
    coalesce(a.from_at, 0) AS from_at, coalesce(a.to_at, 0) AS to_at, NULL AS conversation_id, '' AS number_id, 0 AS last_at
FROM family f LEFT JOIN aliases a ON a.account_id = f.account_id AND a.contact_id = f.id
UNION ALL
SELECT k.account_id, k.contact_id, NULL, k.created_at, '', '', 0, 0, k.id, k.number_id, k.last_at
FROM family f CROSS JOIN conversations k WHERE k.account_id = f.account_id AND k.contact_id = f.id`, []string{"text,text,text"}, onBoth}

// factRow is one click, unattributed match or claim of a conversation, with the claim's delivery, or a
// contact as it is now. The tables share columns by position, see readThreads.
type factRow struct {
	Part           string
	AccountID      string
	ConversationID []byte
	ID             []byte // of the click, of the waiting trigger, of the delivery, of what the contact is merged into
	Name           string // click id, rule, or claim key
	Kind           string // ad id, or event name
	Detail         string // source type, or reason
	URL            string // or the delivery's status
	Headline       string // or the event's id
	Rule           string // of a delivery
	Clid           string // of a delivery
	Source         string // of what waits or was written
	At             int64
	ReceivedAt     int64  // or when the delivery is due
	Body           []byte // or what cancels the delivery
}

// The parts of factRow.
const (
	aClick   = "click"
	aMatch   = "match"
	aClaim   = "claim"
	aQuote   = "quote"
	aContact = "contact"
)
