package forwarder

// A lane that is in trouble: what Meta or the network does to one account, and what becomes of it.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clickthread/clickthread/capi"
)

func once(t *testing.T, f *Forwarder) {
	t.Helper()
	if _, err := f.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestALineThatFailsRests: after five failures in a row a lane rests for half a minute, then tries one call at
// a time, resting longer each time, at most ten minutes. A day of outage costs at most one call in ten
// minutes and a few, and the first call that succeeds ends it.
func TestALineThatFailsRests(t *testing.T) {
	time0 := &watch{noon, noon}
	calls, down := 0, true
	f, queue := loop(t, func(capi.Dataset, [][]byte) error {
		calls++
		if down {
			return serviceDown
		}
		return nil
	}, func(o *Options) { o.Clock = time0.clock() })
	for i := range 20 { // a backlog of events that came one by one
		queue.queue("bakery", 1, noon.Add(time.Duration(i)*time.Second))
	}
	for range 24 * 60 * 60 {
		once(t, f)
		time0.pass(time.Second)
	}
	if calls < 24 || calls > 24*6+15 {
		t.Errorf("%d calls in a day without Meta, want at least one an hour, at most one in ten minutes", calls)
	}
	if queue.causes["bakery"] != BreakerOpen {
		t.Errorf("the lane rests for %q", queue.causes["bakery"])
	}
	down = false
	time0.pass(longWait + longRest)
	once(t, f) // with one event, as the lane has learned to try
	once(t, f) // with all others
	if sent := queue.count("bakery", Sent); sent != 20 || queue.causes["bakery"] != NoPause {
		t.Errorf("%d events arrived when Meta was back, and the lane rests for %q", sent, queue.causes["bakery"])
	}
}

// TestALaneWaitsAsLongAsMetaSays, to the second, whether Meta says it with a refusal or with a receipt.
func TestALaneWaitsAsLongAsMetaSays(t *testing.T) {
	for name, answer := range map[string]meta{
		"a refusal": func(capi.Dataset, [][]byte) error {
			return &capi.Error{HTTPStatus: 429, RetryAfter: 37 * time.Minute}
		},
		"trouble with a time": func(capi.Dataset, [][]byte) error {
			return &capi.Error{HTTPStatus: 503, Code: 2, RetryAfter: 37 * time.Minute}
		},
	} {
		t.Run(name, func(t *testing.T) {
			time0 := &watch{noon, noon}
			calls := 0
			f, queue := loop(t, func(to capi.Dataset, events [][]byte) error {
				calls++
				return answer(to, events)
			}, func(o *Options) { o.Clock = time0.clock() })
			queue.queue("bakery", 3, noon)
			once(t, f)
			time0.pass(37*time.Minute - time.Second)
			once(t, f)
			if calls != 1 {
				t.Fatalf("%d calls within the time that Meta asked for", calls)
			}
			time0.pass(time.Second)
			once(t, f)
			if calls != 2 {
				t.Error("the lane did not go on when the time was over")
			}
		})
	}
	if s := decide(&Call{}, capi.Receipt{Wait: time.Hour}, nil, "", noon); s.Pause == nil || !s.Pause.Until.Equal(noon.Add(time.Hour)) || s.To != Sent {
		t.Errorf("a receipt that says that the calls are used up: %+v", s)
	}
}

// TestMetaNamesTheBadEvent: the event goes alone next, and the rest together; three calls in all. An
// event that was named wrongly is not lost: alone, it is taken.
func TestMetaNamesTheBadEvent(t *testing.T) {
	for name, bad := range map[string]string{"rightly": `{"event_id":"7"}`, "wrongly": ""} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			f, queue := loop(t, func(_ capi.Dataset, events [][]byte) error {
				calls++
				for i, e := range events {
					if string(e) == bad || bad == "" && calls == 1 && i == 7 {
						blame, _ := json.Marshal(map[string]any{"blame_field_specs": [][]string{{"data", fmt.Sprint(i)}}})
						return &capi.Error{HTTPStatus: 400, Code: 100, Subcode: 2804066, Events: len(events), Data: blame}
					}
				}
				return nil
			}, func(o *Options) { o.Clock = steady(func() time.Time { return noon }) })
			queue.queue("bakery", 50, noon)
			for queue.count("", Queued) > 0 {
				once(t, f)
			}
			want := 49
			if bad == "" {
				want = 50
			}
			if calls != 3 || queue.count("", Sent) != want || queue.count("", Rejected) != 50-want {
				t.Errorf("%d calls, %d sent, %d rejected", calls, queue.count("", Sent), queue.count("", Rejected))
			}
		})
	}
}

// TestExtrasAreTakenBack is ledger 20: refused for what they say about the person, events are sent once more
// without, and what was frozen stays as it is.
func TestExtrasAreTakenBack(t *testing.T) {
	var got []string
	f, queue := loop(t, func(_ capi.Dataset, events [][]byte) error {
		got = append(got, string(events[0]))
		if strings.Contains(string(events[0]), `"em"`) {
			return &capi.Error{HTTPStatus: 400, Code: 100, Subcode: 2804064}
		}
		return nil
	}, func(o *Options) { o.Clock = steady(func() time.Time { return noon }) })
	queue.queue("bakery", 2, noon)
	full := capi.Event{Name: "LeadSubmitted", Time: noon, WABAID: "300100", ClickID: "Afe", Email: "ana@example.com"}.JSON()
	bare := capi.Event{Name: "LeadSubmitted", Time: noon, WABAID: "300100", ClickID: "Afe"}.JSON()
	for i := range queue.deliveries {
		queue.deliveries[i].Payload = full
	}
	once(t, f)
	once(t, f)
	if len(got) != 2 || got[0] != string(full) || got[1] != string(bare) {
		t.Errorf("sent %q", got)
	}
	if queue.count("", Sent) != 2 || string(queue.deliveries[0].Payload) != string(full) || queue.deliveries[0].Revision != Bare {
		t.Errorf("%+v", queue.deliveries[0])
	}
}

// TestAClaimThatMayHaveBeenWrittenIsTakenBack: nothing was sent, so nobody is to wonder whether it was.
func TestAClaimThatMayHaveBeenWrittenIsTakenBack(t *testing.T) {
	calls := 0
	f, queue := loop(t, func(capi.Dataset, [][]byte) error { calls++; return nil }, func(o *Options) { o.Clock = steady(func() time.Time { return noon }) })
	queue.queue("bakery", 2, noon)
	queue.commitFails = errStorage
	if _, err := f.Once(t.Context()); !errors.Is(err, errStorage) || calls != 0 {
		t.Fatalf("%v after %d calls", err, calls)
	}
	queue.commitFails = nil
	once(t, f)
	for _, d := range queue.deliveries {
		if d.Status != Sent || d.Unknowns != 0 {
			t.Errorf("%s, unknown %d times", d.Status, d.Unknowns)
		}
	}
}

// TestOldEventsGoAlone: an event that is nearly too old would refuse a whole batch by Meta's clock.
func TestOldEventsGoAlone(t *testing.T) {
	var sizes []int
	f, queue := loop(t, func(_ capi.Dataset, events [][]byte) error {
		sizes = append(sizes, len(events))
		return nil
	}, func(o *Options) { o.Clock = steady(func() time.Time { return noon }) })
	queue.queue("bakery", 2, noon.Add(-aging-time.Minute))
	queue.queue("bakery", 3, noon)
	once(t, f)
	once(t, f)
	if fmt.Sprint(sizes) != "[2 3]" {
		t.Errorf("batches of %v", sizes)
	}
}

// TestABatchFitsARequest: by bytes, not only by number.
func TestABatchFitsARequest(t *testing.T) {
	var sizes []int
	f, queue := loop(t, func(_ capi.Dataset, events [][]byte) error {
		total := 0
		for _, e := range events {
			total += len(e)
		}
		sizes = append(sizes, total)
		return nil
	}, nil)
	queue.queue("bakery", 5, time.Now())
	for i := range queue.deliveries {
		queue.deliveries[i].Payload = make([]byte, capi.MaxBatchBytes/2-1000)
	}
	for queue.count("", Queued) > 0 {
		once(t, f)
	}
	if len(sizes) != 3 || sizes[0] > capi.MaxBatchBytes {
		t.Errorf("requests of %v bytes", sizes)
	}
}

// TestAStopWaitsForWhatIsBeingWrittenDown: a full batch is settled beside the next one. When the process stops
// just then, its outcome must be in the ledger before the lane is given back: else it would be unknown.
func TestAStopWaitsForWhatIsBeingWrittenDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		f, queue := loop(t, func(capi.Dataset, [][]byte) error { stop(); return nil }, nil)
		queue.settleTakes = 3 * time.Second
		queue.queue("bakery", 2*capi.MaxBatch, time.Now())
		if err := f.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if queue.count("", Sending) != 0 || queue.count("", Sent) != capi.MaxBatch {
			t.Errorf("Run ended with %d events in a call and %d sent", queue.count("", Sending), queue.count("", Sent))
		}
	})
}
