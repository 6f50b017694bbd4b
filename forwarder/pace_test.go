package forwarder

// How often a lane may call.

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/clickthread/clickthread/capi"
)

// A lane of many small batches does not flood Meta: what is due meanwhile gathers. Full batches are no flood.
func TestManySmallCallsArePaced(t *testing.T) {
	now, calls := noon, 0
	f, queue := loop(t, func(capi.Dataset, [][]byte) error { calls++; return nil }, func(o *Options) {
		o.Clock = steady(func() time.Time { return now })
	})
	pass := func(times, events int) {
		t.Helper()
		for range times {
			queue.queue("bakery", events, noon)
			if _, err := f.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	pass(3, capi.MaxBatch)
	pass(callsPerSecond+10, 1)
	if want := 3 + callsPerSecond; calls != want {
		t.Errorf("%d calls at once, want %d", calls, want)
	}
	now = now.Add(time.Second / callsPerSecond)
	pass(2, 1)
	if want := 3 + callsPerSecond + 1; calls != want || queue.count("bakery", Queued) != 1 {
		t.Errorf("%d calls a moment later, %d events left; want one call with all that had gathered", calls, queue.count("bakery", Queued))
	}
}

// A lane whose turn has not come is looked at when it has, and not at the next sweep.
func TestAPacedLaneGoesOnWhenItIsItsTurn(t *testing.T) {
	running(t, takesAll, nil, func(f *Forwarder, queue *memory, _ func()) {
		for range callsPerSecond + 3 {
			queue.queue("bakery", 1, time.Now())
			f.Wake()
			synctest.Wait()
		}
		if queue.count("bakery", Sent) != callsPerSecond {
			t.Fatalf("%d sent at once, want %d", queue.count("bakery", Sent), callsPerSecond)
		}
		time.Sleep(time.Second/callsPerSecond + time.Millisecond)
		synctest.Wait()
		if queue.count("bakery", Queued) != 0 {
			t.Errorf("%d events still wait", queue.count("bakery", Queued))
		}
	})
}
