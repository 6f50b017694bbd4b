package sql

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
)

// History reads an account's past once more: the messages of a span of time in the order in which they
// were recorded, and what stood when each of their conversations went on. It only reads, page by page, so
// it may run beside a server. What a message caused is left out: who reads the past decides it anew. What
// was caused by something that cannot be judged anew stands (see standing).
type History struct {
	store    *Store
	account  string
	from, to time.Time

	places map[string]place // of the conversations that messages were read of
	mu     sync.Mutex       // of what follows: several may ask what is in the way at once
	stands map[string]bool  // names of events of which some stand, or none
}

// History is the past of an account from a time up to another.
func (s *Store) History(accountID string, from, to time.Time) *History {
	return &History{store: s, account: accountID, from: from, to: to, places: map[string]place{}, stands: map[string]bool{}}
}

// Count is how many messages there are to read.
func (h *History) Count(ctx context.Context) (total int, err error) {
	const page = 10_000
	r := recorded{table: "messages", id: "id"}
	for after := h.before(); ; {
		ids, err := r.find(ctx, h.store, h.account, after, h.to, page)
		total += len(ids)
		if err != nil || len(ids) < page {
			return total, err
		}
		after = asUUID(ids[len(ids)-1])
	}
}

// before is the greatest id that no message of the span has.
func (h *History) before() uuid.UUID { return idAt(h.from) }

// pastRow is a message, with its click where only the click's row still tells of it.
type pastRow struct {
	ID             []byte
	ConversationID []byte
	Type           string
	SentAt         int64
	ReceivedAt     int64
	Body           []byte
	Source         string
	ClickedAt      *int64
	Clid           string
	AdID           string
	SourceType     string
	SourceURL      string
	Headline       string
}

// Messages reads up to limit messages that follow one; the zero id is before the first. Each has a thread
// of its own that says where it belongs, see Threads. A message whose text was pruned has no Body, and
// Referral if it brought a click. It is for one goroutine.
func (h *History) Messages(ctx context.Context, after uuid.UUID, limit int) ([]*attribution.Arrival, error) {
	if after == uuid.Nil {
		after = h.before()
	}
	rows := make([]pastRow, 0, limit)
	err := h.store.read.NewRaw(`
WITH page AS (SELECT * FROM messages WHERE account_id = ? AND id > ? AND id < ? ORDER BY id LIMIT ?)
SELECT m.id, m.conversation_id, m.type, m.sent_at, m.received_at, m.body, m.source,
    c.clicked_at, coalesce(c.clid, '') AS clid, coalesce(c.ad_id, '') AS ad_id, coalesce(c.source_type, '') AS source_type,
    coalesce(c.source_url, '') AS source_url, coalesce(c.headline, '') AS headline
FROM page m
LEFT JOIN clicks c ON m.body IS NULL AND c.account_id = m.account_id AND c.conversation_id = m.conversation_id AND c.id = m.id
ORDER BY m.id`, h.account, after[:], idBytes(h.to), limit).Scan(ctx, &rows)
	if err == nil {
		err = h.findPlaces(ctx, rows)
	}
	if err != nil {
		return nil, fmt.Errorf("read messages of %s: %w", h.account, err)
	}
	list := make([]*attribution.Arrival, len(rows))
	for i, r := range rows {
		list[i] = r.arrival(h.account, h.places[string(r.ConversationID)])
	}
	return list, nil
}

// findPlaces learns where the conversations of messages belong.
func (h *History) findPlaces(ctx context.Context, messages []pastRow) error {
	var ids [][]any
	for _, m := range messages {
		if _, known := h.places[string(m.ConversationID)]; !known {
			h.places[string(m.ConversationID)] = place{h.account, asUUID(m.ConversationID), ""} // by itself, if it was erased just now
			ids = append(ids, []any{h.account, m.ConversationID})
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var rows []conversationRow // contact_id is what the contact is merged into
	err := h.store.read.NewRaw(`
WITH asked (account_id, id) AS (?)
SELECT k.id, k.number_id, p.merged_into AS contact_id FROM asked a CROSS JOIN conversations k CROSS JOIN contacts p
WHERE k.account_id = a.account_id AND k.id = a.id AND p.account_id = k.account_id AND p.id = k.contact_id`,
		among("text,bytea", ids)).Scan(ctx, &rows)
	for _, r := range rows {
		h.places[string(r.ID)] = place{h.account, asUUID(r.ContactID), r.NumberID}
	}
	return err
}

func (r pastRow) arrival(account string, at place) *attribution.Arrival {
	a := &attribution.Arrival{
		Account: account, Number: at.number, ID: asUUID(r.ID), Source: attribution.Source(r.Source), Type: r.Type,
		At: fromMicros(r.SentAt), ReceivedAt: fromMicros(r.ReceivedAt), Body: r.Body,
		Thread: &attribution.Thread{
			Account: account, Contact: at.contact, Number: at.number, IDs: []uuid.UUID{asUUID(r.ConversationID)},
		},
	}
	if r.ClickedAt != nil {
		a.At = fromMicros(*r.ClickedAt) // earlier, where a later message brought the same click
		a.Referral = &attribution.Click{
			ClickID: r.Clid, AdID: r.AdID, SourceType: r.SourceType, SourceURL: r.SourceURL, Headline: r.Headline,
		}
	}
	return a
}

// Threads completes threads, of which contact and number are known, by what is older than the span: the
// clicks, and where quotes are asked for the newest texts of the business. Their conversations are those of
// today, also of contacts that were merged later. It returns the deliveries that stand in them.
func (h *History) Threads(ctx context.Context, threads []*attribution.Thread, quotes bool) ([]forwarder.Delivery, error) {
	if len(threads) == 0 {
		return nil, nil
	}
	owners, err := h.families(ctx, threads)
	if err != nil {
		return nil, fmt.Errorf("read conversations of %s: %w", h.account, err)
	}
	var ids [][]any
	for id := range owners {
		ids = append(ids, []any{h.account, id[:]})
	}
	var clicks []clickRow
	err = h.store.read.NewRaw(`
WITH mine (account_id, id) AS (?)
SELECT c.* FROM mine m CROSS JOIN clicks c WHERE c.account_id = m.account_id AND c.conversation_id = m.id AND c.id < ?
ORDER BY c.id`, among("text,bytea", ids), idBytes(h.from)).Scan(ctx, &clicks)
	if err != nil {
		return nil, fmt.Errorf("read clicks of %s: %w", h.account, err)
	}
	for _, r := range clicks {
		t := owners[asUUID(r.ConversationID)]
		t.Clicks = append(t.Clicks, r.click())
	}
	if quotes {
		if err := h.quotes(ctx, owners, ids); err != nil {
			return nil, fmt.Errorf("read what %s wrote: %w", h.account, err)
		}
	}
	return h.standing(ctx, "conversation_id", "text,bytea", ids)
}

// families gives the threads all their conversations, the oldest first, and says whose each is.
func (h *History) families(ctx context.Context, threads []*attribution.Thread) (map[uuid.UUID]*attribution.Thread, error) {
	byPlace := make(map[place]*attribution.Thread, len(threads))
	asked := make([][]any, len(threads))
	for i, t := range threads {
		byPlace[place{t.Account, t.Contact, t.Number}] = t
		asked[i] = []any{h.account, t.Contact[:], t.Number}
	}
	var rows []conversationRow // contact_id is what the contact is merged into
	err := h.store.read.NewRaw(`
WITH asked (account_id, contact_id, number_id) AS (?)
SELECT k.id, f.merged_into AS contact_id, k.number_id FROM asked a CROSS JOIN contacts f CROSS JOIN conversations k
WHERE f.account_id = a.account_id AND f.merged_into = a.contact_id
  AND k.account_id = f.account_id AND k.contact_id = f.id AND k.number_id = a.number_id
ORDER BY k.created_at, k.id`, among("text,bytea,text", asked)).Scan(ctx, &rows)
	if err != nil {
		return nil, err
	}
	found := map[*attribution.Thread][]uuid.UUID{}
	for _, r := range rows {
		t := byPlace[place{h.account, asUUID(r.ContactID), r.NumberID}]
		found[t] = append(found[t], asUUID(r.ID))
	}
	owners := make(map[uuid.UUID]*attribution.Thread, len(rows))
	for _, t := range threads {
		if len(found[t]) > 0 { // else its contact was merged or erased since the page was read
			t.IDs = found[t]
		}
		for _, id := range t.IDs {
			owners[id] = t
		}
	}
	return owners, nil
}

// quotes adds the newest texts of the business that are older than the span. The two databases are asked
// in different ways for the reason of latestQuotes.
func (h *History) quotes(ctx context.Context, owners map[uuid.UUID]*attribution.Thread, ids [][]any) error {
	ask := `
WITH asked (account_id, id) AS (?)
SELECT q.conversation_id, q.source, q.sent_at, q.body FROM (
    SELECT m.*, row_number() OVER (PARTITION BY m.conversation_id ORDER BY m.sent_at DESC, m.id DESC) AS place
    FROM asked w CROSS JOIN messages m WHERE ` + ours + ` AND m.id < ?) q
WHERE q.place <= 20`
	if h.store.home.shared {
		ask = `
WITH asked (account_id, id) AS (?)
SELECT q.conversation_id, q.source, q.sent_at, q.body FROM asked w CROSS JOIN LATERAL (
    SELECT m.* FROM messages m WHERE ` + ours + ` AND m.id < ? ORDER BY m.sent_at DESC, m.id DESC LIMIT 20) q`
	}
	var rows []messageRow
	if err := h.store.read.NewRaw(ask, among("text,bytea", ids), idBytes(h.from)).Scan(ctx, &rows); err != nil {
		return err
	}
	for _, r := range rows {
		owners[asUUID(r.ConversationID)].Quote(attribution.Quote{At: fromMicros(r.SentAt), Source: attribution.Source(r.Source), Body: r.Body})
	}
	return nil
}
