package attribution

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Identity is how a message names the shopper. Either part may be missing: Meta leaves out the
// phone of people with a username, and old messages carry no user id.
type Identity struct {
	WAID   string // messages[].from, contacts[].wa_id: a phone number as WhatsApp writes it
	UserID string // messages[].from_user_id: the business-scoped user id (BSUID)
}

// AliasKind says which name of a contact an alias is.
type AliasKind string

// The kinds of alias (ledger 8).
const (
	WAID   AliasKind = "wa_id"
	UserID AliasKind = "user_id"
)

// Alias ties a name to a contact for a span of time, after a merge to the one that stands for it. A
// name can change hands: WhatsApp numbers are recycled, so a message is looked up at its own time.
type Alias struct {
	Kind    AliasKind
	Value   string
	From    time.Time // zero: since ever
	To      time.Time // zero: until now; the moment itself belongs to the next holder
	Contact uuid.UUID
}

func (a Alias) holds(at time.Time) bool {
	return !at.Before(a.From) && (a.To.IsZero() || at.Before(a.To))
}

// Contact is one shopper of one account. MergedInto is the contact that stands for it: itself, or
// the older one it turned out to be. It is at most one step deep.
type Contact struct {
	ID         uuid.UUID
	MergedInto uuid.UUID
	CreatedAt  time.Time
}

// Directory is what one account knows of the people in a batch: their contacts and aliases, all of
// a family (a contact and what was merged into it) or none of it. Identify and Rename change it;
// Changed tells what has to be written.
type Directory struct {
	NewID    func() uuid.UUID
	Now      time.Time
	contacts map[uuid.UUID]*Contact
	aliases  map[aliasKey][]*Alias
	changed  changes
}

type aliasKey struct {
	kind  AliasKind
	value string
}

type changes struct {
	contacts map[uuid.UUID]bool
	aliases  map[*Alias]bool
	merged   map[uuid.UUID]bool
}

// NewDirectory begins with what the database knows.
func NewDirectory(now time.Time, newID func() uuid.UUID, contacts []Contact, aliases []Alias) *Directory {
	d := &Directory{
		NewID: newID, Now: now,
		contacts: map[uuid.UUID]*Contact{}, aliases: map[aliasKey][]*Alias{},
		changed: changes{map[uuid.UUID]bool{}, map[*Alias]bool{}, map[uuid.UUID]bool{}},
	}
	for _, c := range contacts {
		d.contacts[c.ID] = &c
	}
	for _, a := range aliases {
		k := aliasKey{a.Kind, a.Value}
		d.aliases[k] = append(d.aliases[k], &a)
	}
	return d
}

// Identify finds the contact that wrote at a given time, makes one where nobody is known, ties new
// aliases to it, and merges two contacts that the message shows to be one (ledger 9).
func (d *Directory) Identify(who Identity, at time.Time) uuid.UUID {
	byUser, byPhone := d.owner(UserID, who.UserID, at), d.owner(WAID, who.WAID, at)
	switch {
	case byUser == nil && byPhone == nil:
		c := d.create()
		d.own(UserID, who.UserID, at, c)
		d.own(WAID, who.WAID, at, c)
		return c.ID
	case byUser == nil && who.UserID != "" && d.hasUserID(byPhone, at):
		// Another user id on a known phone is another person: the phone moved on to them.
		c := d.create()
		d.own(UserID, who.UserID, at, c)
		d.move(WAID, who.WAID, at, c)
		return c.ID
	case byUser == nil:
		d.own(UserID, who.UserID, at, byPhone)
		return byPhone.ID
	case byPhone == nil:
		d.own(WAID, who.WAID, at, byUser)
		return byUser.ID
	case byUser == byPhone:
		return byUser.ID
	case d.hasUserID(byPhone, at):
		d.move(WAID, who.WAID, at, byUser)
		return byUser.ID
	}
	return d.merge(byUser, byPhone).ID
}

// Rename follows user_changed_number and user_changed_user_id: the old alias ends, the new one
// begins, and where the new one has an owner already, the two are one (ledger 8).
func (d *Directory) Rename(who, becomes Identity, at time.Time) uuid.UUID {
	c := d.renamed(who, at)
	if becomes.UserID != "" {
		d.endUserIDs(c, becomes.UserID, at)
		c = d.take(UserID, becomes.UserID, at, c)
	}
	if becomes.WAID != "" {
		if becomes.WAID != who.WAID {
			d.end(WAID, who.WAID, at)
		}
		c = d.take(WAID, becomes.WAID, at, c)
	}
	return c.ID
}

// Root follows MergedInto; an unknown id is its own root.
func (d *Directory) Root(id uuid.UUID) uuid.UUID {
	if c, ok := d.contacts[id]; ok {
		return c.MergedInto
	}
	return id
}

// Merged returns the roots that gained a family member, for which waiting triggers have to be
// looked at again (ledger 13).
func (d *Directory) Merged() []uuid.UUID { return sortedKeys(d.changed.merged) }

// Changed returns the contacts and aliases that have to be written, in key order.
func (d *Directory) Changed() ([]Contact, []Alias) {
	var contacts []Contact
	for _, id := range sortedKeys(d.changed.contacts) {
		contacts = append(contacts, *d.contacts[id])
	}
	var aliases []Alias
	for a := range d.changed.aliases {
		aliases = append(aliases, *a)
	}
	slices.SortFunc(aliases, compareAliases)
	return contacts, aliases
}
