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
func readPeople(ctx context.Context, tx bun.Tx, fresh []*attribution.Arrival) ([]knownRow, error) {
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
	err := tx.NewRaw("?", whoIs.about(names)).Scan(ctx, &rows)
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
FROM family f CROSS JOIN conversations k WHERE k.account_id = f.account_id AND k.contact_id = f.id`, []string{"text,text,text"}}

// factRow is one click, unattributed match or claim of a conversation, or a contact as it is now. The
// tables share columns by position, see readThreads.
type factRow struct {
	Part           string
	AccountID      string
	ConversationID []byte
	ID             []byte // of the click, of the waiting trigger, of what the contact is merged into
	Name           string // click id, rule, or claim key
	Kind           string // ad id, or event name
	Detail         string // source type, or reason
	URL            string
	Headline       string
	At             int64
	ReceivedAt     int64
	Body           []byte
}

// The parts of factRow.
const (
	aClick   = "click"
	aMatch   = "match"
	aClaim   = "claim"
	aContact = "contact"
)

// readThreads runs the script, whose writes lock the threads, and reads what is known of them: clicks,
// unattributed matches, claims; on a shared database also the contacts once more, because another node
// may have merged them before their conversations were locked. If so the transaction is begun again, and
// sees them merged.
func readThreads(ctx context.Context, w *script, directories map[string]*people, threads []*attribution.Thread) error {
	owner := map[string]*attribution.Thread{}
	var ids [][]any
	for _, t := range threads {
		for _, id := range t.IDs {
			owner[t.Account+string(id[:])] = t
			ids = append(ids, []any{t.Account, id[:]})
		}
	}
	if len(ids) == 0 {
		return w.run(ctx)
	}
	asked := whatHappened.about(ids)
	if w.store.home.shared {
		asked = whatHappenedShared.about(ids, knownContacts(directories))
	}
	var rows []factRow
	if err := w.query(ctx, w.tx.NewRaw("?", asked), &rows); err != nil {
		return err
	}
	for _, r := range rows {
		if r.Part == aContact {
			if directories[r.AccountID].Root(asUUID(r.ConversationID)) != asUUID(r.ID) {
				return errRaced
			}
			continue
		}
		r.tell(owner[r.AccountID+string(r.ConversationID)])
	}
	return nil
}

var (
	whatHappened = question{"what_happened", `
WITH mine (account_id, id) AS (?)
SELECT 'click' AS part, c.account_id, c.conversation_id, c.id, c.clid AS name, c.ad_id AS kind, c.source_type AS detail,
    c.source_url AS url, c.headline, c.clicked_at AS at, c.received_at, NULL AS body
FROM mine m CROSS JOIN clicks c WHERE c.account_id = m.account_id AND c.conversation_id = m.id
UNION ALL
SELECT 'match', u.account_id, u.conversation_id, u.trigger_id, u.rule, u.event_name, u.reason, '', '', u.sent_at, u.received_at, u.body
FROM mine m CROSS JOIN unattributed u WHERE u.account_id = m.account_id AND u.conversation_id = m.id
UNION ALL
SELECT 'claim', c.account_id, c.conversation_id, NULL, c.key, '', '', '', '', 0, 0, NULL
FROM mine m CROSS JOIN claims c WHERE c.account_id = m.account_id AND c.conversation_id = m.id`, []string{"text,bytea"}}

	whatHappenedShared = question{"what_happened", whatHappened.text + `
UNION ALL
SELECT 'contact', c.account_id, c.id, c.merged_into, '', '', '', '', '', 0, 0, NULL
FROM contacts c WHERE (c.account_id, c.id) IN (?)`, []string{"text,bytea", "text,bytea"}}
)

func knownContacts(directories map[string]*people) (ids [][]any) {
	for account, p := range directories {
		for id := range p.contacts {
			ids = append(ids, []any{account, id[:]})
		}
	}
	return ids
}

// tell adds what the row says to its thread.
func (r factRow) tell(t *attribution.Thread) {
	switch r.Part {
	case aClick:
		t.Clicks = append(t.Clicks, clickRow{
			ConversationID: r.ConversationID, ID: r.ID, Clid: r.Name, AdID: r.Kind, SourceType: r.Detail,
			SourceURL: r.URL, Headline: r.Headline, ClickedAt: r.At, ReceivedAt: r.ReceivedAt,
		}.click())
	case aMatch:
		t.Waiting = append(t.Waiting, waitingRow{
			ConversationID: r.ConversationID, TriggerID: r.ID, Rule: r.Name, EventName: r.Kind, Reason: r.Detail,
			SentAt: r.At, ReceivedAt: r.ReceivedAt, Body: r.Body,
		}.waiting())
	case aClaim:
		t.Claims[r.Name] = true
	}
}
