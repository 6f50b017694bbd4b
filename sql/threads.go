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
	LastAt    int64
}

// place is where a thread belongs: one contact (with all that was merged into it) and one number.
type place struct {
	account string
	contact uuid.UUID
	number  string
}

// openThreads finds the thread of every message and of every contact that was merged, makes
// conversations that are missing, and moves their last time on. It puts the threads into the
// arrivals and returns them in a fixed order.
func (s *Store) openThreads(ctx context.Context, tx bun.Tx, now time.Time, directories map[string]*people, fresh []*attribution.Arrival, authors []uuid.UUID) ([]*attribution.Thread, error) {
	rows, err := knownConversations(ctx, tx, directories)
	if err != nil {
		return nil, err
	}
	byPlace := map[place][]conversationRow{}
	for _, r := range rows {
		at := place{r.AccountID, directories[r.AccountID].Root(asUUID(r.ContactID)), r.NumberID}
		byPlace[at] = append(byPlace[at], r)
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
		if len(byPlace[at]) == 0 {
			id := newID()
			byPlace[at] = []conversationRow{{
				AccountID: at.account, ID: id[:], ContactID: at.contact[:], NumberID: at.number, CreatedAt: micros(now),
			}}
		}
		if threads[at] == nil {
			threads[at] = newThread(at, byPlace[at])
		}
		a.Thread = threads[at]
		row := &byPlace[at][0]
		row.LastAt = max(row.LastAt, micros(a.At))
		touched[at.account+string(row.ID)] = *row
	}
	return sortedThreads(threads), s.upsertConversations(ctx, tx, touched)
}

func knownConversations(ctx context.Context, tx bun.Tx, directories map[string]*people) ([]conversationRow, error) {
	var contacts [][]any
	for account, d := range directories {
		for id := range d.contacts {
			contacts = append(contacts, []any{account, id[:]})
		}
	}
	if len(contacts) == 0 {
		return nil, nil
	}
	var rows []conversationRow
	err := tx.NewSelect().Model(&rows).Where("(account_id, contact_id) IN (?)", among("text,bytea", contacts)).
		Order("created_at", "id").Scan(ctx)
	return rows, err
}

// upsertConversations writes in key order, so that two nodes cannot deadlock (ledger 1).
func (s *Store) upsertConversations(ctx context.Context, tx bun.Tx, touched map[string]conversationRow) error {
	rows := slices.SortedFunc(maps.Values(touched), func(a, b conversationRow) int {
		return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), bytes.Compare(a.ID, b.ID))
	})
	w := s.script(tx)
	err := addInsert(ctx, w, rows, `CONFLICT (account_id, id) DO UPDATE SET
		last_at = CASE WHEN excluded.last_at > conversation_row.last_at THEN excluded.last_at ELSE conversation_row.last_at END`)
	return cmp.Or(err, w.run(ctx))
}

func newThread(at place, rows []conversationRow) *attribution.Thread {
	t := &attribution.Thread{Account: at.account, Contact: at.contact, Number: at.number, Claims: map[string]bool{}}
	for _, r := range rows {
		t.IDs = append(t.IDs, asUUID(r.ID))
	}
	return t
}

// loadThreads reads the clicks, unattributed matches and claims of all the threads.
func loadThreads(ctx context.Context, tx bun.Tx, threads []*attribution.Thread) error {
	owner := map[string]*attribution.Thread{}
	var ids [][]any
	for _, t := range threads {
		for _, id := range t.IDs {
			owner[t.Account+string(id[:])] = t
			ids = append(ids, []any{t.Account, id[:]})
		}
	}
	if len(ids) == 0 {
		return nil
	}
	where := among("text,bytea", ids)
	if err := loadClicks(ctx, tx, where, owner); err != nil {
		return err
	}
	if err := loadWaiting(ctx, tx, where, owner); err != nil {
		return err
	}
	return loadClaims(ctx, tx, where, owner)
}

func sortedThreads(threads map[place]*attribution.Thread) []*attribution.Thread {
	return slices.SortedFunc(maps.Values(threads), func(a, b *attribution.Thread) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), slices.Compare(a.IDs[0][:], b.IDs[0][:]))
	})
}

func sortedAccounts(directories map[string]*people) []string {
	return slices.Sorted(maps.Keys(directories))
}
