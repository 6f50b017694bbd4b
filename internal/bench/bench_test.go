package bench

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/rules"
	"github.com/clickthread/clickthread/webhook"
	"github.com/clickthread/clickthread/whatsapp"
)

// What bench sends is what Meta sends: its shape, its sizes, and words that mean one thing only.
func TestBenchBodies(t *testing.T) {
	sets, problems := rules.Load(fstest.MapFS{shops(1)[0].account + "/chat.yaml": {Data: []byte(shopRules)}}, rules.LoadOptions{
		Owners: []rules.Owner{{ID: shops(1)[0].account, Currency: "BRL", Locale: "pt-BR", Timezone: "America/Sao_Paulo"}},
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	fired := func(text string) (values []string) {
		m, err := whatsapp.DecodeMessage([]byte(`{"id":"1","from":"1","timestamp":"1","type":"text","text":{"body":"` + text + `"}}`))
		if err != nil {
			t.Fatal(err)
		}
		facts := rules.Facts{
			Trigger: "t", Text: m.Text, At: time.Now(), Conversations: []string{"c"},
			Click: &rules.Click{Key: "k"},
		}
		for _, d := range sets[shops(1)[0].account].Eval(facts) {
			values = append(values, d.Event+" "+string(d.Outcome)+" "+d.Value.String())
		}
		return values
	}
	for _, text := range append(smallTalk(), hello) {
		if values := fired(text); len(values) > 0 {
			t.Errorf("%q fires %v", text, values)
		}
	}
	if diff := cmp.Diff([]string{"Purchase fire 12345.06 BRL"}, fired(payment(1_234_506))); diff != "" {
		t.Errorf("a payment (-want +got):\n%s", diff)
	}

	s := newSender(Options{}.newLoad(mustURL(t, "http://127.0.0.1:1"), "run00000"), 0)
	for k, size := range map[kind][2]int{organic: {550, 1000}, adClick: {1200, 2000}, sale: {550, 1000}, statuses: {550, 1000}} {
		s.write(chosen{kind: k, shopper: 7, cents: 5}, time.Now())
		n, err := whatsapp.Decode(s.body)
		if err != nil {
			t.Fatal(err)
		}
		change := n.Entries[0].Changes[0]
		if len(change.Malformed) > 0 || len(change.Messages)+len(change.Statuses) != 1 || len(s.body) < size[0] || len(s.body) > size[1] {
			t.Errorf("kind %d, %d bytes: %s", k, len(s.body), s.body)
		}
	}
}

func TestEverydayMix(t *testing.T) {
	rng, counts := rand.New(rand.NewPCG(1, 2)), map[kind]int{}
	for range 100_000 {
		counts[pick("everyday", rng)]++
	}
	for k, percent := range map[kind]int{organic: 55, adClick: 10, sale: 10, statuses: 20, duplicate: 5} {
		if got := float64(counts[k]) / 1000; got < float64(percent)-1 || got > float64(percent)+1 {
			t.Errorf("kind %d is %.1f %%, want %d %%", k, got, percent)
		}
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for _, c := range []struct {
		sorted []time.Duration
		p      float64
		want   time.Duration
	}{
		{nil, 50, 0},
		{hundred[:1], 1, 1},
		{hundred[:1], 99, 1},
		{hundred[:2], 50, 1},
		{hundred[:3], 50, 2},
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 100, 100},
	} {
		if got := percentile(c.sorted, c.p); got != c.want {
			t.Errorf("p%g of %d values = %d, want %d", c.p, len(c.sorted), got, c.want)
		}
	}
}

func TestMergedOutcomesAreSorted(t *testing.T) {
	all := merge([]outcome{{took: []time.Duration{3, 1}, failed: 1}, {took: []time.Duration{2}, failed: 2}})
	if !slices.Equal(all.took, []time.Duration{1, 2, 3}) || all.failed != 3 {
		t.Errorf("merged: %+v", all)
	}
}

func TestThousands(t *testing.T) {
	for want, n := range map[string]float64{"0": 0, "999": 999, "1,000": 1000, "1,234,567": 1_234_567} {
		if got := thousands(n, 0); got != want {
			t.Errorf("thousands(%g) = %s, want %s", n, got, want)
		}
	}
	if got := thousands(18_204.46, 1); got != "18,204.5" {
		t.Errorf("with a decimal: %s", got)
	}
}

// What a run that was interrupted could not remove is named: nobody else knows of it.
func TestStoppedSaysWhatIsLeft(t *testing.T) {
	left := errors.Join(context.Canceled, leftError{errors.New("drop database clickthread_bench_x: no connection")})
	for want, c := range map[string]struct {
		o   Options
		err error
	}{
		"nothing was left behind":         {Options{}, context.Canceled},
		"could be removed: drop database": {Options{}, left},
		"keeps what it was sent":          {Options{URL: "http://127.0.0.1:1"}, context.Canceled},
	} {
		if got := c.o.stopped(c.err).Error(); !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
}

// The address may be the server's or the webhook's own.
func TestBenchPostsToTheWebhook(t *testing.T) {
	for given, want := range map[string]string{
		"http://h:1": webhook.Path, "http://h:1/": webhook.Path, "https://h/proxied/whatsapp": "/proxied/whatsapp",
	} {
		if got := (&load{target: mustURL(t, given)}).path(); got != want {
			t.Errorf("%s: posts to %s, want %s", given, got, want)
		}
	}
}

func mustURL(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
