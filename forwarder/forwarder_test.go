package forwarder

// The loop: what is due is sent at once, by one hand, and to the end. Time is testing/synctest's.

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/capi"
)

func TestTheSameCauseHasTheSameEventID(t *testing.T) {
	id := EventID("bakery", "per_click:lead:c1:k")
	if want := "hgjzkojbcthgldxhkulhjcp4xq"; id != want {
		t.Errorf("event id = %q, want %q on every node and in every version", id, want)
	}
	if len(id) != 26 || strings.ToLower(id) != id {
		t.Errorf("event id %q is not 26 lower-case characters", id)
	}
	for account, claim := range map[string]string{"florist": "per_click:lead:c1:k", "bakery": "per_click:lead:c1:l", "bakeryper": "_click:lead:c1:k"} {
		if EventID(account, claim) == id {
			t.Errorf("%s and %q have the event id of another cause", account, claim)
		}
	}
}

func TestALeaseOutlivesItsCall(t *testing.T) {
	for lease, fits := range map[time.Duration]bool{9 * time.Second: false, 10 * time.Second: false, 11 * time.Second: true} {
		_, err := New(Options{Lease: lease, Timeout: 10 * time.Second, Accounts: account.NewRegistry(nil), Log: slog.New(slog.DiscardHandler)})
		if (err == nil) != fits {
			t.Errorf("a lease of %s and a timeout of 10s: %v", lease, err)
		}
	}
}

func TestOnceSendsABatchOfEveryDueLane(t *testing.T) {
	var calls []string
	f, queue := loop(t, func(to capi.Dataset, events [][]byte) error {
		calls = append(calls, fmt.Sprintf("%s %s %s %s", to.ID, to.Token, to.TestEventCode, events))
		return nil
	}, func(o *Options) { o.Clock = steady(func() time.Time { return noon }) })
	queue.queue("bakery", 2, noon)
	queue.queue("florist", 1, noon)
	queue.queue("florist", 1, noon.Add(time.Minute))      // not due yet
	queue.queue("closed", 1, noon)                        // no longer in the settings
	queue.queue("bakery", 1, noon.Add(-SendableFor))      // too old by now
	queue.queue("bakery", 1, noon.Add(time.Second-aging)) // not yet too old to go with others

	n, err := f.Once(t.Context())
	if n != 4 || err != nil {
		t.Fatalf("Once = %d, %v; want 4 deliveries settled", n, err)
	}
	want := []string{
		`900100 token of the bakery TEST1 [{"event_id":"6"} {"event_id":"0"} {"event_id":"1"}]`,
		`900100 token of the florist TEST1 [{"event_id":"2"}]`,
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("calls differ (-want +got):\n%s", diff)
	}
	if queue.count("florist", Queued) != 1 || queue.count("closed", Queued) != 1 || queue.count("bakery", Expired) != 1 {
		t.Errorf("what is not due or not ours stays queued, what is too old is expired: %+v", queue.deliveries)
	}
	if s := f.Stats; s.Accepted.Load() != 2 || s.Sent.Load() != 4 || s.Expired.Load() != 1 {
		t.Errorf("counted %d calls, %d sent, %d expired", s.Accepted.Load(), s.Sent.Load(), s.Expired.Load())
	}
}

// running runs the loop in a bubble of time, and stops it when the story ends.
func running(t *testing.T, sender meta, change func(*Options), story func(f *Forwarder, queue *memory, stop func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f, queue := loop(t, sender, change)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- f.Run(ctx) }()
		synctest.Wait()
		story(f, queue, stop)
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

// TestNoWakeIsLost is ledger 21: what is committed is sent at once, whatever the loop is doing then.
func TestNoWakeIsLost(t *testing.T) {
	// commit is what intake does: write, then wake.
	commit := func(f *Forwarder, queue *memory) { queue.queue("bakery", 1, time.Now()); f.Wake() }
	for name, during := range map[string]func(f *Forwarder, queue *memory){
		"while it rests": commit,
		"while it looks": func(f *Forwarder, queue *memory) {
			queue.afterDue = func() { queue.afterDue = nil; commit(f, queue) }
			f.Wake()
		},
		"while a lane ends": func(f *Forwarder, queue *memory) {
			claims := 0
			queue.afterClaim = func() {
				if claims++; claims == 2 { // the first has found a delivery, the second nothing more
					commit(f, queue)
					time.Sleep(time.Millisecond) // the loop looks, and sees the lane in flight
				}
			}
			commit(f, queue)
			time.Sleep(time.Millisecond)
		},
	} {
		t.Run(name, func(t *testing.T) {
			running(t, takesAll, nil, func(f *Forwarder, queue *memory, _ func()) {
				during(f, queue)
				synctest.Wait()
				if queue.count("", Queued) > 0 || queue.count("", Sent) == 0 {
					t.Errorf("%d sent, %d left queued until the next sweep", queue.count("", Sent), queue.count("", Queued))
				}
			})
		})
	}
}

// TestTheSweepFindsWhatOthersCommit is ledger 21: within a second, without a wake.
func TestTheSweepFindsWhatOthersCommit(t *testing.T) {
	running(t, takesAll, nil, func(_ *Forwarder, queue *memory, _ func()) {
		queue.queue("bakery", 1, time.Now())
		time.Sleep(time.Second)
		synctest.Wait()
		if queue.count("", Sent) != 1 {
			t.Error("not sent within a second")
		}
	})
}

// TestAStopWaitsForTheCallInFlight: what is with Meta is settled, and nothing new is begun.
func TestAStopWaitsForTheCallInFlight(t *testing.T) {
	slow := func(capi.Dataset, [][]byte) error { time.Sleep(5 * time.Second); return nil }
	running(t, slow, nil, func(f *Forwarder, queue *memory, stop func()) {
		queue.queue("bakery", capi.MaxBatch+1, time.Now())
		f.Wake()
		synctest.Wait()
		stop()
		synctest.Wait()
		if queue.count("", Sending) != capi.MaxBatch {
			t.Fatalf("%d events in the call, want %d", queue.count("", Sending), capi.MaxBatch)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if queue.count("", Sent) != capi.MaxBatch || queue.count("", Queued) != 1 {
			t.Errorf("%d sent and %d queued; want %d and 1", queue.count("", Sent), queue.count("", Queued), capi.MaxBatch)
		}
	})
}

// TestAnAnswerIsWrittenWhileTheLeaseLasts: one that is not written becomes an unknown outcome, so
// storage that is away for a moment must not lose it.
func TestAnAnswerIsWrittenWhileTheLeaseLasts(t *testing.T) {
	for _, c := range []struct {
		name     string
		failures int
		sent     int
		atMost   time.Duration
	}{
		{"storage is away for a moment", 5, 1, 2 * time.Second},
		{"storage is away for longer than the lease", 1000, 0, 30 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, queue := loop(t, takesAll, nil)
				queue.settleFail = c.failures
				queue.queue("bakery", 1, time.Now())
				begin := time.Now()
				n, err := f.Once(t.Context())
				if n != c.sent || (err == nil) != (c.sent == 1) || queue.count("", Sent) != c.sent {
					t.Errorf("Once = %d, %v", n, err)
				}
				if took := time.Since(begin); took > c.atMost || c.sent == 0 && took < c.atMost-time.Second {
					t.Errorf("gave up or went through after %s, want about %s at most", took, c.atMost)
				}
			})
		})
	}
}

// TestNothingIsSentWhenTheLeaseIsNearlyOver: a process that was stopped between its claim and its send
// wakes up when another node may be sending the same events. It sends nothing, and the outcome is known.
func TestNothingIsSentWhenTheLeaseIsNearlyOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		f, queue := loop(t, func(capi.Dataset, [][]byte) error { sent++; return nil }, nil)
		queue.queue("bakery", 1, time.Now())
		queue.afterClaim = func() { time.Sleep(f.Lease - f.Timeout + time.Second) }
		if _, err := f.Once(t.Context()); err != nil || sent != 0 || queue.count("", Queued) != 1 || f.Stats.Unknown.Load() != 0 {
			t.Errorf("sent %d, queued %d, unknown %d (%v); want the event queued again and nothing sent",
				sent, queue.count("", Queued), f.Stats.Unknown.Load(), err)
		}
	})
}

// TestALaneThatStandsStillWaitsForTheSweep: it neither spins nor keeps others from sending.
func TestALaneThatStandsStillWaitsForTheSweep(t *testing.T) {
	for name, trouble := range map[string]func(queue *memory){
		"storage refuses claims":       func(queue *memory) { queue.claimFails = errStorage; queue.queue("bakery", 1, time.Now()) },
		"an account left the settings": func(queue *memory) { queue.queue("closed", 1, time.Now()) },
	} {
		t.Run(name, func(t *testing.T) {
			running(t, takesAll, nil, func(f *Forwarder, queue *memory, _ func()) {
				trouble(queue)
				f.Wake()
				time.Sleep(10*time.Second + time.Millisecond)
				synctest.Wait()
				if queue.looks > 12 || queue.claims > 12 { // at the start, at the wake, at ten sweeps
					t.Errorf("looked %d times and claimed %d times in 10 seconds", queue.looks, queue.claims)
				}
			})
		})
	}
}

// TestOneAccountNeverBlocksAnother is promise 6: neither a paused account nor a busy one.
func TestOneAccountNeverBlocksAnother(t *testing.T) {
	t.Run("paused", func(t *testing.T) {
		sender := func(to capi.Dataset, _ [][]byte) error {
			if to.Token == "token of the bakery" {
				return tokenInvalid
			}
			return nil
		}
		running(t, sender, nil, func(f *Forwarder, queue *memory, _ func()) {
			queue.queue("bakery", 3, time.Now())
			queue.queue("florist", 3, time.Now())
			f.Wake()
			synctest.Wait()
			if queue.count("florist", Sent) != 3 || queue.count("bakery", Queued) != 3 {
				t.Errorf("florist: %d sent; bakery: %d queued", queue.count("florist", Sent), queue.count("bakery", Queued))
			}
		})
	})
	t.Run("busy", func(t *testing.T) {
		slow := func(capi.Dataset, [][]byte) error { time.Sleep(time.Second); return nil }
		one := func(o *Options) { o.MaxLanes = 1 }
		running(t, slow, one, func(f *Forwarder, queue *memory, _ func()) {
			queue.queue("bakery", 500, time.Now())
			for i := range queue.deliveries {
				queue.deliveries[i].BatchLimit = 1
			}
			queue.queue("florist", 1, time.Now())
			f.Wake()
			time.Sleep(499 * time.Second)
			synctest.Wait()
			if queue.count("florist", Sent) != 1 {
				t.Errorf("after %d events of the bakery the florist's one still waits", queue.count("bakery", Sent))
			}
		})
	})
}

// TestABacklogIsPassedOnce: batches that follow one another begin where the last one ended, and what could not
// share a call with them is sent all the same, in the same backlog.
func TestABacklogIsPassedOnce(t *testing.T) {
	calls := 0
	running(t, func(capi.Dataset, [][]byte) error { calls++; return nil }, nil, func(f *Forwarder, queue *memory, _ func()) {
		const n = 12 * capi.MaxBatch
		queue.queue("bakery", n, time.Now())
		for i := 0; i < n; i += 700 { // some of it is for another dataset
			queue.deliveries[i].Dataset = "900200"
		}
		f.Wake()
		time.Sleep(time.Minute)
		synctest.Wait()
		if sent := queue.count("", Sent); sent != n || calls > 20 {
			t.Errorf("%d of %d sent in %d calls", sent, n, calls)
		}
		if queue.after == 0 {
			t.Error("no batch began where the last one ended")
		}
	})
}
