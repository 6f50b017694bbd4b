package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// tally is a Meta that takes everything and keeps no event: of a million it notes only which came, by
// their amounts, so that its memory and its time do not count for the server's.
type tally struct {
	backlog int // the amounts 1 to backlog, in cents, are of the backlog; those above of new sales

	mu          sync.Mutex
	seen        []bool // by amount
	taken       int    // of the backlog
	doubled     int
	calls       int // that brought some of the backlog
	first, last time.Time
	sales       map[int64]time.Time // when each new sale came, by its amount
}

func newTally(backlog int) *tally {
	return &tally{backlog: backlog, seen: make([]bool, backlog+1), sales: map[int64]time.Time{}}
}

// ServeHTTP takes the events of one call.
func (t *tally) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"events_received": t.take(body, now()), "fbtrace_id": "bench"})
}

// take notes what a call brought, and counts it.
func (t *tally) take(body []byte, at time.Time) int {
	amounts := amountsIn(body)
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.taken
	for _, cents := range amounts {
		t.note(cents, at)
	}
	if t.taken > before {
		t.calls++
		t.last = at
		if before == 0 {
			t.first = at
		}
	}
	return len(amounts)
}

func (t *tally) note(cents int64, at time.Time) {
	if cents < 1 || cents > int64(t.backlog) {
		if !t.sales[cents].IsZero() {
			t.doubled++
			return
		}
		t.sales[cents] = at
		return
	}
	if t.seen[cents] {
		t.doubled++
		return
	}
	t.seen[cents] = true
	t.taken++
}

// amountsIn finds the amounts of the events in a request, in cents. It looks for capi's own bytes,
// because decoding a thousand events costs as much as sending them.
func amountsIn(body []byte) (cents []int64) {
	for {
		_, rest, found := bytes.Cut(body, []byte(`"value":`))
		if !found {
			return cents
		}
		n, i := int64(0), 0
		for ; i < len(rest) && strings.IndexByte("0123456789.", rest[i]) >= 0; i++ {
			if rest[i] != '.' {
				n = 10*n + int64(rest[i]-'0')
			}
		}
		cents, body = append(cents, n), rest[i:]
	}
}

// got is how much came so far: of the backlog, and of the new sales.
func (t *tally) got() (backlog, sales int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.taken, len(t.sales)
}

// await waits until enough says so, or until nothing more came for 30 s: what is missing is counted,
// and says more than an error.
func (t *tally) await(ctx context.Context, enough func(backlog, sales int) bool) error {
	const look = 10 * time.Millisecond
	before, since := 0, time.Now()
	for {
		backlog, sales := t.got()
		if backlog+sales != before {
			before, since = backlog+sales, time.Now()
		}
		if enough(backlog, sales) || time.Since(since) > metaPatience {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(look):
		}
	}
}

// sinceAnswer are the times from the answer to a webhook until its event came, sorted, and how many
// events never did.
func (t *tally) sinceAnswer(sales []soldAt) (delays []time.Duration, missing int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range sales {
		at, there := t.sales[s.cents]
		if !there {
			missing++
			continue
		}
		delays = append(delays, max(0, at.Sub(s.answered))) // it may be there before the answer is read
	}
	slices.Sort(delays)
	return delays, missing
}
