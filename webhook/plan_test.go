package webhook

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/rules"
)

const planRules = `version: 1
defaults: {currency: BRL}
rules:
  - {id: asked, when: {customer_says: "quanto custa"}, send: LeadSubmitted, once: per_conversation}
  - {id: asked-too, when: {customer_says: "custa"}, send: LeadSubmitted, once: always}
  - {id: paid, when: {customer_says: "paguei {money}"}, send: Purchase, value: {from: message}}
  - {id: paid-somehow, when: {customer_says: "ja paguei"}, send: Purchase, value: {from: message}}
  - {id: trial, mode: shadow, when: {customer_says: "paguei"}, send: OrderCreated, once: always}
  - {id: later, when: {customer_says: "volto depois"}, send: QualifiedLead, wait: 1h, cancel_if: [{customer_says: "desisto"}], once: per_conversation}
  - {id: total, when: {customer_says: "total"}, send: AddToCart, value: {from: message}, once: per_conversation}
`

// scene is a snapshot in the making: messages of one conversation, planned as one transaction.
type scene struct {
	testing.TB
	planner *Planner
	thread  *attribution.Thread
	known   []forwarder.Delivery // of the transactions before
	now     time.Time
}

func newScene(t testing.TB, policy account.ClickPolicy) *scene {
	t.Helper()
	file, problems := rules.ParseFile("rules.yaml", []byte(planRules))
	if file == nil {
		t.Fatal(problems)
	}
	set, problems := rules.NewSet(rules.Owner{ID: "shop", Locale: "pt-BR"}, file)
	if set == nil {
		t.Fatal(problems)
	}
	library := &rules.Library{}
	library.Swap(map[string]*rules.Set{"shop": set})
	s := &scene{
		TB: t, now: time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC),
		planner: &Planner{
			Accounts: account.NewRegistry([]account.Account{{ID: "shop", WABAID: "300", DatasetID: "900", Click: policy}}),
			Rules:    library, NewID: func() uuid.UUID { return uuid.Must(uuid.NewV7()) },
		},
	}
	s.thread = &attribution.Thread{Account: "shop", Number: "700", IDs: []uuid.UUID{s.planner.NewID()}}
	return s
}

// said makes a message some minutes ago; a click id makes it the first after an ad click.
func (s *scene) said(minutesAgo int, text, clickID string) *attribution.Arrival {
	a := &attribution.Arrival{
		Account: "shop", ID: s.planner.NewID(), At: s.now.Add(-time.Duration(minutesAgo) * time.Minute), ReceivedAt: s.now,
		Body: fmt.Appendf(nil, `{"id":"x","from":"1","type":"text","text":{"body":%q}}`, text), Thread: s.thread,
	}
	if clickID != "" {
		a.Referral = &attribution.Click{ClickID: clickID}
	}
	return a
}

// plan runs one transaction and describes its deliveries as "Event rule click status reason".
func (s *scene) plan(batch ...*attribution.Arrival) []string {
	s.Helper()
	_, list := s.planned(batch...)
	return list
}

func (s *scene) planned(batch ...*attribution.Arrival) (*attribution.Snapshot, []string) {
	s.Helper()
	s.thread.Captured, s.thread.Added, s.thread.Dropped = nil, nil, nil
	snap := &attribution.Snapshot{Now: s.now, Fresh: batch, Threads: []*attribution.Thread{s.thread}}
	changes, err := s.planner.Plan(snap, s.known)
	if err != nil {
		s.Fatal(err)
	}
	s.known = append(s.known, changes.New...)
	list := []string{}
	for _, d := range changes.New {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", d.EventName, d.Rule, d.ClickID, d.Status, d.Reason)))
		if d.GoesOut() != (len(d.Payload) > 0) && d.Status != forwarder.Cancelled {
			s.Errorf("%s is %s with %d bytes; what goes out has its bytes (ledger 20)", d.EventName, d.Status, len(d.Payload))
		}
	}
	return snap, list
}

func (s *scene) want(got []string, want ...string) {
	s.Helper()
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		s.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPlanLedger16OneEventOfEachName(t *testing.T) {
	s := newScene(t, account.LastClick)
	snap, got := s.planned(s.said(2, "oi", "c1"), s.said(1, "quanto custa?", ""))
	s.want(got, "LeadSubmitted asked c1 queued")
	if n := snap.Counts[attribution.Count{Account: "shop", Kind: "shadowed"}]; n != 1 {
		t.Errorf("shadowed matches counted: %d, want 1", n)
	}
	snap, got = s.planned(s.said(0, "e quanto custa o azul?", ""))
	s.want(got) // asked is blocked by once, and shadows asked-too all the same
	if n := snap.Counts[attribution.Count{Account: "shop", Kind: "blocked"}]; n != 1 {
		t.Errorf("blocked matches counted: %d, want 1", n)
	}
}

func TestPlanLedger13RevivesWholeTriggersEarliestFirst(t *testing.T) {
	s := newScene(t, account.LastClick)
	s.want(s.plan(s.said(30, "quanto custa?", ""), s.said(20, "quanto custa?", "")))
	if len(s.thread.Waiting) != 2 {
		t.Fatalf("%d wait, want one row per (rule, trigger)", len(s.thread.Waiting))
	}
	first := s.thread.Waiting[0].Trigger
	s.thread.Added = nil // written: the next transaction reads them back
	snap := &attribution.Snapshot{Now: s.now, Threads: []*attribution.Thread{s.thread}, Fresh: []*attribution.Arrival{
		s.said(40, "oi", "c1"), s.said(10, "quanto custa?", ""),
	}}
	changes, err := s.planner.Plan(snap, s.known)
	if err != nil || len(changes.New) != 1 || changes.New[0].Trigger != first {
		t.Errorf("%v %v, want one lead, for the earliest of the three questions", changes.New, err)
	}
	if len(s.thread.Waiting) != 0 || len(s.thread.Dropped) != 2 {
		t.Errorf("waiting %d, dropped %d", len(s.thread.Waiting), len(s.thread.Dropped))
	}
}

func TestPlanAClickDoesNotReachBack(t *testing.T) {
	s := newScene(t, account.LastClick)
	s.want(s.plan(s.said(10, "quanto custa?", ""), s.said(5, "oi", "c1")))
	if len(s.thread.Waiting) != 1 {
		t.Error("a question before the click still waits for an earlier one")
	}
}

func TestPlanClickPolicy(t *testing.T) {
	for policy, want := range map[account.ClickPolicy]string{account.LastClick: "c2", account.FirstClick: "c1"} {
		s := newScene(t, policy)
		s.want(s.plan(s.said(3, "oi", "c1"), s.said(2, "oi", "c2"), s.said(1, "quanto custa?", "")),
			"LeadSubmitted asked "+want+" queued")
	}
}

func TestPlanLedger14OncePerClick(t *testing.T) {
	s := newScene(t, account.LastClick)
	s.want(s.plan(s.said(9, "oi", "c1"), s.said(8, "paguei R$ 5,00", ""), s.said(7, "paguei R$ 6,00", "")),
		"Purchase paid c1 queued", "OrderCreated trial c1 skipped shadow", "OrderCreated trial c1 skipped shadow")
	s.want(s.plan(s.said(6, "oi de novo", "c2"), s.said(5, "paguei R$ 7,00", "")),
		"Purchase paid c2 queued", "OrderCreated trial c2 skipped shadow")
}

func TestPlanHeldIsNeverGuessed(t *testing.T) {
	s := newScene(t, account.LastClick)
	s.want(s.plan(s.said(2, "oi", "c1"), s.said(1, "ja paguei", "")),
		"Purchase paid-somehow c1 held value_missing", "OrderCreated trial c1 skipped shadow")
}

func TestPlanLedger5OldTriggersFireNothing(t *testing.T) {
	s := newScene(t, account.LastClick)
	week := int(attribution.Window / time.Minute)
	snap, got := s.planned(s.said(week+2, "oi", "c1"), s.said(week+1, "quanto custa?", ""), s.said(week, "paguei R$ 5,00", ""))
	s.want(got, "Purchase paid c1 queued", "OrderCreated trial c1 skipped shadow") // c1 is 7 days before what is not old
	if n := snap.Counts[attribution.Count{Account: "shop", Kind: "old_message"}]; n != 2 {
		t.Errorf("%d old messages counted", n)
	}
}

// Within one transaction as between two: what the plan has made itself is completed and cancelled.
func TestPlanChangesWhatItMade(t *testing.T) {
	s := newScene(t, account.LastClick)
	s.want(s.plan(s.said(9, "oi", "c1"), s.said(8, "o total?", ""), s.said(7, "total R$ 12,00", ""), s.said(6, "total R$ 13,00", ""),
		s.said(5, "volto depois", ""), s.said(4, "desisto", "")),
		"AddToCart total c1 queued", "QualifiedLead later c1 cancelled cancel_if")
	if got := s.known[0].Value.String(); got != "12.00 BRL" {
		t.Errorf("completed with %s, want the first clear amount", got)
	}
}

// Ledger 5: what is old cancels nothing, and what was said before the event does not either.
func TestPlanLedger27OnlyWhatComesLaterCancels(t *testing.T) {
	s := newScene(t, account.LastClick)
	s.want(s.plan(s.said(9, "oi", "c1"), s.said(8, "desisto", ""), s.said(5, "volto depois", "")), "QualifiedLead later c1 waiting")
	s.plan(s.said(6, "desisto", ""))
	snap := &attribution.Snapshot{Now: s.now, Fresh: []*attribution.Arrival{s.said(0, "desisto", "")}, Threads: []*attribution.Thread{s.thread}}
	changes, err := s.planner.Plan(snap, s.known)
	if err != nil || len(changes.Cancelled) != 1 || changes.Cancelled[0].ID != s.known[0].ID {
		t.Errorf("%+v %v", changes, err)
	}
}

// What a newer version wrote into cancel_if cancels nothing, and is counted.
func TestPlanACancelIfThatCannotBeReadIsCounted(t *testing.T) {
	s := newScene(t, account.LastClick)
	s.want(s.plan(s.said(9, "oi", "c1"), s.said(5, "volto depois", "")), "QualifiedLead later c1 waiting")
	s.known[0].CancelIf = []byte(`{"somebody_sings": "x"}`)
	snap, _ := s.planned(s.said(1, "desisto", ""))
	if n := snap.Counts[attribution.Count{Account: "shop", Kind: "cancel_if_unreadable"}]; n != 1 {
		t.Errorf("counted %d times", n)
	}
}
