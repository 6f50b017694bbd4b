package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/sandbox"
)

// Promise 6: one bad event never blocks others. In every batch of 50 one event is poison. The others
// arrive once, the poison is rejected with Meta's words, and it costs no more calls than finding one bad
// event among fifty takes: 2*ceil(log2 50)+1 by halving, and 3 where Meta names it.
func TestPoisonInEveryBatch(t *testing.T) {
	const size = 50
	batches := 40
	if torture() {
		batches = 1000
	}
	for name, c := range map[string]struct {
		named bool
		most  int
	}{"named": {true, 3}, "not named": {false, 13}} {
		t.Run(name, func(t *testing.T) {
			calls := &callCount{byPath: map[string]int{}}
			noon := time.Now().UTC()
			// An account has a lane of its own, so that batches keep apart.
			o := openOffice(t, officeOptions{
				accounts: merchants(batches), transport: calls, timeout: 10 * time.Second, now: func() time.Time { return noon },
				meta: sandbox.Options{Poison: "poison", NameEvents: c.named},
			})
			o.queue(noon, size, func(account, event int) string {
				if event == account%size {
					return fmt.Sprintf("Afe-poison-%d", account)
				}
				return fmt.Sprintf("Afe-%d-%d", account, event)
			})
			o.once()
			o.onlyPoisonIsMissing(size)
			if worst, path := calls.most(); worst > c.most {
				t.Errorf("%d calls for the batch at %s, want %d at most", worst, path, c.most)
			}
		})
	}
}

// onlyPoisonIsMissing looks for every event at Meta and in the ledger.
func (o *office) onlyPoisonIsMissing(size int) {
	o.Helper()
	taken := o.taken()
	if want := len(o.accounts) * (size - 1); len(taken) != want || o.graph.Taken() != want {
		o.Errorf("Meta holds %d events, %d of them different; want %d", o.graph.Taken(), len(taken), want)
	}
	for _, a := range o.accounts {
		rejected := 0
		for _, d := range o.ledger(a.ID) {
			poison := strings.Contains(d.ClickID, "poison")
			switch {
			case poison:
				rejected++
				o.refusedWithMetasWords(d)
			case d.Status != forwarder.Sent || len(taken[d.EventID]) != 1:
				o.Errorf("%s of %s is %s, and Meta took it %d times", d.ClickID, a.ID, d.Status, len(taken[d.EventID]))
			}
		}
		if rejected != 1 {
			o.Errorf("%d events of %s were poison, want 1", rejected, a.ID)
		}
	}
}

func (o *office) refusedWithMetasWords(d forwarder.Delivery) {
	o.Helper()
	calls, err := o.store.Calls(o.Context(), d)
	if err != nil {
		o.Fatal(err)
	}
	last := calls[len(calls)-1]
	if d.Status != forwarder.Rejected || d.Reason != reason.MetaRefused || last.Events != 1 || last.Subcode != 2804087 ||
		!strings.Contains(string(last.Answer), "Messaging Event Invalid Ctwa Clid") || !strings.Contains(d.Detail, "does not know this click id") {
		o.Errorf("%s is %s (%s): %q; its last call carried %d and was answered %s", d.ClickID, d.Status, d.Reason, d.Detail, last.Events, last.Answer)
	}
}

// callCount counts calls on their way to Meta, by the path, which names the dataset.
type callCount struct {
	mu     sync.Mutex
	byPath map[string]int
}

// RoundTrip implements [http.RoundTripper].
func (c *callCount) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.byPath[r.URL.Path]++
	c.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

func (c *callCount) most() (calls int, path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p, n := range c.byPath {
		if n > calls {
			calls, path = n, p
		}
	}
	return calls, path
}
