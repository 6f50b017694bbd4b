package sql

import (
	"context"
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

// people is the directory of one account, with the contacts it began with.
type people struct {
	*attribution.Directory
	known []uuid.UUID
}

// identify finds the contact of every message, and writes new contacts, aliases and merges. authors
// holds the contact of each message in turn; a later message may have merged it into another.
func identify(ctx context.Context, tx bun.Tx, now time.Time, fresh []*attribution.Arrival) (directories map[string]*people, authors []uuid.UUID, err error) {
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
	return directories, authors, writePeople(ctx, tx, directories)
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
	var rows []knownRow
	err := tx.NewRaw(`
WITH named AS (
    SELECT DISTINCT c.account_id, c.merged_into FROM aliases a
    JOIN contacts c ON c.account_id = a.account_id AND c.id = a.contact_id
    WHERE (a.account_id, a.kind, a.value) IN (VALUES ?)
)
SELECT c.account_id, c.id, c.merged_into, c.created_at, a.kind, a.value, a.from_at, a.to_at
FROM named n
JOIN contacts c ON c.account_id = n.account_id AND c.merged_into = n.merged_into
LEFT JOIN aliases a ON a.account_id = c.account_id AND a.contact_id = c.id`, tuples(names)).Scan(ctx, &rows)
	return rows, err
}

// directoriesOf sorts what is known by account: accounts are walls.
func directoriesOf(now time.Time, fresh []*attribution.Arrival, known []knownRow) map[string]*people {
	contacts := map[string][]attribution.Contact{}
	aliases := map[string][]attribution.Alias{}
	seen := map[string]map[uuid.UUID]bool{}
	for _, r := range known {
		id := asUUID(r.ID)
		if seen[r.AccountID] == nil {
			seen[r.AccountID] = map[uuid.UUID]bool{}
		}
		if !seen[r.AccountID][id] {
			seen[r.AccountID][id] = true
			contacts[r.AccountID] = append(contacts[r.AccountID], attribution.Contact{
				ID: id, MergedInto: asUUID(r.MergedInto), CreatedAt: fromMicros(r.CreatedAt),
			})
		}
		if r.Kind != nil {
			aliases[r.AccountID] = append(aliases[r.AccountID], attribution.Alias{
				Kind: attribution.AliasKind(*r.Kind), Value: *r.Value,
				From: fromMicros(*r.FromAt), To: fromMicros(*r.ToAt), Contact: id,
			})
		}
	}
	directories := map[string]*people{}
	for _, a := range fresh {
		if directories[a.Account] != nil {
			continue
		}
		p := &people{Directory: attribution.NewDirectory(now, newID, contacts[a.Account], aliases[a.Account])}
		for _, c := range contacts[a.Account] {
			p.known = append(p.known, c.ID)
		}
		directories[a.Account] = p
	}
	return directories
}

func writePeople(ctx context.Context, tx bun.Tx, directories map[string]*people) error {
	var contacts []contactRow
	var aliases []aliasRow
	for _, account := range sortedAccounts(directories) {
		changedContacts, changedAliases := directories[account].Changed()
		for _, c := range changedContacts {
			contacts = append(contacts, contactRow{
				AccountID: account, ID: c.ID[:], MergedInto: c.MergedInto[:], CreatedAt: micros(c.CreatedAt),
			})
		}
		for _, a := range changedAliases {
			aliases = append(aliases, aliasRow{
				AccountID: account, Kind: string(a.Kind), Value: a.Value,
				FromAt: micros(a.From), ToAt: micros(a.To), ContactID: a.Contact[:],
			})
		}
	}
	if err := insert(ctx, tx, contacts, "CONFLICT (account_id, id) DO UPDATE SET merged_into = excluded.merged_into"); err != nil {
		return err
	}
	return insert(ctx, tx, aliases,
		"CONFLICT (account_id, kind, value, from_at) DO UPDATE SET to_at = excluded.to_at, contact_id = excluded.contact_id")
}

// newID makes a UUIDv7. It can only fail where the system has no randomness, and then nothing that
// follows could be trusted.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }
