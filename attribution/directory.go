package attribution

// The small steps that Directory.Identify and Directory.Rename are made of.

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"
)

// owner finds the root contact that holds a name at a given time, or nil.
func (d *Directory) owner(kind AliasKind, value string, at time.Time) *Contact {
	for _, a := range d.aliases[aliasKey{kind, value}] {
		if value != "" && a.holds(at) {
			return d.contacts[d.Root(a.Contact)]
		}
	}
	return nil
}

// lastOwner finds the root contact that was the last to hold a name before a given time, or nil.
func (d *Directory) lastOwner(kind AliasKind, value string, at time.Time) *Contact {
	var last *Alias
	for _, a := range d.aliases[aliasKey{kind, value}] {
		if a.From.Before(at) && (last == nil || a.From.After(last.From)) {
			last = a
		}
	}
	if last == nil {
		return nil
	}
	return d.contacts[d.Root(last.Contact)]
}

// renamed finds whom a system message is about: whoever had the old names before it. Meta tells of a
// new number in two messages, one for the number and one for the user id, so when the second comes
// the old names have ended already.
func (d *Directory) renamed(who Identity, at time.Time) *Contact {
	byUser, byPhone := d.lastOwner(UserID, who.UserID, at), d.lastOwner(WAID, who.WAID, at)
	two := byUser != nil && byPhone != nil && byUser != byPhone
	if c := cmp.Or(byUser, byPhone); c != nil && !two {
		return c
	}
	return d.contacts[d.Identify(who, at)]
}

// hasUserID reports whether the contact, or one merged into it, holds a user id at a given time.
func (d *Directory) hasUserID(c *Contact, at time.Time) bool {
	for k, spans := range d.aliases {
		for _, a := range spans {
			if k.kind == UserID && a.holds(at) && d.Root(a.Contact) == c.ID {
				return true
			}
		}
	}
	return false
}

func (d *Directory) create() *Contact {
	id := d.NewID()
	c := &Contact{ID: id, MergedInto: id, CreatedAt: d.Now}
	d.contacts[id] = c
	d.changed.contacts[id] = true
	return c
}

// own ties a name that nobody holds at that time to a contact, from the end of the last holder (or
// ever) to the beginning of the next (or on and on), so that messages in any order find the same.
func (d *Directory) own(kind AliasKind, value string, at time.Time, c *Contact) {
	if value == "" {
		return
	}
	var from time.Time
	for _, other := range d.aliases[aliasKey{kind, value}] {
		if !other.To.IsZero() && !other.To.After(at) && other.To.After(from) {
			from = other.To
		}
	}
	d.begin(kind, value, from, c)
}

// begin ties a name to a contact from a given time to the beginning of the next holder.
func (d *Directory) begin(kind AliasKind, value string, from time.Time, c *Contact) {
	a := &Alias{Kind: kind, Value: value, From: from, Contact: c.ID}
	k := aliasKey{kind, value}
	for _, other := range d.aliases[k] {
		if other.From.After(from) && (a.To.IsZero() || other.From.Before(a.To)) {
			a.To = other.From
		}
	}
	d.aliases[k] = append(d.aliases[k], a)
	d.changed.aliases[a] = true
}

// move gives a name to another contact from a given time on.
func (d *Directory) move(kind AliasKind, value string, at time.Time, c *Contact) {
	k := aliasKey{kind, value}
	for _, a := range d.aliases[k] {
		if !a.holds(at) {
			continue
		}
		d.changed.aliases[a] = true
		if a.From.Equal(at) {
			a.Contact = c.ID
			return
		}
		next := &Alias{Kind: kind, Value: value, From: at, To: a.To, Contact: c.ID}
		a.To = at
		d.aliases[k] = append(d.aliases[k], next)
		d.changed.aliases[next] = true
		return
	}
}

// end closes the span in which a name is held at a given time.
func (d *Directory) end(kind AliasKind, value string, at time.Time) {
	for _, a := range d.aliases[aliasKey{kind, value}] {
		if a.holds(at) && a.From.Before(at) {
			a.To = at
			d.changed.aliases[a] = true
		}
	}
}

// endUserIDs closes every user id of a contact but the one it is about to have.
func (d *Directory) endUserIDs(c *Contact, except string, at time.Time) {
	for k, spans := range d.aliases {
		for _, a := range spans {
			if k.kind == UserID && k.value != except && a.holds(at) && d.Root(a.Contact) == c.ID {
				d.end(UserID, k.value, at)
			}
		}
	}
}

// take gives a contact a name that another may hold already: then the two are one, unless both
// have a user id, in which case only the phone moves (ledger 9). It returns the surviving contact.
func (d *Directory) take(kind AliasKind, value string, at time.Time, c *Contact) *Contact {
	holder := d.owner(kind, value, at)
	switch {
	case holder == nil:
		d.begin(kind, value, at, c) // not from ever: before the change it was somebody else's
	case holder == c:
	case kind == WAID && d.hasUserID(holder, at) && d.hasUserID(c, at):
		d.move(kind, value, at, c)
	default:
		return d.merge(c, holder)
	}
	return c
}

// merge makes the younger of two contacts, and all that was merged into it, part of the older.
func (d *Directory) merge(a, b *Contact) *Contact {
	older, younger := a, b
	if order := b.CreatedAt.Compare(a.CreatedAt); order < 0 ||
		order == 0 && slices.Compare(b.ID[:], a.ID[:]) < 0 {
		older, younger = b, a
	}
	for id, c := range d.contacts {
		if c.MergedInto == younger.ID {
			c.MergedInto = older.ID
			d.changed.contacts[id] = true
		}
	}
	for _, spans := range d.aliases {
		for _, a := range spans {
			if a.Contact == younger.ID {
				a.Contact = older.ID
				d.changed.aliases[a] = true
			}
		}
	}
	d.changed.merged[older.ID] = true
	delete(d.changed.merged, younger.ID)
	return older
}

func compareAliases(a, b Alias) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value), a.From.Compare(b.From))
}

func sortedKeys(set map[uuid.UUID]bool) []uuid.UUID {
	keys := make([]uuid.UUID, 0, len(set))
	for id := range set {
		keys = append(keys, id)
	}
	slices.SortFunc(keys, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return keys
}
