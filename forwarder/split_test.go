package forwarder

// Batches that fail again and again: whose fault it is, and that the others do not pay for it.

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/reason"
)

// TestAnEventThatAlwaysFailsEndsAlone is promise 6 where no refusal names anybody: whenever one event is in the
// batch, Meta answers that the trouble is its own and passes, or does not answer. Within hours the others are with
// Meta, the one stays, alone, and what comes later does not wait for it.
func TestAnEventThatAlwaysFailsEndsAlone(t *testing.T) {
	for name, failure := range map[string]capi.Error{
		"an unknown error of Meta's": {HTTPStatus: 500, Code: 1, Sent: true},
		"it passes, Meta says":       {HTTPStatus: 400, Code: 100, Transient: true, Sent: true},
		"Meta counts none":           {HTTPStatus: 200, Sent: true, Err: capi.ErrNoneTaken},
		"a page of a firewall's":     {HTTPStatus: 403, Sent: true},
		"no answer":                  {Sent: true},
	} {
		for _, n := range []int{2, 50, capi.MaxBatch} {
			t.Run(fmt.Sprintf("%s, one of %d", name, n), func(t *testing.T) {
				time0, calls, withBad := &watch{noon, noon}, 0, 0
				wrong := fmt.Appendf(nil, `{"event_id":"%d"}`, n/3)
				f, queue := loop(t, func(_ capi.Dataset, events [][]byte) error {
					calls++
					if slices.ContainsFunc(events, func(e []byte) bool { return bytes.Equal(e, wrong) }) {
						withBad = len(events)
						return &failure
					}
					return nil
				}, func(o *Options) { o.Clock = time0.clock() })
				queue.queue("bakery", n, noon)
				for until := noon.Add(12 * time.Hour); time0.wall.Before(until); time0.pass(10 * time.Second) {
					once(t, f)
				}
				if queue.count("", Sent) != n-1 || queue.deliveries[n/3].Status != Queued || withBad != 1 {
					t.Fatalf("after half a day %d of %d others are sent, and the bad one shares its calls with %d", queue.count("", Sent), n-1, withBad-1)
				}
				for until := noon.Add(48 * time.Hour); time0.wall.Before(until); time0.pass(10 * time.Minute) {
					queue.queue("bakery", 1, time0.wall)
					queue.queue("bakery", 1, time0.wall)
					once(t, f)
				}
				if withBad != 1 || queue.count("", Queued) > 3 { // a lane may rest for ten minutes where a failure is all it knows
					t.Errorf("later %d events wait, and the bad one shares its calls with %d", queue.count("", Queued)-1, withBad-1)
				}
			})
		}
	}
}

// TestAShortCountIsNotRepeatedForever: Meta counts all events but one, whenever that one is in the batch. Nobody
// knows which it took, so each try may count the others once more: three such answers, and what is left is a
// person's to decide. Answers that never came are no reason to stop.
func TestAShortCountIsNotRepeatedForever(t *testing.T) {
	const n = 10
	time0, handed := &watch{noon, noon}, 0
	f, queue := loop(t, func(_ capi.Dataset, events [][]byte) error {
		handed += len(events)
		if slices.ContainsFunc(events, func(e []byte) bool { return string(e) == `{"event_id":"3"}` }) {
			if len(events) == 1 {
				return &capi.Error{HTTPStatus: 200, Sent: true, Err: capi.ErrNoneTaken}
			}
			return &capi.Error{HTTPStatus: 200, Sent: true, Err: capi.ShortCount{Counted: len(events) - 1, Sent: len(events)}}
		}
		return nil
	}, func(o *Options) { o.Clock = time0.clock() })
	queue.queue("bakery", n, noon)
	for until := noon.Add(6 * 24 * time.Hour); time0.wall.Before(until); time0.pass(10 * time.Second) {
		once(t, f)
	}
	bad := queue.deliveries[3]
	if handed > 3*n || queue.count("", Sent) < n/2 || queue.count("", Sent)+queue.count("", Held) != n {
		t.Errorf("Meta was handed %d events for %d; %d are sent, %d held", handed, n, queue.count("", Sent), queue.count("", Held))
	}
	if bad.Status != Held || bad.Reason != reason.UnknownOutcome || bad.Unknowns != mostDoubts {
		t.Errorf("the bad one is %s (%s) after %d unknown outcomes", bad.Status, bad.Reason, bad.Unknowns)
	}
}

// TestAnOutageLeavesBatchesWhole: what is taken apart because Meta is in trouble for six days is sent in whole
// batches when Meta is back, also where the process starts anew meanwhile.
func TestAnOutageLeavesBatchesWhole(t *testing.T) {
	const backlog = 6 * capi.MaxBatch
	for name, failure := range map[string]capi.Error{
		"Meta is down": {HTTPStatus: 503, Code: 2, Sent: true},
		"no answer":    {Sent: true},
	} {
		t.Run(name, func(t *testing.T) {
			time0, calls, down := &watch{noon, noon}, 0, true
			handed := map[string]int{}
			sender := meta(func(_ capi.Dataset, events [][]byte) error {
				calls++
				for _, e := range events {
					handed[string(e)]++
				}
				if down {
					return &failure
				}
				return nil
			})
			f, queue := loop(t, sender, func(o *Options) { o.Clock = time0.clock() })
			queue.queue("bakery", backlog, noon)
			for until := noon.Add(6 * 24 * time.Hour); time0.wall.Before(until); time0.pass(10 * time.Minute) {
				once(t, f)
			}
			during, most := calls, 0
			for _, n := range handed {
				most = max(most, n)
			}
			t.Logf("%d calls in six days, which carried one event %d times at most", during, most)
			calls, down = 0, false
			again, _ := loop(t, sender, func(o *Options) { o.Clock, o.Queue = time0.clock(), queue })
			for until := time0.wall.Add(2 * time.Hour); time0.wall.Before(until); time0.pass(time.Minute) {
				for n := 1; n > 0; {
					n, _ = again.Once(t.Context())
				}
			}
			// The first call that is taken is small, and what failed within the last hour is due by and by.
			if most := backlog/capi.MaxBatch + 12; queue.count("", Sent) != backlog || calls > most {
				t.Errorf("%d of %d events are sent, in %d calls; want %d at most", queue.count("", Sent), backlog, calls, most)
			}
		})
	}
}
