package sql

import (
	"cmp"
	"context"
	"slices"
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

// people is the directory of one account, with what the database knew before.
type people struct {
	*attribution.Directory
	contacts      map[uuid.UUID]uuid.UUID // known contact -> what it is merged into
	aliases       map[aliasKey]bool
	conversations []conversationRow // of the known contacts
}

// aliasKey is the key of an alias within its account.
type aliasKey struct {
	kind, value string
	fromAt      int64
}

// identify finds the contact of every message, and notes new contacts, aliases and merges. authors
// holds the contact of each message in turn; a later message may have merged it into another.
func identify(now time.Time, fresh []*attribution.Arrival, known []knownRow) (directories map[string]*people, authors []uuid.UUID) {
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
	return directories, authors
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
		if p == nil { // of an account whose messages were all duplicates
			continue
		}
		id, root := asUUID(r.ContactID), asUUID(r.MergedInto)
		if r.ConversationID != nil {
			p.conversations = append(p.conversations, r.conversation())
			continue
		}
		if _, seen := p.contacts[id]; !seen {
			p.contacts[id] = root
			contacts[r.AccountID] = append(contacts[r.AccountID], attribution.Contact{
				ID: id, MergedInto: root, CreatedAt: fromMicros(r.CreatedAt),
			})
		}
		if r.Kind != "" {
			p.aliases[aliasKey{r.Kind, r.Value, r.FromAt}] = true
			aliases[r.AccountID] = append(aliases[r.AccountID], attribution.Alias{
				Kind: attribution.AliasKind(r.Kind), Value: r.Value,
				From: fromMicros(r.FromAt), To: fromMicros(r.ToAt), Contact: id,
			})
		}
	}
	for account, p := range directories {
		p.Directory = attribution.NewDirectory(now, newID, contacts[account], aliases[account])
	}
	return directories
}

// writePeople writes new and changed contacts and aliases. Where another node made one of the aliases a
// moment ago, for a contact that this transaction does not know, the insert fails as a unique violation,
// and the transaction is begun again (see retryable).
func writePeople(ctx context.Context, w *script, directories map[string]*people) error {
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
	slices.SortFunc(made, func(a, b aliasRow) int { // two nodes in any other order could deadlock
		return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value))
	})
	if err := putAliases.add(ctx, w, made); err != nil {
		return err
	}
	if err := putContacts.add(ctx, w, contacts); err != nil {
		return err
	}
	return moveAliases.add(ctx, w, changed)
}

var (
	putContacts = put[contactRow]{"put_contacts", "CONFLICT (account_id, id) DO UPDATE SET merged_into = excluded.merged_into", "", onBoth}
	putAliases  = put[aliasRow]{"put_aliases", "", "", onBoth}
	moveAliases = put[aliasRow]{
		"move_aliases",
		"CONFLICT (account_id, kind, value, from_at) DO UPDATE SET to_at = excluded.to_at, contact_id = excluded.contact_id", "", onBoth,
	}
)

// newID makes a UUIDv7. It can only fail where the system has no randomness, and then nothing that
// follows could be trusted.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }
