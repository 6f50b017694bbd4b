package sql

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
)

// readThreads runs the script, whose writes lock the threads, and reads what is known of them: clicks,
// unattributed matches, claims with their deliveries, and what some rules ask for besides; on a shared
// database also the contacts once more, because another node may have merged them before their
// conversations were locked. If so the transaction is begun again, and sees them merged.
func readThreads(ctx context.Context, w *script, directories map[string]*people, threads []*attribution.Thread,
	fresh []*attribution.Arrival,
) (known []forwarder.Delivery, err error) {
	owner := map[string]*attribution.Thread{}
	for _, t := range threads {
		for _, id := range t.IDs {
			owner[t.Account+string(id[:])] = t
		}
	}
	ids := knownConversations(directories, owner)
	what, needed := whatToAsk(w.store.home.shared, directories, ids, threads, fresh)
	if !needed {
		return nil, nil
	}
	var rows []factRow
	if err := w.query(ctx, what, &rows); err != nil {
		return nil, err
	}
	asBefore := 0
	for _, r := range rows {
		switch r.Part {
		case aContact:
			p, id := directories[r.AccountID], asUUID(r.ConversationID)
			if p.Root(id) != asUUID(r.ID) {
				return nil, errRaced
			}
			if _, known := p.contacts[id]; known {
				asBefore++
			}
		case aClaim:
			known = append(known, r.delivery())
		default:
			r.tell(owner[r.AccountID+string(r.ConversationID)])
		}
	}
	if w.store.home.shared && asBefore < countContacts(directories) { // one is merged into a stranger by now
		return nil, errRaced
	}
	return known, nil
}

// knownConversations are those of the threads that were there before: of one that is made now nothing is known.
func knownConversations(directories map[string]*people, owner map[string]*attribution.Thread) (ids [][]any) {
	for _, account := range sortedAccounts(directories) {
		for _, r := range directories[account].conversations {
			if owner[account+string(r.ID)] != nil {
				ids = append(ids, []any{account, r.ID})
			}
		}
	}
	return ids
}

// whatToAsk chooses the question, if there is anything to ask: on a shared database always, because it takes the
// writes that lock the threads along. Claims of no conversation and quotes are asked for only where the
// rules of an account do.
func whatToAsk(shared bool, directories map[string]*people, ids [][]any, threads []*attribution.Thread, fresh []*attribution.Arrival) (q asking, needed bool) {
	var keys, quoted [][]any
	quotes := map[string]bool{}
	for _, a := range fresh {
		quotes[a.Account] = quotes[a.Account] || a.Quotes
		for _, key := range a.Keys {
			keys = append(keys, []any{a.Account, key})
		}
	}
	for _, t := range threads {
		for _, id := range t.IDs {
			if quotes[t.Account] {
				quoted = append(quoted, []any{t.Account, id[:]})
			}
		}
	}
	more := len(keys)+len(quoted) > 0
	switch needed = shared || more || len(ids) > 0; {
	case shared && more:
		q = whatElseShared.about(keys, quoted, ids, knownRoots(directories))
	case shared:
		q = whatHappenedShared.about(ids, knownRoots(directories))
	case more:
		q = whatElse.about(keys, quoted, ids)
	default:
		q = whatHappened.about(ids)
	}
	return q, needed
}

// The deliveries of claims, as factRow has them.
const claimColumns = `
SELECT 'claim', c.account_id, c.conversation_id, c.delivery_id, c.key, coalesce(d.event_name, ''), coalesce(d.reason, ''),
    coalesce(d.status, ''), coalesce(d.event_id, ''), coalesce(d.rule, ''), coalesce(d.clid, ''), '',
    coalesce(d.event_at, 0), coalesce(d.due_at, 0), d.cancel_if
`

const claimDelivery = " LEFT JOIN deliveries d ON d.account_id = c.account_id AND d.id = c.delivery_id"

var (
	whatHappened = question{"what_happened", `
WITH mine (account_id, id) AS (?)
SELECT 'click' AS part, c.account_id, c.conversation_id, c.id, c.clid AS name, c.ad_id AS kind, c.source_type AS detail,
    c.source_url AS url, c.headline, '' AS rule, '' AS clid, '' AS source, c.clicked_at AS at, c.received_at, NULL AS body
FROM mine m CROSS JOIN clicks c WHERE c.account_id = m.account_id AND c.conversation_id = m.id
UNION ALL
SELECT 'match', u.account_id, u.conversation_id, u.trigger_id, u.rule, u.event_name, u.reason, '', '', '', '', u.source,
    u.sent_at, u.received_at, u.body
FROM mine m CROSS JOIN unattributed u WHERE u.account_id = m.account_id AND u.conversation_id = m.id
UNION ALL` + claimColumns + `FROM mine m CROSS JOIN claims c` + claimDelivery + `
WHERE c.account_id = m.account_id AND c.conversation_id = m.id`, []string{"text,bytea"}, onlySQLite}

	whatHappenedShared = question{"what_happened_shared", whatHappened.text + `
UNION ALL
SELECT 'contact', c.account_id, c.id, c.merged_into, '', '', '', '', '', '', '', '', 0, 0, NULL
FROM contacts c WHERE (c.account_id, c.merged_into) IN (?)`, []string{"text,bytea", "text,bytea"}, onlyPostgres}

	whatElse       = whatHappened.and("what_else", keyedClaims+latestQuotes)
	whatElseShared = whatHappenedShared.and("what_else_shared", keyedClaims+latestQuotesShared)
)

// and is the question with two more row sets, which come first, and what is asked about them.
func (q question) and(name, more string) question {
	const sets = "\nWITH keyed (account_id, key) AS (?),\nasked (account_id, id) AS (?),"
	return question{name, strings.Replace(q.text, "\nWITH", sets, 1) + more, append([]string{"text,text", "text,bytea"}, q.args...), q.home}
}

const keyedClaims = `
UNION ALL` + claimColumns + `FROM keyed k CROSS JOIN claims c` + claimDelivery + `
WHERE c.account_id = k.account_id AND c.key = k.key`

// The newest texts of the business. The two databases are asked in different ways, because PostgreSQL
// without statistics would read those of all conversations, and SQLite knows no LATERAL.
const (
	quoteColumns = `
SELECT 'quote', q.account_id, q.conversation_id, q.id, '', '', '', '', '', '', '', q.source, q.sent_at, q.received_at, q.body
`
	ours = `m.account_id = w.account_id AND m.conversation_id = w.id AND m.source IN ('echo', 'report') AND m.body IS NOT NULL`

	latestQuotes = `
UNION ALL` + quoteColumns + `FROM (
    SELECT m.*, row_number() OVER (PARTITION BY m.account_id, m.conversation_id ORDER BY m.sent_at DESC, m.id DESC) AS place
    FROM asked w CROSS JOIN messages m WHERE ` + ours + `) q
WHERE q.place <= 20`

	latestQuotesShared = `
UNION ALL` + quoteColumns + `FROM asked w CROSS JOIN LATERAL (
    SELECT m.* FROM messages m WHERE ` + ours + ` ORDER BY m.sent_at DESC, m.id DESC LIMIT 20) q`
)

// knownRoots are those into which the contacts that were read are merged, as far as this transaction knows:
// whoever else is merged into them was merged meanwhile.
func knownRoots(directories map[string]*people) (ids [][]any) {
	for account, p := range directories {
		roots := map[uuid.UUID]bool{}
		for id := range p.contacts {
			roots[p.Root(id)] = true
		}
		for id := range roots {
			ids = append(ids, []any{account, id[:]})
		}
	}
	return ids
}

func countContacts(directories map[string]*people) (n int) {
	for _, p := range directories {
		n += len(p.contacts)
	}
	return n
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
			SentAt: r.At, ReceivedAt: r.ReceivedAt, Body: r.Body, Source: r.Source,
		}.waiting())
	case aQuote:
		t.Quote(attribution.Quote{At: fromMicros(r.At), Source: attribution.Source(r.Source), Body: r.Body})
	}
}

// delivery is the delivery of a claim, as far as decisions need it.
func (r factRow) delivery() forwarder.Delivery {
	return forwarder.Delivery{
		Account: r.AccountID, ID: asUUID(r.ID), Conversation: asUUID(r.ConversationID), Claim: r.Name, EventName: r.Kind,
		Reason: reason.Code(r.Detail), Status: forwarder.Status(r.URL), EventID: r.Headline, Rule: r.Rule, ClickID: r.Clid,
		EventAt: fromMicros(r.At), Due: fromMicros(r.ReceivedAt), CancelIf: r.Body,
	}
}
