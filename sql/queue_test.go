package sql

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
)

var accepted = forwarder.Settlement{Outcome: forwarder.Accepted, HTTPStatus: 200, To: forwarder.Sent}

func oneDataset(t *testing.T, l *ledger) {
	l.queue(6, func(i int, d *forwarder.Delivery) {
		d.Dataset = []string{"900", "901"}[i%2]
		if i == 4 {
			d.TestCode = "TEST1"
		}
	})
	sizes := []int{}
	for call := l.claim("a"); call != nil; call = l.claim("a") {
		for _, d := range call.Deliveries {
			if d.Dataset != call.Dataset || d.TestCode != call.TestCode {
				t.Errorf("a call to %s carries a delivery for %s", call.Dataset, d.Dataset)
			}
		}
		sizes = append(sizes, len(call.Deliveries))
		l.settle(call, accepted)
	}
	if len(sizes) != 3 || sizes[0]+sizes[1]+sizes[2] != 6 {
		t.Errorf("batches of %v, want three with 6 events in all (ledger 22)", sizes)
	}
	l.wantStatuses(map[string]int{"sent": 6})
}

// stored is a delivery as it stands in the ledger.
func (l *ledger) stored(id uuid.UUID) forwarder.Delivery {
	l.Helper()
	found, err := l.FindDeliveries(l.Context(), id, "")
	if err != nil || len(found) != 1 {
		l.Fatalf("found %v %v", found, err)
	}
	return found[0]
}

func batchLimit(t *testing.T, l *ledger) {
	l.queue(10, nil)
	call := l.claim("a")
	l.settle(call, forwarder.Settlement{Outcome: forwarder.Refused, To: forwarder.Queued, Due: l.now, BatchLimit: 5})
	for range 2 {
		call = l.claim("a")
		if call == nil || len(call.Deliveries) != 5 {
			t.Fatalf("%v, want 5 deliveries", call)
		}
		l.settle(call, accepted)
	}
	l.wantStatuses(map[string]int{"sent": 10})
}

// lateSettle: ledger 21. A node that lost its lane while it was stopped changes nothing.
func lateSettle(t *testing.T, l *ledger) {
	l.queue(3, nil)
	old := l.claim("a")
	if call := l.claim("b"); call != nil {
		t.Fatal("b claimed while a holds the lane")
	}
	l.endLeases()
	young := l.claim("b")
	if young == nil || young.Epoch <= old.Epoch || len(young.Deliveries) != 3 {
		t.Fatalf("b took over: %+v", young)
	}
	pause := accepted
	pause.Pause = &forwarder.Pause{Until: l.now.Add(time.Hour), Cause: forwarder.Throttled}
	if n := l.settle(old, pause); n != 0 {
		t.Errorf("a's late settle changed %d rows", n)
	}
	l.wantStatuses(map[string]int{"sending": 3})
	for _, when := range []string{"once", "again, because the answer to COMMIT was lost"} {
		if n := l.settle(young, accepted); n != 3 {
			t.Errorf("b settled %d %s, want 3", n, when)
		}
	}
	if n := l.settle(young, forwarder.Settlement{Outcome: forwarder.Failed, To: forwarder.Queued}); n != 0 {
		t.Errorf("another settlement of the same call changed %d rows", n)
	}
	l.wantStatuses(map[string]int{"sent": 3})
}

// givesLanesBack: what a stopping node leaves is claimed at once, not when its lease is over.
func givesLanesBack(t *testing.T, l *ledger) {
	l.queue(1, nil)
	l.settle(l.claim("a"), forwarder.Settlement{Outcome: forwarder.Failed, To: forwarder.Queued, Due: l.now})
	if err := l.GiveBackLanes(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if call := l.claim("b"); call == nil || call.Epoch != 2 {
		t.Errorf("b claims %+v, want the event under a new epoch", call)
	}
}

// openCallIsUnknown: ledger 22. What was open when its lane changed hands may have reached Meta.
func openCallIsUnknown(t *testing.T, l *ledger) {
	l.queue(2, nil)
	first := l.claim("a")
	l.endLeases()
	second := l.claim("b")
	if second == nil || string(second.Deliveries[0].Payload) != string(first.Deliveries[0].Payload) {
		t.Fatal("the same bytes are sent again")
	}
	for _, carried := range second.Deliveries {
		d := l.stored(carried.ID)
		if d.Unknowns != 1 || d.Attempts != 1 {
			t.Errorf("unknowns %d, attempts %d before this call; want 1 and 1", d.Unknowns, d.Attempts)
		}
	}
	l.settle(second, accepted)
	calls, err := l.Calls(t.Context(), l.stored(second.Deliveries[0].ID))
	if err != nil || len(calls) != 2 || calls[0].Outcome != forwarder.Unknown || calls[1].Outcome != forwarder.Accepted {
		t.Errorf("calls %+v %v", calls, err)
	}
}

func unknownIsHeld(t *testing.T, l *ledger) {
	l.queue(2, nil)
	l.claim("a")
	l.endLeases()
	call, err := l.Claim(t.Context(), forwarder.Claim{
		Account: "shop", Node: "b", Now: l.now, Lease: time.Minute, Max: 1000, Unknown: account.Hold,
	})
	if call != nil || err != nil {
		t.Fatalf("%v %v, want nothing to send", call, err)
	}
	l.wantStatuses(map[string]int{"held " + string(reason.UnknownOutcome): 2})
}

// doubtsHold: of a call some deliveries may have been in doubt often enough, others not.
func doubtsHold(_ *testing.T, l *ledger) {
	l.queue(3, func(i int, d *forwarder.Delivery) { d.Unknowns = i })
	again := forwarder.Settlement{Outcome: forwarder.Unknown, To: forwarder.Queued, Due: l.now, Doubts: 3}
	l.settle(l.claim("a"), again)
	l.wantStatuses(map[string]int{"queued": 2, "held unknown_outcome": 1})
	l.settle(l.claim("a"), again)
	l.wantStatuses(map[string]int{"queued": 1, "held unknown_outcome": 2})
}

func pausedLane(t *testing.T, l *ledger) {
	l.queue(1, nil)
	call := l.claim("a")
	l.settle(call, forwarder.Settlement{
		Outcome: forwarder.Refused, To: forwarder.Queued, Due: l.now,
		Pause: &forwarder.Pause{Until: l.now.Add(10 * time.Minute), Cause: forwarder.AccountWrong, Words: "the token expired"},
	})
	if call := l.claim("a"); call != nil {
		t.Error("a paused lane was claimed")
	}
	due, err := l.Due(t.Context(), "a", l.now)
	if len(due) != 0 || err != nil {
		t.Errorf("due %v %v", due, err)
	}
	lanes, err := l.PausedLanes(t.Context(), l.now)
	if err != nil || len(lanes) != 1 || lanes[0].PauseWords != "the token expired" {
		t.Errorf("lanes %+v %v", lanes, err)
	}
	l.now = l.now.Add(11 * time.Minute)
	if due, err := l.Due(t.Context(), "a", l.now); len(due) != 1 || err != nil {
		t.Errorf("after the pause: due %v %v", due, err)
	}
}

// A probe of a lane that needed a person is taken, and Meta asks for a rest in the same answer: the lane
// waits, and no longer for a person. One that Meta throttles instead has mended nothing.
func probeTaken(t *testing.T, l *ledger) {
	l.queue(2, func(i int, d *forwarder.Delivery) { d.TestCode = strings.Repeat("T", i) })
	rest := func(s forwarder.Settlement, cause forwarder.Cause, words string) forwarder.Settlement {
		s.Pause = &forwarder.Pause{Until: l.now.Add(time.Minute), Cause: cause, Words: words}
		return s
	}
	refused := forwarder.Settlement{Outcome: forwarder.Refused, To: forwarder.Queued, Due: l.now}
	for _, probe := range []struct {
		answer forwarder.Settlement
		cause  forwarder.Cause
		words  string
	}{
		{rest(refused, forwarder.AccountWrong, "the token expired"), forwarder.AccountWrong, "the token expired"},
		{rest(forwarder.Settlement{Outcome: forwarder.Failed, To: forwarder.Queued, Due: l.now}, forwarder.Throttled, "too fast"), forwarder.AccountWrong, "the token expired"},
		{rest(accepted, forwarder.Throttled, "the calls are used up"), forwarder.Throttled, "the calls are used up"},
	} {
		call := l.claim("a")
		if call == nil {
			t.Fatal("nothing to claim after the rest")
		}
		l.settle(call, probe.answer)
		lanes, err := l.Lanes(t.Context())
		if err != nil || len(lanes) != 1 || lanes[0].PauseCause != probe.cause || lanes[0].PauseWords != probe.words {
			t.Errorf("after %s: %+v %v, want %s: %s", probe.answer.Outcome, lanes, err, probe.cause, probe.words)
		}
		l.now = l.now.Add(11 * time.Minute)
	}
}

func expires(t *testing.T, l *ledger) {
	l.queue(2, func(i int, d *forwarder.Delivery) {
		d.EventAt = l.now.Add(-forwarder.ClaimableFor + time.Second)
		if i == 1 {
			d.EventAt = l.now.Add(-forwarder.SendableFor)
		}
	})
	call := l.claim("a")
	if call == nil || len(call.Deliveries) != 1 {
		t.Fatal("only the young one is claimed")
	}
	l.settle(call, accepted)
	if call := l.claim("a"); call != nil {
		t.Errorf("claimed %+v, which is too old", call)
	}
	n, err := l.Expire(t.Context(), l.now)
	if n != 1 || err != nil {
		t.Errorf("expired %d %v", n, err)
	}
	l.wantStatuses(map[string]int{"sent": 1, "expired too_old": 1})
}

func callHistory(t *testing.T, l *ledger) {
	l.queue(1, nil)
	var last *forwarder.Call
	for range 3 {
		last = l.claim("a")
		l.settle(last, forwarder.Settlement{Outcome: forwarder.Failed, HTTPStatus: 500, To: forwarder.Queued, Due: l.now})
	}
	calls, err := l.Calls(t.Context(), l.stored(last.Deliveries[0].ID))
	if err != nil || len(calls) != 3 {
		t.Errorf("%d calls %v, want 3", len(calls), err)
	}
	if got := last.Deliveries[0].Attempts; got != 2 {
		t.Errorf("%d attempts before the third, want 2", got)
	}
}

// A crash with a call open, and then a pause: the call is closed all the same, and nothing is claimed.
func orphanOfAPausedLane(t *testing.T, l *ledger) {
	l.queue(2, nil)
	l.claim("a")
	if _, err := l.PauseLane(t.Context(), "shop", "by hand"); err != nil {
		t.Fatal(err)
	}
	l.endLeases()
	if due, err := l.Due(t.Context(), "b", l.now); len(due) != 1 || err != nil {
		t.Fatalf("due %v %v", due, err)
	}
	if call := l.claim("b"); call != nil {
		t.Errorf("claimed %+v on a paused lane", call)
	}
	l.wantStatuses(map[string]int{"queued": 2})
	if due, err := l.Due(t.Context(), "b", l.now); len(due) != 0 || err != nil {
		t.Errorf("due %v %v after the call was closed", due, err)
	}
}

// What a call carries does not expire: Meta may have it.
func nothingInACallExpires(t *testing.T, l *ledger) {
	l.queue(2, func(_ int, d *forwarder.Delivery) { d.EventAt = l.now.Add(-forwarder.ClaimableFor + time.Second) })
	call := l.claim("a")
	l.now = l.now.Add(10 * time.Minute)
	if n, err := l.Expire(t.Context(), l.now); n != 0 || err != nil {
		t.Errorf("expired %d %v", n, err)
	}
	l.settle(call, accepted)
	l.wantStatuses(map[string]int{"sent": 2})
}

// closesRemoved: a node crashed with a call open, and came back without the account: nobody claims its lane any
// more, and a person decides about the events.
func closesRemoved(t *testing.T, l *ledger) {
	l.queue(3, nil)
	l.claim("crashed")
	left := func(want int) {
		t.Helper()
		n, err := l.CloseRemoved(t.Context(), forwarder.Claim{Node: "b", Now: l.now, Lease: time.Minute})
		if n != want || err != nil {
			t.Errorf("closed calls of %d accounts %v, want %d", n, err, want)
		}
	}
	left(0)
	resting, err := l.KeepLanes(t.Context(), []string{"clinic"})
	if len(resting) != 1 || err != nil {
		t.Fatalf("%v rest %v", resting, err)
	}
	if resting, err := l.KeepLanes(t.Context(), []string{"clinic"}); len(resting) != 0 || err != nil {
		t.Errorf("%v rest anew %v", resting, err)
	}
	left(0) // its lease is not over: somebody may be sending
	l.endLeases()
	left(1)
	l.wantStatuses(map[string]int{"held unknown_outcome": 3})
	left(0)
}
