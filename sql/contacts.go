package sql

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/attribution"
)

type contactRow struct {
	bun.BaseModel `bun:"table:contacts"`

	AccountID  string
	ID         []byte
	MergedInto []byte
	CreatedAt  int64
}

type aliasRow struct {
	bun.BaseModel `bun:"table:aliases"`

	AccountID string
	Kind      string
	Value     string
	FromAt    int64
	ToAt      int64
	ContactID []byte
}

// knownRow is a contact of the batch's people with one of its aliases, or none.
type knownRow struct {
	AccountID  string
	ID         []byte
	MergedInto []byte
	CreatedAt  int64
	Kind       *string
	Value      *string
	FromAt     *int64
	ToAt       *int64
}

// people is the directory of one account, with what the database knew before.
type people struct {
	*attribution.Directory
	contacts map[uuid.UUID]uuid.UUID // known contact -> what it is merged into
	aliases  map[aliasKey]bool
}

// aliasKey is the key of an alias within its account.
type aliasKey struct {
	kind, value string
	fromAt      int64
}

// identify finds the contact of every message, and writes new contacts, aliases and merges. authors
// holds the contact of each message in turn; a later message may have merged it into another.
func (s *Store) identify(ctx context.Context, tx bun.Tx, now time.Time, fresh []*attribution.Arrival) (directories map[string]*people, authors []uuid.UUID, err error) {
	known, err := knownPeople(ctx, tx, fresh)
	if err != nil {
		return nil, nil, err
	}
	directories = directoriesOf(now, fresh, known)
	authors = make([]uuid.UUID, len(fresh))
	for i, a := range fresh {
		d := directories[a.Account]
		if a.Becomes == (attribution.Identity{}) {
			authors[i] = d.Identify(a.From, a.At)
		} else {
			authors[i] = d.Rename(a.From, a.Becomes, a.At)
		}
	}
	return directories, authors, s.writePeople(ctx, tx, directories)
}

// knownPeople reads the families of everyone the messages name: a contact, all that was merged with
// it, and all their aliases.
func knownPeople(ctx context.Context, tx bun.Tx, fresh []*attribution.Arrival) ([]knownRow, error) {
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
	var roots []aliasRow
	err := tx.NewSelect().Model(&roots).Distinct().Column("account_id", "contact_id").
		Where("(account_id, kind, value) IN (?)", among("text,text,text", names)).Scan(ctx)
	if err != nil || len(roots) == 0 {
		return nil, err
	}
	families := make([][]any, len(roots))
	for i, r := range roots {
		families[i] = []any{r.AccountID, r.ContactID}
	}
	var rows []knownRow
	err = tx.NewRaw(`
SELECT c.account_id, c.id, c.merged_into, c.created_at, a.kind, a.value, a.from_at, a.to_at
FROM contacts c LEFT JOIN aliases a ON a.account_id = c.account_id AND a.contact_id = c.id
WHERE (c.account_id, c.merged_into) IN (?)`, among("text,bytea", families)).Scan(ctx, &rows)
	return rows, err
}

// directoriesOf sorts what is known by account: accounts are walls.
func directoriesOf(now time.Time, fresh []*attribution.Arrival, known []knownRow) map[string]*people {
	directories := map[string]*people{}
	for _, a := range fresh {
		directories[a.Account] = &people{contacts: map[uuid.UUID]uuid.UUID{}, aliases: map[aliasKey]bool{}}
	}
	contacts := map[string][]attribution.Contact{}
	aliases := map[string][]attribution.Alias{}
	for _, r := range known {
		p := directories[r.AccountID]
		id, root := asUUID(r.ID), asUUID(r.MergedInto)
		if _, seen := p.contacts[id]; !seen {
			p.contacts[id] = root
			contacts[r.AccountID] = append(contacts[r.AccountID], attribution.Contact{
				ID: id, MergedInto: root, CreatedAt: fromMicros(r.CreatedAt),
			})
		}
		if r.Kind != nil {
			p.aliases[aliasKey{*r.Kind, *r.Value, *r.FromAt}] = true
			aliases[r.AccountID] = append(aliases[r.AccountID], attribution.Alias{
				Kind: attribution.AliasKind(*r.Kind), Value: *r.Value,
				From: fromMicros(*r.FromAt), To: fromMicros(*r.ToAt), Contact: id,
			})
		}
	}
	for account, p := range directories {
		p.Directory = attribution.NewDirectory(now, newID, contacts[account], aliases[account])
	}
	return directories
}

// writePeople writes new and changed contacts and aliases. A new alias that is there already was made
// by another node a moment ago, for a contact that this transaction does not know: it is begun again.
func (s *Store) writePeople(ctx context.Context, tx bun.Tx, directories map[string]*people) error {
	var contacts []contactRow
	var made, changed []aliasRow
	for _, account := range sortedAccounts(directories) {
		p := directories[account]
		newContacts, newAliases := p.Changed()
		for _, c := range newContacts {
			contacts = append(contacts, contactRow{
				AccountID: account, ID: c.ID[:], MergedInto: c.MergedInto[:], CreatedAt: micros(c.CreatedAt),
			})
		}
		for _, a := range newAliases {
			row := aliasRow{
				AccountID: account, Kind: string(a.Kind), Value: a.Value,
				FromAt: micros(a.From), ToAt: micros(a.To), ContactID: a.Contact[:],
			}
			if p.aliases[aliasKey{row.Kind, row.Value, row.FromAt}] {
				changed = append(changed, row)
			} else {
				made = append(made, row)
			}
		}
	}
	key := func(r aliasRow) string {
		return r.AccountID + "\x00" + r.Kind + "\x00" + r.Value + "\x00" + strconv.FormatInt(r.FromAt, 10)
	}
	if fresh, err := insertNew(ctx, s, tx, made, "account_id, kind, value, from_at", key); err != nil || len(fresh) < len(made) {
		return cmp.Or(err, errRaced)
	}
	w := s.script(tx)
	if err := addInsert(ctx, w, contacts, "CONFLICT (account_id, id) DO UPDATE SET merged_into = excluded.merged_into"); err != nil {
		return err
	}
	if err := addInsert(ctx, w, changed,
		"CONFLICT (account_id, kind, value, from_at) DO UPDATE SET to_at = excluded.to_at, contact_id = excluded.contact_id"); err != nil {
		return err
	}
	return w.run(ctx)
}

// recheckPeople looks whether another node merged the contacts of this transaction before it had
// locked their conversations. If so it is begun again, and sees them merged.
func recheckPeople(ctx context.Context, tx bun.Tx, directories map[string]*people) error {
	var ids [][]any
	for account, p := range directories {
		for id := range p.contacts {
			ids = append(ids, []any{account, id[:]})
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var rows []contactRow
	err := tx.NewSelect().Model(&rows).Where("(account_id, id) IN (?)", among("text,bytea", ids)).Scan(ctx)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if p, id := directories[r.AccountID], asUUID(r.ID); p.Root(id) != asUUID(r.MergedInto) {
			return errRaced
		}
	}
	return nil
}

// newID makes a UUIDv7. It can only fail where the system has no randomness, and then nothing that
// follows could be trusted.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }
