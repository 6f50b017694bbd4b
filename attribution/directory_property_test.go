package attribution

// What holds of a directory whatever people do and in whatever order we hear of it.

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// TestOrderOfArrivalDoesNotMatter: people who keep their names, each with a user id and up to two
// spellings of their number, are told apart in the same way whatever order their messages come in.
func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	message := rapid.Custom(func(t *rapid.T) step {
		person := rapid.IntRange(1, 4).Draw(t, "person")
		names := []Identity{
			phone(fmt.Sprintf("551187650%03d", person)), phone(fmt.Sprintf("5511987650%03d", person)),
			user(fmt.Sprintf("BR.%d", person)),
		}
		who := rapid.SampledFrom(append(names,
			both(names[0].WAID, names[2].UserID), both(names[1].WAID, names[2].UserID))).Draw(t, "who")
		return step{minute: rapid.IntRange(1, 30).Draw(t, "minute"), who: who}
	})
	rapid.Check(t, func(t *rapid.T) {
		sent := rapid.SliceOfN(message, 1, 20).Draw(t, "sent")
		order := rapid.Permutation(positions(sent)).Draw(t, "order of arrival")

		d := newDesk()
		senders := make([]uuid.UUID, len(sent))
		for _, i := range order {
			senders[i] = d.take(sent[i])
		}
		if got, want := d.letters(senders), newDesk().tell(sent); got != want {
			t.Errorf("arriving as %v the senders are %s, in the order of sending %s", order, got, want)
		}
		checkSound(t, d.Directory)
	})
}

func positions(steps []step) []int {
	all := make([]int, len(steps))
	for i := range all {
		all[i] = i
	}
	return all
}

// TestADirectoryIsAlwaysSound lets a few names pass between people at random, and reads the
// directory back from what it wrote, as each new batch does.
func TestADirectoryIsAlwaysSound(t *testing.T) {
	names := func(prefix string) *rapid.Generator[string] {
		return rapid.SampledFrom([]string{"", prefix + "1", prefix + "2", prefix + "3"})
	}
	someone := rapid.Custom(func(t *rapid.T) Identity {
		return both(names("55119876500").Draw(t, "phone"), names("BR.").Draw(t, "user"))
	}).Filter(func(who Identity) bool { return who != Identity{} })
	step := rapid.Custom(func(t *rapid.T) step {
		s := step{minute: rapid.IntRange(1, 9).Draw(t, "minute"), who: someone.Draw(t, "who")}
		if rapid.Bool().Draw(t, "renames") {
			s.becomes = someone.Draw(t, "becomes")
		}
		return s
	})
	rapid.Check(t, func(t *rapid.T) {
		d, stored := newDesk(), shelf{contacts: map[uuid.UUID]Contact{}, aliases: map[string]Alias{}}
		for _, s := range rapid.SliceOfN(step, 1, 25).Draw(t, "steps") {
			sender := d.take(s)
			as := s.who
			if s.becomes != (Identity{}) {
				as = s.becomes
			}
			if again := d.Identify(as, minute(s.minute)); again != d.Root(sender) {
				t.Fatalf("%+v: asked again, the sender is %v instead of %v", s, again, sender)
			}
			checkSound(t, d.Directory)
			if rapid.Bool().Draw(t, "a new batch") {
				d = stored.reopen(t, d)
			}
		}
	})
}

// shelf keeps what a directory says has changed, under the keys that the database has.
type shelf struct {
	contacts map[uuid.UUID]Contact
	aliases  map[string]Alias
}

// reopen writes what has changed, and begins a new directory with all that is stored.
func (s shelf) reopen(t rapid.TB, d desk) desk {
	contacts, aliases := d.Changed()
	for _, c := range contacts {
		s.contacts[c.ID] = c
	}
	written := map[string]bool{}
	for _, a := range aliases {
		key := fmt.Sprint(a.Kind, a.Value, a.From)
		if written[key] {
			t.Fatalf("one row is written twice: %+v", a)
		}
		written[key] = true
		s.aliases[key] = a
	}
	var known []Contact
	for _, c := range s.contacts {
		known = append(known, c)
	}
	var held []Alias
	for _, a := range s.aliases {
		held = append(held, a)
	}
	return desk{NewDirectory(d.Now, d.NewID, known, held)}
}

// checkSound checks what nobody may break: at any time a name has at most one holder, and everybody
// stands in somebody who stands in nobody else.
func checkSound(t rapid.TB, d *Directory) {
	t.Helper()
	for _, c := range d.contacts {
		if root := d.contacts[c.MergedInto]; root == nil || root.MergedInto != root.ID {
			t.Fatalf("%v stands in %v, which stands in another", c.ID, c.MergedInto)
		}
	}
	for name, spans := range d.aliases {
		slices.SortFunc(spans, func(a, b *Alias) int { return a.From.Compare(b.From) })
		end := time.Time{}
		for i, a := range spans {
			if i > 0 && (end.IsZero() || a.From.Before(end)) || !a.To.IsZero() && !a.From.Before(a.To) {
				t.Fatalf("%s %s is held from %s to %s, and before that until %s", name.kind, name.value, a.From, a.To, end)
			}
			end = a.To
		}
	}
}
