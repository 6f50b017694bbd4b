package backtest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/rules"
	"github.com/clickthread/clickthread/sandbox"
	"github.com/clickthread/clickthread/sql"
	"github.com/clickthread/clickthread/webhook"
)

// story is a real ledger that real notifications come into, at times of the story's own.
type story struct {
	*testing.T
	store    *sql.Store
	intake   *webhook.Intake
	planner  *webhook.Planner
	now      time.Time
	ana, ben *sandbox.Shopper
}

var shop = account.Account{ID: "shop", WABAID: "300", DatasetID: "900", Currency: "BRL", Locale: "pt-BR"}

func setOf(t *testing.T, lines string) *rules.Set {
	t.Helper()
	text := "version: 1\ndefaults: {currency: BRL}\nrules:\n"
	for line := range strings.Lines(strings.TrimSpace(lines)) {
		text += "  - " + strings.TrimSpace(line) + "\n"
	}
	file, problems := rules.ParseFile("rules.yaml", []byte(text))
	if file == nil {
		t.Fatal(problems)
	}
	set, problems := rules.NewSet(rules.Owner{ID: "shop", Currency: "BRL", Locale: "pt-BR"}, file)
	if set == nil {
		t.Fatal(problems)
	}
	return set
}

func newStory(t *testing.T, set *rules.Set) *story {
	t.Helper()
	store, err := sql.Open(t.Context(), sql.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "clickthread.db"), Node: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	s := &story{T: t, store: store, now: time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)}
	accounts := account.NewRegistry([]account.Account{shop})
	var n uint64
	newID := func() (id uuid.UUID) { // UUIDv7, at the story's time
		n++
		binary.BigEndian.PutUint64(id[:], uint64(s.now.UnixMilli())<<16)
		binary.BigEndian.PutUint64(id[8:], n)
		id[6], id[8] = 0x70, 0x80
		return id
	}
	s.planner = &webhook.Planner{Accounts: accounts, Rules: only{set}, NewID: newID, Key: store.Key}
	s.intake = &webhook.Intake{
		Recorder: store, Quarantine: store, Planner: s.planner, Accounts: accounts, Wake: func() {}, Now: func() time.Time { return s.now },
		NewID: newID, Log: slog.New(slog.DiscardHandler), Stats: &webhook.Stats{},
	}
	shopper := func(phone string) *sandbox.Shopper {
		return &sandbox.Shopper{WABA: "300", PhoneNumberID: "700", WAID: phone, Now: func() time.Time { return s.now }}
	}
	s.ana, s.ben = shopper("5500000000001"), shopper("5500000000002")
	return s
}

// hears takes in notifications, a minute apart.
func (s *story) hears(list ...sandbox.Notification) {
	s.Helper()
	for _, n := range list {
		s.now = s.now.Add(time.Minute)
		if _, err := s.store.Ripen(s.Context(), s.now); err != nil {
			s.Fatal(err)
		}
		if err := s.intake.Receive(s.Context(), n.Body); err != nil {
			s.Fatal(err)
		}
	}
}

// clicks is somebody's first message after a click.
func clicks(who *sandbox.Shopper, clickID string) sandbox.Notification {
	return who.Click(sandbox.Ad{ID: "1", ClickID: clickID}, "oi")
}

// backtest compares what came in from a time on, as "Event state now/candidate".
func (s *story) backtest(from time.Time, candidate *rules.Set) (*Report, []string) {
	s.Helper()
	inForce := s.planner.Rules.Set("shop")
	r, err := Run(s.Context(), Options{
		Account: shop, Past: s.store.History("shop", from, s.now.Add(time.Hour)), From: from, InForce: inForce, Candidate: candidate,
		Key: s.store.Key, OptedOut: s.planner.OptedOut, Sample: 10, Tell: func(int, int) {},
	})
	if err != nil {
		s.Fatal(err)
	}
	lines := []string{}
	for _, c := range r.Counts {
		lines = append(lines, fmt.Sprintf("%s %s %d/%d", c.Event, c.State, c.Now, c.Candidate))
	}
	for _, v := range r.Revenue {
		lines = append(lines, fmt.Sprintf("%s %s / %s", v.Event, v.Now, v.Candidate))
	}
	return r, lines
}

func TestStories(t *testing.T) {
	const lead = `{id: asked, when: {customer_says: "quanto custa"}, send: LeadSubmitted, once: per_conversation}`
	const paid = `{id: paid, when: {customer_says: ["paguei {money}", "ja paguei"]}, send: Purchase, value: {from: message}, once: per_conversation}`
	const order = `{id: order, when: {customer_says: "pedido {order_no}"}, send: OrderCreated, dedupe: "{order_no}"}`
	const later = `{id: later, when: {customer_says: "volto depois"}, send: QualifiedLead, wait: 5h, cancel_if: [{customer_says: desisto}]}`
	const seen = `{id: seen, when: {customer_says: anuncio}, send: AddToCart, event_id: "seen-{ad.id}", once: always}`
	for name, c := range map[string]struct {
		now, candidate string
		before, within func(*story)
		want           []string
	}{
		"what was sent before is not sent again": {
			now: lead, candidate: strings.Replace(lead, "asked", "asked-anew", 1),
			before: func(s *story) { s.hears(clicks(s.ana, "a"), s.ana.Say("quanto custa?")) },
			within: func(s *story) { s.hears(s.ana.Say("quanto custa o azul?"), s.ana.Say("quanto custa?")) },
			want:   []string{"LeadSubmitted sent 0/1"}, // another id is another rule
		},
		"one order is told once, in whatever chat and whenever": {
			now: order, candidate: strings.Replace(order, `, dedupe: "{order_no}"`, "", 1),
			before: func(s *story) { s.hears(clicks(s.ana, "a"), clicks(s.ben, "b"), s.ana.Say("pedido #4512")) },
			within: func(s *story) {
				s.hears(s.ben.Say("pedido #4512"), s.ben.Say("pedido #4513"), s.ana.Say("pedido #4513"))
			},
			want: []string{"OrderCreated sent 1/2"},
		},
		"an id of the rule's own is told once": {
			now: seen, candidate: seen,
			before: func(s *story) { s.hears(clicks(s.ana, "a"), clicks(s.ben, "b"), s.ana.Say("vi o anuncio")) },
			within: func(s *story) {
				s.hears(s.ben.Say("vi o anuncio"), s.ben.Click(sandbox.Ad{ID: "2", ClickID: "c"}, "anuncio"))
			},
			want: []string{"AddToCart sent 1/1"},
		},
		"a match without a click is revived by it": {
			now: lead, candidate: lead + "\n" + paid,
			within: func(s *story) {
				s.hears(s.ana.Say("paguei R$ 50,00"), s.ben.Say("paguei R$ 70,00"))
				s.hears(clicks(s.ana.At(s.now.Add(-time.Hour)), "a"))
			},
			want: []string{"Purchase sent 0/1", "Purchase unattributed 0/1", "Purchase 0.00 BRL / 50.00 BRL"},
		},
		"what was held is completed": {
			now: paid, candidate: strings.Replace(paid, "per_conversation", "always", 1),
			before: func(s *story) { s.hears(clicks(s.ana, "a"), clicks(s.ben, "b"), s.ana.Say("ja paguei")) },
			within: func(s *story) {
				s.hears(s.ana.Say("paguei R$ 50,00"), s.ben.Say("ja paguei"), s.ben.Say("paguei R$ 70,00"))
			},
			want: []string{"Purchase sent 2/2", "Purchase held 0/1", "Purchase 120.00 BRL / 120.00 BRL"},
		},
		"what waits is cancelled in time": {
			now: later, candidate: strings.Replace(later, "5h", "1m", 1),
			before: func(s *story) { s.hears(clicks(s.ana, "a"), clicks(s.ben, "b"), s.ben.Say("volto depois")) },
			within: func(s *story) {
				s.hears(s.ana.Say("volto depois"), s.ana.Say("oi"), s.ana.Say("desisto"), s.ben.Say("desisto"))
			},
			want: []string{"QualifiedLead sent 0/1", "QualifiedLead cancelled 1/0"},
		},
		"what is on trial is told apart": {
			now: lead, candidate: strings.Replace(lead, "id: asked", "id: asked, mode: shadow", 1),
			within: func(s *story) { s.hears(clicks(s.ana, "a"), s.ana.Say("quanto custa?")) },
			want:   []string{"LeadSubmitted sent 1/0", "LeadSubmitted shadow 0/1"},
		},
		"who opted out is left out": {
			now: lead, candidate: lead,
			within: func(s *story) {
				list := attribution.NewOptOuts()
				list.Add("shop", attribution.WAID, s.ben.WAID)
				s.planner.OptedOut = list.Has
				s.hears(clicks(s.ana, "a"), s.ana.Say("quanto custa?"), clicks(s.ben, "b"), s.ben.Say("quanto custa?"))
			},
			want: []string{"LeadSubmitted sent 1/1", "LeadSubmitted opted_out 1/1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, setOf(t, c.now))
			if c.before != nil {
				c.before(s)
			}
			from := s.now.Add(time.Second)
			c.within(s)
			_, got := s.backtest(from, setOf(t, c.candidate))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A message whose text is gone is counted and not judged; its click counts, and what came of it stands.
func TestWithoutTextNothingIsJudged(t *testing.T) {
	s := newStory(t, setOf(t, `{id: asked, when: {customer_says: "quanto custa"}, send: LeadSubmitted, once: per_conversation}`))
	from := s.now
	s.intake.ForgetText = true
	s.hears(clicks(s.ana, "a"), s.ana.Say("quanto custa?"), clicks(s.ben, "b"))
	s.intake.ForgetText = false
	s.hears(s.ana.Say("e quanto custa o azul?"), s.ben.Say("quanto custa?"))
	r, got := s.backtest(from, setOf(t, `{id: asked, when: {customer_says: "custa"}, send: LeadSubmitted, once: always}`))
	if diff := cmp.Diff([]string{"LeadSubmitted sent 1/2"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Messages != 5 || r.WithoutText != 3 || r.Judged != 2 || r.Changed != 1 || r.OtherRule != 0 {
		t.Errorf("%+v", r)
	}
}

// What changed is told apart from what only looks different; a rare change is not lost among many others.
func TestTheSampleShowsEachKindOfChange(t *testing.T) {
	s := newStory(t, setOf(t, `
		{id: asked, when: {customer_says: "quanto custa"}, send: LeadSubmitted, once: always}
		{id: viewed, when: {customer_says: "foto"}, send: ViewContent, once: always}
		{id: paid, when: {customer_says: "paguei {money}"}, send: Purchase, value: {from: message}, once: always}`))
	from := s.now
	s.hears(clicks(s.ana, "a"))
	for range 20 {
		s.hears(s.ana.Say("quanto custa?"), s.ana.Say("foto?"))
	}
	s.hears(s.ana.Say("paguei R$ 600,00"), s.ana.Say("paguei R$ 60,00"))
	r, _ := s.backtest(from, setOf(t, `
		{id: asked-anew, when: {customer_says: "quanto custa"}, send: LeadSubmitted, once: always}
		{id: viewed, mode: shadow, when: {customer_says: "foto"}, send: ViewContent, once: always}
		{id: paid, when: {customer_says: "paguei {money}"}, send: Purchase, value: {from: message, max: 500}, content_ids: [lamp], once: always}`))
	if r.Changed != 21 || r.OtherRule != 20 || r.OtherDetails != 1 || len(r.Sample) != 10 {
		t.Fatalf("changed %d, of another rule %d, other details %d, sample %d", r.Changed, r.OtherRule, r.OtherDetails, len(r.Sample))
	}
	last := r.Sample[9]
	got := fmt.Sprintf("%s: %s %s -> %s %s", last.Event, last.Before[0].State, last.Before[0].Value, last.After[0].State, last.After[0].Reason)
	if want := "Purchase: sent 600.00 BRL -> held value_out_of_range"; got != want {
		t.Errorf("the last of the sample is %q, want %q", got, want)
	}
}

// More than a page, with notifications that go over its end, is read as a whole.
func TestPagesEndBetweenNotifications(t *testing.T) {
	s := newStory(t, setOf(t, `{id: asked, when: {customer_says: "quanto custa"}, send: LeadSubmitted, once: always}`))
	from := s.now
	s.hears(clicks(s.ana, "a"))
	const each, times = 301, 15
	for range times {
		list := []sandbox.Notification{s.ana.Say("quanto custa?")}
		for range each - 1 {
			list = append(list, s.ana.Say("oi"))
		}
		s.hears(sandbox.Batch(list...))
	}
	told := 0
	o := Options{
		Account: shop, Past: s.store.History("shop", from, s.now.Add(time.Hour)), From: from, InForce: s.planner.Rules.Set("shop"),
		Candidate: setOf(t, `{id: asked, mode: off, when: {customer_says: "custa"}, send: LeadSubmitted}`), Key: s.store.Key,
		Tell: func(done, total int) {
			if told++; total != 1+each*times || done != total && (done-1)%each != 0 {
				t.Errorf("told of %d of %d", done, total)
			}
		},
	}
	r, err := Run(t.Context(), o)
	if err != nil || r.Judged != 1+each*times || r.Counts[0].Now != times || r.Changed != times || told != 3 {
		t.Errorf("%+v %v, told %d times", r, err, told)
	}
}

// stopping is a past that is stopped while it is read.
type stopping struct {
	Past
	stop func()
}

func (s stopping) Count(context.Context) (int, error) { return 1, nil }

func (s stopping) Messages(ctx context.Context, _ uuid.UUID, _ int) ([]*attribution.Arrival, error) {
	s.stop()
	return nil, ctx.Err()
}

// What was read until somebody stopped it is not the past: there are no figures of a part.
func TestABacktestThatIsStoppedTellsNothing(t *testing.T) {
	for range 50 { // whichever of the two is heard first
		ctx, stop := context.WithCancel(t.Context())
		report, err := Run(ctx, Options{Past: stopping{nil, stop}, Tell: func(int, int) {}})
		if report != nil || !errors.Is(err, context.Canceled) {
			t.Fatalf("%+v %v", report, err)
		}
	}
}
