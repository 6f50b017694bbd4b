package sql

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/internal/pgtest"
	"github.com/clickthread/clickthread/reason"
)

// next is a message that is recorded a second later, by the ledger's time; the text stands for its id.
func (l *ledger) next(text string, who attribution.Identity, source attribution.Source) *attribution.Arrival {
	l.now = l.now.Add(time.Second)
	a := l.message(text, who, l.now)
	begin := idAt(l.now)
	copy(a.ID[:6], begin[:6])
	a.Source = source
	return a
}

// claims makes a plan of one delivery, as of the ledger's time.
func (l *ledger) claims(claim string, change func(*forwarder.Delivery)) func(*attribution.Snapshot) []forwarder.Delivery {
	return func(s *attribution.Snapshot) []forwarder.Delivery {
		d := l.delivery(claim, s.Fresh[0])
		if change != nil {
			change(&d)
		}
		return []forwarder.Delivery{d}
	}
}

// told is what a history tells of an account from a time on: texts in order, and of the first message's
// thread what is older.
func (l *ledger) told(h *History, limit int) (texts []string, first *attribution.Thread, standing []string) {
	l.Helper()
	var threads []*attribution.Thread
	for after := uuid.Nil; ; {
		page, err := h.Messages(l.Context(), after, limit)
		if err != nil {
			l.Fatal(err)
		}
		for _, a := range page {
			text := string(a.Body)
			if a.Referral != nil {
				text += "click " + a.Referral.ClickID
			}
			texts = append(texts, text)
			known := func(t *attribution.Thread) bool { return t.Contact == a.Thread.Contact && t.Number == a.Thread.Number }
			if !slices.ContainsFunc(threads, known) {
				threads = append(threads, a.Thread)
			}
			after = a.ID
		}
		if len(page) < limit {
			break
		}
	}
	list, err := h.Threads(l.Context(), threads, true)
	if err != nil {
		l.Fatal(err)
	}
	if len(threads) > 0 {
		first = threads[0]
	}
	return texts, first, claimsOf(list)
}

func claimsOf(list []forwarder.Delivery) (claims []string) {
	for _, d := range list {
		claims = append(claims, d.Claim)
	}
	slices.Sort(claims)
	return claims
}

// What was recorded is told again in order, page by page, with what stood before: a backtest needs no more.
func tellsThePast(t *testing.T, l *ledger) {
	end := l.now
	from := end.Add(-7 * 24 * time.Hour)
	l.now = from.Add(-time.Hour)
	old := l.next("old click", ana, attribution.Customer)
	old.Referral = &attribution.Click{ClickID: "Old"}
	l.record(l.claims("old", nil), old)
	l.record(nil, l.next("old price", ana, attribution.Echo))
	l.record(l.claims("held", func(d *forwarder.Delivery) {
		d.Status, d.Reason = forwarder.Held, reason.ValueMissing
	}), l.next("old sale", ana, attribution.Customer))
	name := attribution.Identity{UserID: "BR.9"}
	l.record(l.claims("of a stranger", nil), l.next("who are you", name, attribution.Customer))

	l.now = from.Add(time.Hour)
	gone := l.next("its text goes", ana, attribution.Customer)
	gone.Forget, gone.Referral = true, &attribution.Click{ClickID: "New", AdID: "ad", SourceType: "ad"}
	l.record(l.claims("without text", nil), gone)
	l.record(l.claims("judged anew", nil), l.next("hello", ana, attribution.Customer))
	l.plan(func(s *attribution.Snapshot) (c forwarder.Changes) {
		i := slices.IndexFunc(l.known, func(d forwarder.Delivery) bool { return d.Claim == "held" })
		d := l.delivery("held", s.Fresh[0])
		d.ID = l.known[i].ID
		c.Completed = append(c.Completed, d)
		return c
	}, l.next("it was 50", ana, attribution.Customer))
	l.record(nil, l.next("price", ana, attribution.Echo))
	l.record(nil, l.next("hi", ben, attribution.Customer))
	l.record(nil, l.next("i am both", attribution.Identity{WAID: ben.WAID, UserID: name.UserID}, attribution.Customer))
	other := l.next("of another account", ana, attribution.Customer)
	other.Account = "other"
	l.record(l.claims("of another account", nil), other)
	l.now = end

	h := l.History("shop", from, end)
	if n, err := h.Count(t.Context()); n != 6 || err != nil {
		t.Errorf("there are %d messages (%v), want 6", n, err)
	}
	texts, thread, standing := l.told(h, 4)
	if diff := cmp.Diff([]string{"click New", "hello", "it was 50", "price", "hi", "i am both"}, texts); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if len(thread.Clicks) != 1 || thread.Clicks[0].ClickID != "Old" || len(thread.Quotes) != 1 || string(thread.Quotes[0].Body) != "old price" {
		t.Errorf("of before: clicks %+v, quotes %+v", thread.Clicks, thread.Quotes)
	}
	// What has its message in the span is judged anew; a stranger's is the shopper's who turned out to be both.
	if diff := cmp.Diff([]string{"held", "of a stranger", "old", "without text"}, standing); diff != "" {
		t.Errorf("what stands (-want +got):\n%s", diff)
	}
	l.inTheWay(h)
	if texts, _, standing := l.told(l.History("nobody", from, end), 4); len(texts)+len(standing) != 0 {
		t.Errorf("an account without a past has %v %v", texts, standing)
	}
}

// inTheWay asks for claims and events of the story above.
func (l *ledger) inTheWay(h *History) {
	l.Helper()
	for _, c := range []struct {
		wanted forwarder.Delivery
		want   []string
	}{
		{forwarder.Delivery{Claim: "old"}, []string{"old"}},
		{forwarder.Delivery{Claim: "judged anew"}, nil},
		{forwarder.Delivery{Claim: "of another account"}, nil},
		{forwarder.Delivery{Claim: "new", EventName: "Purchase", EventID: forwarder.EventID("shop", "old")}, []string{"old"}},
		{forwarder.Delivery{Claim: "new", EventName: "LeadSubmitted", EventID: forwarder.EventID("shop", "old")}, nil},
	} {
		got, err := h.InTheWay(l.Context(), []forwarder.Delivery{c.wanted})
		if diff := cmp.Diff(c.want, claimsOf(got)); diff != "" || err != nil {
			l.Errorf("in the way of %+v: %v (-want +got):\n%s", c.wanted, err, diff)
		}
	}
}

// Nothing of the past is found by the account alone, and nothing by reading a table from end to end, also in
// a database without statistics (docs/adr/0004).
func TestHistoryReadsByWholeKeys(t *testing.T) {
	lite := open(t, filepath.Join(t.TempDir(), "clickthread.db"))
	full := node(t, pgtest.Shared(t).Database(t))
	for name, c := range map[string]struct {
		store   *Store
		explain string
		bad     *regexp.Regexp
	}{
		"SQLite":     {lite, "EXPLAIN QUERY PLAN ", regexp.MustCompile(`^SCAN [cdfkp]\b|\(account_id=\?\)$`)},
		"PostgreSQL": {full, "EXPLAIN ", regexp.MustCompile(`Seq Scan|Index Cond: \(account_id = `)},
	} {
		l := &ledger{T: t, Store: c.store, now: time.Now().UTC().Truncate(time.Second).Add(-2 * time.Hour)}
		l.record(l.claims("old", nil), l.next("m1", ana, attribution.Customer))
		l.now = l.now.Add(2 * time.Hour)
		l.record(nil, l.next("m2", ana, attribution.Customer))
		heard := &listener{}
		c.store.read = c.store.read.WithQueryHook(heard)
		h := c.store.History("shop", l.now.Add(-time.Hour), l.now.Add(time.Hour))
		if texts, _, _ := l.told(h, 10); len(texts) != 1 {
			t.Fatalf("%s: messages %v", name, texts)
		}
		l.inTheWay(h)
		if len(heard.statements) < 6 {
			t.Errorf("%s: only %d statements were heard", name, len(heard.statements))
		}
		for _, statement := range slices.Clone(heard.statements) {
			for _, line := range explained(t, c.store, c.explain+statement) {
				if c.bad.MatchString(line) && !strings.Contains(line, "page") {
					t.Errorf("%s: %s\n%s", name, line, statement)
				}
			}
		}
	}
}
