package sql

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/clickthread/clickthread/attribution"
)

// What a batch has to know, read in two questions: on a shared database a round trip costs more than
// most of what is read. Each statement puts several tables into rows of one shape. CROSS JOIN keeps
// SQLite from turning the order of a join around; PostgreSQL reads it as any other.

// knownRow is a contact of the batch's people with one of its aliases or none, or one of its
// conversations, or the key of a message that is new.
type knownRow struct {
	AccountID      string
	ContactID      []byte // or the key
	MergedInto     []byte // nil = not a contact
	CreatedAt      int64
	Kind           string // "" = no alias
	Value          string
	FromAt         int64
	ToAt           int64
	ConversationID []byte // nil = not a conversation
	NumberID       string
}

func (r knownRow) conversation() conversationRow {
	return conversationRow{
		AccountID: r.AccountID, ID: r.ConversationID, ContactID: r.ContactID, NumberID: r.NumberID,
		CreatedAt: r.CreatedAt,
	}
}

// meet inserts the dedupe keys of a batch in key order, and returns the messages that are new, by message
// time, then position (ledger 1), with the families of everyone they name: a contact, all that was merged
// with it, all their aliases and conversations. On a shared database both are one question, which is asked about
// duplicates too.
func meet(ctx context.Context, w *script, now time.Time, batch []*attribution.Arrival) (fresh []*attribution.Arrival, people []knownRow, err error) {
	keys := keysOf(now, batch)
	if len(keys) == 0 {
		return nil, nil, nil
	}
	if !w.store.home.shared {
		isNew, err := putKeys.fresh(ctx, w, keys, messageKeyRow.identity)
		if fresh = newOf(batch, isNew); err != nil || len(fresh) == 0 {
			return nil, nil, err
		}
		err = w.query(ctx, whoIs.about(namesOf(fresh)), &people)
		return fresh, people, err
	}
	rows := make([][]any, len(keys))
	for i, k := range keys {
		rows[i] = []any{k.AccountID, k.Key, k.ReceivedAt}
	}
	if err := w.query(ctx, newAndWho.about(rows, namesOf(batch)), &people); err != nil {
		return nil, nil, err
	}
	isNew := map[string]bool{}
	people = slices.DeleteFunc(people, func(r knownRow) bool {
		isKey := r.MergedInto == nil && r.ConversationID == nil
		if isKey {
			isNew[messageKeyRow{AccountID: r.AccountID, Key: r.ContactID}.identity()] = true
		}
		return isKey
	})
	return newOf(batch, isNew), people, nil
}

// namesOf are the aliases that messages are from or name.
func namesOf(messages []*attribution.Arrival) (names [][]any) {
	for _, a := range messages {
		for _, who := range []attribution.Identity{a.From, a.Becomes} {
			if who.WAID != "" {
				names = append(names, []any{a.Account, string(attribution.WAID), who.WAID})
			}
			if who.UserID != "" {
				names = append(names, []any{a.Account, string(attribution.UserID), who.UserID})
			}
		}
	}
	return names
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
    coalesce(a.from_at, 0) AS from_at, coalesce(a.to_at, 0) AS to_at, NULL AS conversation_id, '' AS number_id
FROM family f LEFT JOIN aliases a ON a.account_id = f.account_id AND a.contact_id = f.id
UNION ALL
SELECT k.account_id, k.contact_id, NULL, k.created_at, '', '', 0, 0, k.id, k.number_id
FROM family f CROSS JOIN conversations k WHERE k.account_id = f.account_id AND k.contact_id = f.id`, []string{"text,text,text"}, onlySQLite}

// newAndWho takes the keys first; it sees people as they were when it began, also where it waited for
// another node's key. What that node made meanwhile is noticed as any race is.
var newAndWho = question{"new_and_who", strings.Replace(whoIs.text, "\nWITH", `
WITH arrived (account_id, key, received_at) AS (?),
taken AS (
    INSERT INTO message_keys (account_id, key, received_at) SELECT account_id, key, received_at FROM arrived
    ON CONFLICT (account_id, key) DO NOTHING RETURNING account_id, key),`, 1) + `
UNION ALL
SELECT account_id, key, NULL, 0, '', '', 0, 0, NULL, '' FROM taken`, []string{"text,bytea,bigint", "text,text,text"}, onlyPostgres}

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
