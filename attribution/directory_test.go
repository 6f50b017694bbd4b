package attribution

// Who wrote: stories of people who hide, change and pass on their names (ledger 8, 9).

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// step is one message, told by the minute it was sent in. It renames its sender where becomes is set.
type step struct {
	minute       int
	who, becomes Identity
}

// desk is an empty directory that numbers its contacts. Each step arrives a second after the one
// before, whatever its own time is.
type desk struct{ *Directory }

func newDesk() desk {
	var n byte
	newID := func() uuid.UUID { n++; return uuid.UUID{15: n} }
	return desk{NewDirectory(event, newID, nil, nil)}
}

func minute(n int) time.Time { return event.Add(time.Duration(n) * time.Minute) }

func (d desk) take(s step) uuid.UUID {
	d.Now = d.Now.Add(time.Second)
	if s.becomes == (Identity{}) {
		return d.Identify(s.who, minute(s.minute))
	}
	return d.Rename(s.who, s.becomes, minute(s.minute))
}

// tell takes the steps in order and names, at the end, each one's sender: A, B, ... by appearance.
func (d desk) tell(steps []step) string {
	senders := make([]uuid.UUID, len(steps))
	for i, s := range steps {
		senders[i] = d.take(s)
	}
	return d.letters(senders)
}

func (d desk) letters(senders []uuid.UUID) string {
	letter := map[uuid.UUID]byte{}
	var people []byte
	for _, id := range senders {
		root := d.Root(id)
		if letter[root] == 0 {
			letter[root] = byte('A' + len(letter))
		}
		people = append(people, letter[root])
	}
	return string(people)
}

func phone(number string) Identity { return Identity{WAID: number} }
func user(id string) Identity      { return Identity{UserID: id} }
func both(number, id string) Identity {
	return Identity{WAID: number, UserID: id}
}

const (
	p1, p2 = "5511987650001", "5511987659999"
	u1, u2 = "BR.7001", "BR.9001"
)

func TestWhoWrote(t *testing.T) {
	says := func(minute int, who Identity) step { return step{minute: minute, who: who} }
	renames := func(minute int, who, becomes Identity) step { return step{minute, who, becomes} }
	for _, c := range []struct {
		name  string
		steps []step // in order of arrival
		want  string
	}{
		{"two new contacts", []step{says(1, phone(p1)), says(2, phone(p2)), says(3, phone(p1))}, "ABA"},
		{"someone with a username only", []step{says(1, user(u1)), says(2, user(u2)), says(3, user(u1))}, "ABA"},
		{"the phone is learned later", []step{says(1, user(u1)), says(2, both(p1, u1)), says(3, phone(p1))}, "AAA"},
		{"the user id is learned later", []step{says(1, phone(p1)), says(2, both(p1, u1)), says(3, user(u1))}, "AAA"},
		{"a phone and a user id turn out to be one person", []step{says(1, phone(p1)), says(2, user(u1)), says(3, both(p1, u1))}, "AAA"},
		{"a Brazilian number with and without its ninth digit", []step{
			says(1, both("551187650001", u1)), says(2, both("5511987650001", u1)),
			says(3, phone("551187650001")), says(4, phone("5511987650001")),
		}, "AAAA"},

		{"a changed number", []step{says(1, phone(p1)), renames(10, phone(p1), phone(p2)), says(11, phone(p2))}, "AAA"},
		{"a changed number, first seen in a message", []step{says(1, phone(p1)), says(11, phone(p2)), renames(10, phone(p1), phone(p2))}, "AAA"},
		{"a new number that someone held who may be the same", []step{
			says(1, phone(p1)), says(2, both(p2, u2)), renames(10, phone(p1), phone(p2)), says(11, both(p2, u2)),
		}, "AAAA"},
		{"a late message with the old number", []step{says(1, phone(p1)), renames(10, phone(p1), phone(p2)), says(9, phone(p1))}, "AAA"},
		{"a late message of the new number's former owner", []step{renames(10, phone(p1), phone(p2)), says(9, phone(p2)), says(11, phone(p2))}, "ABA"},
		{"a recycled number", []step{says(1, phone(p1)), renames(10, phone(p1), phone(p2)), says(50, phone(p1)), says(51, phone(p2))}, "AABA"},
		{"a number changed back and forth", []step{
			says(1, phone(p1)), renames(10, phone(p1), phone(p2)), renames(20, phone(p2), phone(p1)), says(21, phone(p1)), says(15, phone(p2)),
		}, "AAAAA"},

		{"a changed user id", []step{says(1, both(p1, u1)), renames(10, phone(p1), both(p2, u2)), says(11, both(p2, u2))}, "AAA"},
		{"a changed user id, first seen in a message", []step{says(1, both(p1, u1)), says(11, both(p2, u2)), renames(10, phone(p1), both(p2, u2))}, "AAA"},
		{"a changed user id on the same phone, first seen in a message", []step{says(1, both(p1, u1)), says(11, both(p1, u2)), renames(11, phone(p1), user(u2))}, "AAA"},
		{"a changed user id without any phone", []step{says(1, user(u1)), says(11, user(u2)), renames(10, user(u1), user(u2))}, "AAA"},
		{"a changed user id, and the first message under the old one last", []step{renames(10, phone(p1), both(p2, u2)), says(11, both(p2, u2)), says(1, both(p1, u1))}, "AAA"},
		{"the number and then the user id of one change", []step{
			says(1, both(p1, u1)), renames(10, phone(p1), phone(p2)), renames(11, phone(p1), both(p2, u2)), says(12, both(p2, u2)),
		}, "AAAA"},
		{"the user id and then the number of one change", []step{
			says(1, both(p1, u1)), renames(10, both(p1, u1), both(p2, u2)), renames(10, both(p1, u1), phone(p2)), says(12, user(u2)), says(50, phone(p1)),
		}, "AAAAB"},

		{"two user ids are never merged: the phone moves", []step{
			says(1, both(p1, u1)), says(2, user(u2)), says(10, both(p1, u2)), says(11, phone(p1)), says(9, phone(p1)), says(12, user(u1)),
		}, "ABBBAA"},
		{"another user id on a known phone is another person", []step{says(1, both(p1, u1)), says(10, both(p1, u2)), says(11, phone(p1)), says(9, phone(p1))}, "ABBA"},
		{"a new number that someone with a user id holds: the phone moves", []step{
			says(1, both(p1, u1)), says(2, both(p2, u2)), renames(10, phone(p1), phone(p2)), says(11, phone(p2)), says(9, phone(p2)), says(12, user(u2)),
		}, "ABAABB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk()
			if got := d.tell(c.steps); got != c.want {
				t.Errorf("senders %s, want %s", got, c.want)
			}
			checkSound(t, d.Directory)
		})
	}
}

// TestTheYoungerIsMergedIntoTheOlder is ledger 9: what was merged into the younger goes along, so
// that nobody is ever two steps away from the one that stands for them.
func TestTheYoungerIsMergedIntoTheOlder(t *testing.T) {
	d := newDesk()
	oldest, older, young := d.take(step{who: phone("5511900000001")}), d.take(step{who: phone("5511900000002")}), d.take(step{who: user(u1)})
	d.take(step{who: both("5511900000002", u1)})
	if d.Root(young) != older || d.Root(oldest) != oldest {
		t.Fatalf("roots %v and %v: the user id belongs to the second phone", d.Root(young), d.Root(oldest))
	}
	d.take(step{who: both("5511900000001", u1)})

	contacts, aliases := d.Changed()
	for _, c := range contacts {
		if c.MergedInto != oldest {
			t.Errorf("%v stands in %v, want the oldest, %v", c.ID, c.MergedInto, oldest)
		}
	}
	if len(contacts) != 3 {
		t.Errorf("%d contacts to write, want 3", len(contacts))
	}
	if diff := cmp.Diff([]uuid.UUID{oldest}, d.Merged()); diff != "" {
		t.Errorf("families that grew differ (-want +got):\n%s", diff)
	}
	want := []Alias{
		{Kind: UserID, Value: u1, Contact: oldest},
		{Kind: WAID, Value: "5511900000001", Contact: oldest},
		{Kind: WAID, Value: "5511900000002", Contact: oldest},
	}
	if diff := cmp.Diff(want, aliases); diff != "" {
		t.Errorf("aliases lead to the one that stands for the family, and are listed in key order (-want +got):\n%s", diff)
	}
}

// TestOnlyWhatChangedIsWritten: a message of somebody known changes no row.
func TestOnlyWhatChangedIsWritten(t *testing.T) {
	d := newDesk()
	d.take(step{who: both(p1, u1)})
	contacts, aliases := d.Changed()
	again := NewDirectory(event, d.NewID, contacts, aliases)
	again.Identify(both(p1, u1), minute(5))
	again.Identify(phone(p1), minute(6))
	if contacts, aliases = again.Changed(); contacts != nil || aliases != nil || len(again.Merged()) != 0 {
		t.Errorf("to write: %v and %v; families that grew: %v", contacts, aliases, again.Merged())
	}
	if stranger := (uuid.UUID{15: 99}); again.Root(stranger) != stranger {
		t.Error("a contact that is not in the directory stands for itself")
	}
}
