package sql

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/attribution"
)

type conversationRow struct {
	bun.BaseModel `bun:"table:conversations"`

	AccountID string
	ID        []byte
	ContactID []byte
	NumberID  string
	CreatedAt int64
}

// place is where a thread belongs: one contact (with all that was merged into it) and one number.
type place struct {
	account string
	contact uuid.UUID
	number  string
}

// openThreads finds the thread of every message and of every contact that was merged, makes
// conversations that are missing, and on a shared database locks the others. It puts the threads into the
// arrivals and returns them in a fixed order.
func openThreads(ctx context.Context, w *script, now time.Time, directories map[string]*people, fresh []*attribution.Arrival, authors []uuid.UUID) ([]*attribution.Thread, error) {
	byPlace := map[place][]conversationRow{}
	for account, p := range directories {
		for _, r := range p.conversations {
			at := place{account, p.Root(asUUID(r.ContactID)), r.NumberID}
			byPlace[at] = append(byPlace[at], r)
		}
	}
	for _, rows := range byPlace { // the oldest is the present one
		slices.SortFunc(rows, func(a, b conversationRow) int {
			return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), bytes.Compare(a.ID, b.ID))
		})
	}
	threads := map[place]*attribution.Thread{}
	touched := map[string]conversationRow{}
	for at, rows := range byPlace {
		if !slices.Contains(directories[at.account].Merged(), at.contact) {
			continue
		}
		threads[at] = newThread(at, rows)
		threads[at].Touched = true
		for _, r := range rows { // all are locked: another node may be recording in one of them
			touched[at.account+string(r.ID)] = r
		}
	}
	for i, a := range fresh {
		at := place{a.Account, directories[a.Account].Root(authors[i]), a.Number}
		isNew := len(byPlace[at]) == 0
		if isNew {
			id := newID()
			byPlace[at] = []conversationRow{{
				AccountID: at.account, ID: id[:], ContactID: at.contact[:], NumberID: at.number, CreatedAt: micros(now),
			}}
		}
		if threads[at] == nil {
			threads[at] = newThread(at, byPlace[at])
		}
		a.Thread = threads[at]
		if row := byPlace[at][0]; isNew || w.store.home.shared {
			touched[at.account+string(row.ID)] = row
		}
	}
	return sortedThreads(threads), lockConversations(ctx, w, touched)
}

// putConversations changes nothing of those that are there, and PostgreSQL locks them all the same.
var putConversations = put[conversationRow]{"put_conversations", "CONFLICT (account_id, id) DO UPDATE SET number_id = excluded.number_id WHERE FALSE", "", onBoth}

// lockConversations writes in key order, so that two nodes cannot deadlock (ledger 1).
func lockConversations(ctx context.Context, w *script, touched map[string]conversationRow) error {
	rows := slices.SortedFunc(maps.Values(touched), func(a, b conversationRow) int {
		return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), bytes.Compare(a.ID, b.ID))
	})
	return putConversations.add(ctx, w, rows)
}

func newThread(at place, rows []conversationRow) *attribution.Thread {
	t := &attribution.Thread{Account: at.account, Contact: at.contact, Number: at.number}
	for _, r := range rows {
		t.IDs = append(t.IDs, asUUID(r.ID))
	}
	return t
}

func sortedThreads(threads map[place]*attribution.Thread) []*attribution.Thread {
	return slices.SortedFunc(maps.Values(threads), func(a, b *attribution.Thread) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), slices.Compare(a.IDs[0][:], b.IDs[0][:]))
	})
}

func sortedAccounts(directories map[string]*people) []string {
	return slices.Sorted(maps.Keys(directories))
}
