package attribution

// The time line of clicks before one event: which of them counts, and why none does.

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/reason"
)

const day = 24 * time.Hour

var event = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// ad is a click on an ad, told by how long before the event it was; a Status ad has no click id.
func ad(clickID string, before time.Duration) Click {
	return Click{ClickID: clickID, At: event.Add(-before)}
}

func TestPick(t *testing.T) {
	const last, first = account.LastClick, account.FirstClick
	for _, c := range []struct {
		name   string
		clicks []Click // in order of receipt
		policy account.ClickPolicy
		want   string
		why    reason.Code
	}{
		{"no click at all", nil, last, "", reason.NoClickID},
		{"one click an hour before", []Click{ad("a", time.Hour)}, last, "a", reason.None},

		{"ledger 11: exactly 7 days is inside", []Click{ad("a", 7*day)}, last, "a", reason.None},
		{"ledger 12: 7 days and a second is outside", []Click{ad("a", 7*day+time.Second)}, last, "", reason.ClickExpired},
		{"ledger 11: a click after the event does not count", []Click{ad("a", -time.Second)}, last, "", reason.NoClickID},
		{"ledger 11: equal seconds count", []Click{ad("a", 0)}, last, "a", reason.None},
		{"ledger 12: an expired click does not hide one that counts", []Click{ad("old", 8*day), ad("new", 6*day)}, first, "new", reason.None},

		{"ledger 11: the last click wins", []Click{ad("a", 3*day), ad("b", day), ad("c", 2*day)}, last, "b", reason.None},
		{"the first click wins where the account says so", []Click{ad("b", 2*day), ad("a", 3*day), ad("c", day)}, first, "a", reason.None},
		{"ledger 11: of equal seconds the last received wins", []Click{ad("a", day), ad("b", day)}, last, "b", reason.None},
		{"ledger 11: of equal seconds the first received wins", []Click{ad("a", day), ad("b", day)}, first, "a", reason.None},

		{"ledger 11: a later status ad never beats a click with an id", []Click{ad("a", 2*day), ad("", day)}, last, "a", reason.None},
		{"ledger 11: an earlier status ad is not the first click", []Click{ad("", 2*day), ad("a", day)}, first, "a", reason.None},
		{"a status ad alone explains", []Click{ad("", day)}, last, "", reason.StatusAdWithoutClid},
		{"a status ad explains better than an expired click", []Click{ad("a", 8*day), ad("", day)}, last, "", reason.StatusAdWithoutClid},
		{"an expired status ad is an expired click", []Click{ad("", 8*day)}, last, "", reason.ClickExpired},
		{"a click after the event explains nothing", []Click{ad("a", 8*day), ad("b", -day)}, last, "", reason.ClickExpired},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i := range c.clicks {
				c.clicks[i].ID = uuid.UUID{15: byte(i + 1)}
			}
			for range 2 { // as received, and as a database might list them
				got, why := Pick(c.clicks, event, c.policy)
				if got.ClickID != c.want || why != c.why {
					t.Errorf("Pick = %q, %q; want %q, %q", got.ClickID, why, c.want, c.why)
				}
				slices.Reverse(c.clicks)
			}
		})
	}
}

func TestAClickIsTheSameOnEveryNode(t *testing.T) {
	here := Click{ID: uuid.UUID{15: 1}, ClickID: "ARAkLkA8rmlFeiCktEJQ"}
	there := Click{ID: uuid.UUID{15: 2}, ClickID: here.ClickID}
	if here.Key() != there.Key() || len(here.Key()) != 16 {
		t.Errorf("keys of one click id: %q and %q, want one of 16 characters", here.Key(), there.Key())
	}
	if other := (Click{ID: here.ID, ClickID: "ARAother"}); other.Key() == here.Key() {
		t.Errorf("two click ids share the key %q", here.Key())
	}
	if status := (Click{ID: here.ID}); status.Key() != here.ID.String() {
		t.Errorf("key of a status ad = %q, want its own id %s", status.Key(), here.ID)
	}
}

// TestPruneSparesWhatMetaMayStillAskFor is ledger 12: a message that Meta delivers up to the grace
// late still finds its click.
func TestPruneSparesWhatMetaMayStillAskFor(t *testing.T) {
	for grace, want := range map[time.Duration]time.Time{
		7 * day: time.Date(2026, 2, 24, 12, 0, 0, 0, time.UTC),
		0:       time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC),
	} {
		before := Prune(event, grace)
		if !before.Equal(want) {
			t.Errorf("Prune with %s of grace = %s, want %s", grace, before, want)
		}
		if gone := (Click{At: before.Add(-time.Microsecond)}); gone.Counts(event.Add(-grace)) {
			t.Errorf("with %s of grace, a click is deleted that counts for a message delivered that late", grace)
		}
	}
}
