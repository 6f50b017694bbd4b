package sql

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
)

// readsThePast: a stored message is read again with its conversation, those of people merged since, and the
// events under keys that it asks for; and nothing of another conversation.
func readsThePast(t *testing.T, l *ledger) {
	claim := func(keys ...string) func(*attribution.Snapshot) []forwarder.Delivery {
		return func(s *attribution.Snapshot) (list []forwarder.Delivery) {
			for _, key := range keys {
				list = append(list, l.delivery(key, s.Fresh[0]))
			}
			return list
		}
	}
	byPhone, byUser := attribution.Identity{WAID: ana.WAID}, attribution.Identity{UserID: ana.UserID}
	clicked := l.message("m1", byPhone, l.now.Add(-3*time.Hour))
	clicked.Referral = &attribution.Click{ClickID: "Clid1"}
	l.record(claim("first"), clicked)
	l.record(claim("second"), l.message("m2", byUser, l.now.Add(-2*time.Hour)))
	l.record(claim("dedupe:Purchase:1", "third"), l.message("m3", ben, l.now.Add(-time.Hour)))
	quote := l.message("q1", byPhone, l.now.Add(-time.Hour))
	quote.Source = attribution.Echo
	later := l.message("q2", byPhone, l.now)
	later.Source = attribution.Echo
	l.record(nil, quote, later)
	l.now = l.now.Add(time.Second)
	asked := l.message("m4", ana, l.now.Add(-time.Minute)) // merges the two
	l.record(nil, asked)

	stored, ok, err := l.Message(t.Context(), "shop", asked.ID)
	if !ok || err != nil || stored.Account != "shop" || stored.Source != attribution.Customer {
		t.Fatalf("%+v %v %v", stored, ok, err)
	}
	again := &attribution.Arrival{
		Account: "shop", ID: stored.ID, Key: asked.Key, At: stored.At, Keys: []string{"dedupe:Purchase:1"}, Quotes: true,
	}
	snap, known, err := l.Past(t.Context(), stored, again)
	if err != nil {
		t.Fatal(err)
	}
	if !snap.Now.Equal(l.now) || again.Number != "700" || !slices.Equal(again.Thread.IDs, asked.Thread.IDs) || len(again.Thread.IDs) != 2 {
		t.Errorf("recorded at %v, number %q, conversations %v, want %v %v", snap.Now, again.Number, again.Thread.IDs, l.now, asked.Thread.IDs)
	}
	if len(again.Thread.Clicks) != 1 || again.Thread.Clicks[0].ClickID != "Clid1" {
		t.Errorf("clicks %+v", again.Thread.Clicks)
	}
	if q := again.Thread.Quotes; len(q) != 1 || string(q[0].Body) != "q1" {
		t.Errorf("quotes %v, want the one before the message", q)
	}
	var keys []string
	for _, d := range known {
		keys = append(keys, d.Claim)
	}
	if slices.Sort(keys); !slices.Equal(keys, []string{"dedupe:Purchase:1", "first", "second"}) {
		t.Errorf("events %v", keys)
	}
}

// findsMessages: what only its bytes name is found from when it was recorded backwards, over many pages.
func findsMessages(t *testing.T, l *ledger) {
	wanted := l.message("wanted", ana, l.now)
	l.record(nil, wanted)
	var rows []messageRow
	for i := range findPage + 10 {
		id := newID()
		rows = append(rows, messageRow{AccountID: "shop", ID: id[:], ConversationID: id[:], Body: fmt.Append(nil, i)})
	}
	if err := insert(t.Context(), l.write, rows, ""); err != nil {
		t.Fatal(err)
	}
	recorded, ok, err := l.RecordedAt(t.Context(), "shop", wanted.Key)
	if !ok || err != nil || !recorded.Equal(l.now) {
		t.Fatalf("recorded %v %v %v", recorded, ok, err)
	}
	says := func(text string) func(Message) bool { return func(m Message) bool { return string(m.Body) == text } }
	for _, c := range []struct {
		account, text string
		from          time.Time
		want          bool
	}{
		{"shop", "wanted", time.Now().Add(time.Minute), true},
		{"shop", "wanted", time.Now().Add(-time.Hour), false}, // it came later
		{"shop", "unwanted", time.Now(), false},
		{"clinic", "wanted", time.Now(), false},
	} {
		m, found, err := l.FindMessage(t.Context(), c.account, c.from, says(c.text))
		if err != nil || found != c.want || found && m.ID != wanted.ID {
			t.Errorf("%+v: %v %v %v", c, found, m.ID, err)
		}
	}
	if _, ok, err := l.RecordedAt(t.Context(), "clinic", wanted.Key); ok || err != nil {
		t.Errorf("another account knows the key: %v", err)
	}
}
