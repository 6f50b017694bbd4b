package forwarder

import (
	"fmt"
	"testing"
	"time"

	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/reason"
)

// TestAnAccountThatIsRefusedAsAWholeIsHeldSoon: all that it sends gets the same code, which nobody knows. A
// few calls tell that, and every event says what Meta said.
func TestAnAccountThatIsRefusedAsAWholeIsHeldSoon(t *testing.T) {
	for _, n := range []int{2, 64, capi.MaxBatch, 3 * capi.MaxBatch} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			calls, time0 := 0, &watch{noon, noon}
			f, queue := loop(t, func(capi.Dataset, [][]byte) error {
				calls++
				time0.pass(time.Second)
				return &capi.Error{HTTPStatus: 400, Code: 3, Sent: true}
			}, func(o *Options) { o.Clock = time0.clock() })
			queue.queue("bakery", n, noon)
			for queue.count("", Queued) > 0 {
				once(t, f)
			}
			if most := 25; calls > most || queue.count("", Held) != n || queue.deliveries[n-1].Reason != reason.MetaUnknown {
				t.Errorf("%d calls, want %d at most; %d of %d events are held", calls, most, queue.count("", Held), n)
			}
			calls = 0
			queue.queue("bakery", 50, noon)
			once(t, f)
			if calls != 1 || n > 2 && queue.count("", Held) != n+50 {
				t.Errorf("what comes later costs more than one call, and %d of it are held", queue.count("", Held)-n)
			}
		})
	}
}

// TestBadEventsAreNotAnAccount: where several events of a batch are refused alike and others are not, those
// arrive, as promise 6 says.
func TestBadEventsAreNotAnAccount(t *testing.T) {
	for _, every := range []int{3, 10, 25} {
		t.Run(fmt.Sprintf("each %dth", every), func(t *testing.T) {
			const n = 100
			time0 := &watch{noon, noon}
			wrong := map[string]bool{}
			for i := 0; i < n; i += every {
				wrong[fmt.Sprintf(`{"event_id":"%d"}`, i)] = true
			}
			f, queue := loop(t, func(_ capi.Dataset, events [][]byte) error {
				time0.pass(time.Second)
				for _, e := range events {
					if wrong[string(e)] {
						return &capi.Error{HTTPStatus: 400, Code: 3, Sent: true}
					}
				}
				return nil
			}, func(o *Options) { o.Clock = time0.clock() })
			queue.queue("bakery", n, noon)
			for queue.count("", Queued) > 0 {
				once(t, f)
			}
			if queue.count("", Held) != len(wrong) || queue.count("", Sent) != n-len(wrong) {
				t.Errorf("%d held, want %d; %d sent, want %d", queue.count("", Held), len(wrong), queue.count("", Sent), n-len(wrong))
			}
		})
	}
}
