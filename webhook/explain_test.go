package webhook

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/rules"
)

// explains says what a planner makes of a message again, as "rule outcome" of what matched.
func (s *scene) explains(a *attribution.Arrival, recorded time.Time) (list []string) {
	s.Helper()
	e, err := s.planner.Explain(&attribution.Snapshot{Now: recorded}, s.known, a)
	if err != nil {
		s.Fatal(err)
	}
	for _, v := range e.Rules {
		if v.Decision != nil {
			list = append(list, fmt.Sprintf("%s %s", v.Rule.ID, v.Outcome))
		}
	}
	return list
}

// What a plan decided is explained so afterwards, also by messages of one transaction, and nothing is changed.
func TestExplainAgreesWithThePlan(t *testing.T) {
	s := newScene(t, account.LastClick)
	clicked, asked, again, paid := s.said(9, "oi", "c1"), s.said(8, "quanto custa?", ""), s.said(7, "quanto custa o azul?", ""), s.said(6, "paguei R$ 5,00", "")
	s.plan(clicked, asked, again, paid)
	first := s.now
	s.now = s.now.Add(time.Minute)
	later := s.said(0, "quanto custa o verde?", "")
	s.plan(later)
	before := len(s.known)
	for _, c := range []struct {
		message  *attribution.Arrival
		recorded time.Time
		want     []string
	}{
		{asked, first, []string{"asked fire", "asked-too shadowed"}},
		{again, first, []string{"asked blocked", "asked-too shadowed"}},
		{paid, first, []string{"paid fire", "trial shadow"}},
		{later, s.now, []string{"asked blocked", "asked-too shadowed"}},
	} {
		s.want(s.explains(c.message, c.recorded), c.want...)
	}
	if len(s.known) != before || len(s.thread.Clicks) != 1 {
		t.Error("explaining changed what was known")
	}
}

// What only a plan knows is explained too: an opt-out, and that Meta told of it already.
func TestExplainKnowsWhatRulesAreNotTold(t *testing.T) {
	s := newScene(t, account.LastClick)
	paid := s.said(6, "paguei R$ 5,00", "")
	s.plan(s.said(9, "oi", "c1"), paid)
	s.planner.OptedOut = func(string, attribution.Identity) bool { return true }
	s.want(s.explains(paid, s.now), "paid skip", "trial skip")
	s.planner.OptedOut = nil
	s.known = append(s.known, forwarder.Delivery{
		Account: "shop", ID: s.planner.NewID(), Conversation: s.thread.IDs[0], Claim: "meta", EventName: "Purchase", ClickID: "c1",
		Rule: "automatic:Purchase", Status: forwarder.Sent, EventAt: paid.At.Add(-time.Minute), CreatedAt: s.now.Add(-time.Hour),
	})
	e, err := s.planner.Explain(&attribution.Snapshot{Now: s.now}, s.known, paid)
	if err != nil || e.Rules[0].Outcome != rules.Hold || e.Rules[0].Reason != reason.MetaDetected {
		t.Errorf("%+v %v", e.Rules, err)
	}
}

// A click that came later counts only for what waited for it.
func TestExplainGoesByTheClicksThatWereKnown(t *testing.T) {
	s := newScene(t, account.LastClick)
	asked := s.said(8, "quanto custa?", "")
	s.plan(s.said(20, "oi", "c1"), asked)
	first := s.now
	s.now = s.now.Add(time.Hour)
	s.plan(s.said(70, "oi", "c2")) // ten minutes before the question, recorded an hour after it
	e, err := s.planner.Explain(&attribution.Snapshot{Now: first}, s.known, asked)
	if err != nil || e.Click.ClickID != "c1" {
		t.Errorf("it is attributed to %q (%v), want the click that was known", e.Click.ClickID, err)
	}
}

// Whatever a text says, every rule is explained, once, and the customer's words are not repeated.
func FuzzExplainText(f *testing.F) {
	f.Add("quanto custa?", true, false)
	f.Add("paguei R$ 1.299 e \x00 \xff ja paguei", false, false)
	f.Add("desisto", true, true)
	s := newScene(f, account.LastClick)
	f.Fuzz(func(t *testing.T, text string, clicked, ours bool) {
		before := time.Duration(0)
		if clicked {
			before = time.Minute
		}
		snap, arrival, err := s.planner.Pretend("shop", "700", text, s.now, ours, before)
		if err != nil {
			t.Fatal(err)
		}
		e, err := s.planner.Explain(snap, nil, arrival)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, v := range e.Rules {
			if seen[v.Rule.ID] || v.Why == "" || (v.Outcome == rules.Fire) && !clicked {
				t.Errorf("%s: %s %q", v.Rule.ID, v.Outcome, v.Why)
			}
			seen[v.Rule.ID] = true
		}
		if len(seen) != 7 {
			t.Errorf("%d rules are explained", len(seen))
		}
	})
}

// Stored bytes tell under which id they are known, or nothing.
func FuzzMessageID(f *testing.F) {
	f.Add([]byte(`{"id":"wamid.1","status":"read"}`), "wamid.1")
	f.Add([]byte(`{"id":"wamid.1","event_name":"Purchase"}`), "1")
	f.Fuzz(func(t *testing.T, body []byte, id string) {
		for _, source := range []attribution.Source{attribution.Customer, attribution.Echo, attribution.Status, attribution.Report, attribution.Detected} {
			MessageID(source, body)
		}
		report, err := json.Marshal(Sent{ID: id, Template: &SentTemplate{Name: "x"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := MessageID(attribution.Report, report); strings.ToValidUTF8(id, "") == id && !slices.Contains(MessageIDs(id), got) {
			t.Errorf("a report of %q is known as %q", id, got)
		}
	})
}

// The ring keeps the newest of each rule in order, and what could not be written waits for the next time.
func TestRingKeepsTheLast(t *testing.T) {
	r := &ring{}
	for i := range 50 {
		r.add([]attribution.Evaluation{
			{Account: "shop", Rule: "a", Why: fmt.Sprint(i)}, {Account: "shop", Rule: "b", Why: strings.Repeat("é", maxWhy)}, {Account: "clinic", Rule: "a"},
		})
	}
	list := r.take()
	if len(list) != 3*attribution.MaxEvaluations {
		t.Fatalf("%d are kept", len(list))
	}
	r.add([]attribution.Evaluation{{Account: "shop", Rule: "a", Why: "50"}})
	r.restore(list)
	var whys []string
	for _, e := range r.take() {
		if e.Account == "shop" && e.Rule == "a" {
			whys = append(whys, e.Why)
		}
		if len(e.Why) > maxWhy+3 || strings.ToValidUTF8(e.Why, "") != e.Why {
			t.Errorf("%d bytes of why are kept", len(e.Why))
		}
	}
	if len(whys) != attribution.MaxEvaluations || whys[0] != "31" || whys[19] != "50" {
		t.Errorf("kept %v", whys)
	}
	if len(r.take()) != 0 {
		t.Error("what was taken is still there")
	}
}

// What another transaction was first with is no event of this one: the ring says blocked.
func TestRingSaysWhatWasPlannedInVain(t *testing.T) {
	s := newScene(t, account.LastClick)
	s.thread.IDs = append(s.thread.IDs, uuid.New())
	snap := &attribution.Snapshot{Now: s.now, Threads: []*attribution.Thread{s.thread}, Fresh: []*attribution.Arrival{s.said(2, "oi", "c1"), s.said(1, "paguei R$ 5,00", "")}}
	changes, err := s.planner.Plan(snap, nil)
	if err != nil || len(changes.New) != 2 {
		t.Fatalf("%v %v", changes, err)
	}
	in := &Intake{}
	in.ring.committed(snap, changes, changes.New[1:])
	for _, e := range in.ring.take() {
		if want := map[string]string{"paid": "blocked", "trial": "shadow"}[e.Rule]; e.Outcome != want {
			t.Errorf("%s: %s (%s), want %s", e.Rule, e.Outcome, e.Why, want)
		}
	}
}
