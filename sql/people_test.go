package sql

import (
	"testing"
	"time"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
)

// renames: ledger 8 and 9, across transactions.
func renames(t *testing.T, l *ledger) {
	thread := func(id string, who, becomes attribution.Identity, at time.Time) *attribution.Thread {
		m := l.message(id, who, at)
		m.Becomes = becomes
		l.record(nil, m)
		return m.Thread
	}
	none := attribution.Identity{}
	phone := attribution.Identity{WAID: "551187650001"}
	both := attribution.Identity{WAID: "551187650001", UserID: "BR.7"}
	name := attribution.Identity{UserID: "BR.7"}
	begin := l.now.Add(-time.Hour)

	first := thread("m1", phone, none, begin)
	if got := thread("m2", both, none, begin); got.IDs[0] != first.IDs[0] {
		t.Error("a user id learned later belongs to the same contact")
	}
	if got := thread("m3", name, none, begin); got.IDs[0] != first.IDs[0] {
		t.Error("the user id alone finds the conversation")
	}
	thread("m4", both, attribution.Identity{WAID: "5511900000009"}, begin.Add(time.Minute))
	if got := thread("m5", attribution.Identity{WAID: "5511900000009"}, none, begin.Add(2*time.Minute)); got.IDs[0] != first.IDs[0] {
		t.Error("the new number is the same person")
	}
	if got := thread("m6", phone, none, begin.Add(3*time.Minute)); got.IDs[0] == first.IDs[0] {
		t.Error("the old number, used again, is another person")
	}
	if got := thread("m7", phone, none, begin.Add(30*time.Second)); got.IDs[0] != first.IDs[0] {
		t.Error("a late message is looked up at its own time")
	}
}

// mergedThreads: a message that carries two known aliases makes one contact of two; clicks and
// waiting matches of both conversations are seen together, and the ids stay what they were.
func mergedThreads(t *testing.T, l *ledger) {
	phone, name := attribution.Identity{WAID: "5511900000001"}, attribution.Identity{UserID: "BR.8"}
	click := l.message("m1", phone, l.now.Add(-time.Hour))
	click.Referral = &attribution.Click{ClickID: "Clid1"}
	l.record(nil, click)

	asked := l.message("m2", name, l.now.Add(-time.Minute))
	l.record(func(s *attribution.Snapshot) []forwarder.Delivery {
		a := s.Fresh[0]
		a.Thread.Wait(attribution.Waiting{Trigger: a.ID, Rule: "r", Event: "Purchase", Reason: reason.NoClickID, At: a.At, ReceivedAt: l.now, Body: a.Body})
		return []forwarder.Delivery{l.delivery("claim-of-the-younger", a)}
	}, asked)

	both := l.message("m3", attribution.Identity{WAID: phone.WAID, UserID: name.UserID}, l.now)
	l.record(func(s *attribution.Snapshot) []forwarder.Delivery {
		th := s.Fresh[0].Thread
		if len(th.IDs) != 2 || th.IDs[0] != click.Thread.IDs[0] || len(th.Clicks) != 1 || len(th.Waiting) != 1 ||
			len(l.known) != 1 || l.known[0].Claim != "claim-of-the-younger" || !th.Touched {
			t.Errorf("ids %v, clicks %d, waiting %d, claims %v, touched %v", th.IDs, len(th.Clicks), len(th.Waiting), l.known, th.Touched)
		}
		revived := th.Revivable("last")
		if len(revived) != 1 || revived[0].Trigger != asked.ID {
			t.Errorf("revived %v", revived)
		}
		return nil
	}, both)
	counts, err := l.RowCounts(t.Context())
	if err != nil || counts["unattributed"] != 0 || counts["conversations"] != 2 || counts["contacts"] != 2 {
		t.Errorf("rows %v %v", counts, err)
	}
	later := l.message("m4", name, l.now)
	l.record(nil, later)
	if later.Thread.IDs[0] != click.Thread.IDs[0] {
		t.Error("look-ups follow merged_into")
	}
}

// oneClickPerID: ledger 11. One click id is one click, at its earliest message time.
func oneClickPerID(t *testing.T, l *ledger) {
	for i, at := range []time.Duration{-time.Hour, -2 * time.Hour, -time.Minute} {
		m := l.message(string(rune('a'+i)), ana, l.now.Add(at))
		m.Referral = &attribution.Click{ClickID: "Clid1", AdID: "77"}
		l.record(nil, m)
	}
	for i := range 2 {
		m := l.message(string(rune('p'+i)), ana, l.now)
		m.Referral = &attribution.Click{AdID: "78"} // ads in WhatsApp Status carry no click id
		l.record(nil, m)
	}
	clicks, err := l.Clicks(t.Context(), "shop")
	if err != nil || len(clicks) != 3 {
		t.Fatalf("%d clicks %v, want 1 with an id and 2 without", len(clicks), err)
	}
	if got := clicks[2]; got.ClickID != "Clid1" || !got.At.Equal(l.now.Add(-2*time.Hour)) {
		t.Errorf("%+v, want the earliest time", got)
	}
}
