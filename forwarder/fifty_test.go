package forwarder

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/capi"
)

// TestThreeOfFiftyLanesSlowNobody is promise 6 to the millisecond, because time is the test's own: of fifty
// lanes one has a dead token, one a wrong dataset, and one gets no answer before the call is given up. The
// events of the other 47 arrive within the time that they take when all is well, and a tenth of it.
func TestThreeOfFiftyLanesSlowNobody(t *testing.T) {
	troubles := map[string]func() error{
		"shop-07": func() error { return tokenInvalid },
		"shop-23": func() error { return &capi.Error{HTTPStatus: 400, Code: 100, Subcode: 33} },
		"shop-41": func() error { time.Sleep(10 * time.Second); return noAnswer },
	}
	usual, beside := delaysOfFifty(t, nil), delaysOfFifty(t, troubles)
	for _, part := range []int{50, 95, 100} {
		a, b := usual[part*(len(usual)-1)/100], beside[part*(len(beside)-1)/100]
		if b > a*11/10 {
			t.Errorf("%d of 100 events arrive within %s beside the three, and within %s when all is well", part, b, a)
		}
	}
}

// delaysOfFifty is how long the events of the lanes that are well take, in order: every 200 ms for 12 s
// each of fifty gets one, and Meta takes 20 ms to answer.
func delaysOfFifty(t *testing.T, troubles map[string]func() error) []time.Duration {
	t.Helper()
	var accounts []account.Account
	for i := range 50 {
		id := fmt.Sprintf("shop-%02d", i)
		accounts = append(accounts, account.Account{ID: id, WABAID: id, AccessToken: account.Secret(id)})
	}
	var mu sync.Mutex
	queued, delays := map[string]time.Time{}, []time.Duration{}
	sender := func(to capi.Dataset, events [][]byte) error {
		if trouble := troubles[to.Token]; trouble != nil {
			return trouble()
		}
		time.Sleep(20 * time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		for _, e := range events {
			delays = append(delays, time.Since(queued[string(e)]))
		}
		return nil
	}
	fifty := func(o *Options) { o.Accounts = account.NewRegistry(accounts) }
	const rounds = 60
	running(t, sender, fifty, func(f *Forwarder, queue *memory, _ func()) {
		for range rounds {
			for _, a := range accounts {
				queue.queue(a.ID, 1, time.Now())
				mu.Lock()
				queued[string(queue.deliveries[len(queue.deliveries)-1].Payload)] = time.Now()
				mu.Unlock()
			}
			f.Wake()
			time.Sleep(200 * time.Millisecond)
		}
		synctest.Wait()
	})
	if want := rounds * (len(accounts) - len(troubles)); len(delays) != want {
		t.Fatalf("%d events of the lanes that are well arrived, want %d", len(delays), want)
	}
	slices.Sort(delays)
	return delays
}
