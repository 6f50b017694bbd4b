package sql

// Which deliveries a claim takes.

import (
	"testing"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/forwarder"
)

// healedLane: limits from before a lane healed are gone, those from after it count.
func healedLane(t *testing.T, l *ledger) {
	l.queue(10, nil)
	l.settle(l.claim("a"), forwarder.Settlement{Outcome: forwarder.Failed, To: forwarder.Queued, Due: l.now, BatchLimit: 2})
	for healed, want := range map[time.Duration]int{0: 2, time.Second: 10} {
		call, err := l.Claim(t.Context(), forwarder.Claim{
			Account: "shop", Node: "a", Now: l.now, Lease: time.Minute, Max: 1000, Unknown: account.Resend, Healed: l.now.Add(healed),
		})
		if err != nil || call == nil || len(call.Deliveries) != want {
			t.Fatalf("a lane that healed %s after the limit: %+v %v, want %d deliveries", healed, call, err, want)
		}
		l.settle(call, forwarder.Settlement{Outcome: forwarder.Failed, To: forwarder.Queued, Due: l.now})
	}
}

// claimsAfter: a batch that follows another at once passes over nothing that is on its way, or gone; the next
// turn begins with the oldest again.
func claimsAfter(t *testing.T, l *ledger) {
	l.queue(6, func(i int, d *forwarder.Delivery) { d.Due = l.now.Add(time.Duration(i/2) * time.Second) }) // two at a time
	l.now = l.now.Add(time.Minute)
	ask := forwarder.Claim{Account: "shop", Node: "a", Now: l.now, Lease: time.Minute, Max: 3, Unknown: account.Resend}
	take := func(after forwarder.Place, want int) *forwarder.Call {
		t.Helper()
		ask.After = after
		call, err := l.Claim(t.Context(), ask)
		if err != nil || call == nil || len(call.Deliveries) != want {
			t.Fatalf("claimed %+v %v, want %d", call, err, want)
		}
		return call
	}
	first := take(forwarder.Place{}, 3)
	last := first.Deliveries[2]
	rest := take(forwarder.Place{Due: last.Due, ID: last.ID}, 3) // while the first is being written down
	if !rest.Deliveries[0].Due.Equal(last.Due) || rest.Deliveries[0].ID == last.ID {
		t.Errorf("the next batch begins with %s, due %s", rest.Deliveries[0].ID, rest.Deliveries[0].Due)
	}
	l.settle(rest, accepted)
	l.settle(first, forwarder.Settlement{Outcome: forwarder.Failed, To: forwarder.Queued, Due: l.now})
	if again := take(forwarder.Place{}, 3); again.Deliveries[0].ID != first.Deliveries[0].ID {
		t.Error("what failed does not come again")
	}
}
