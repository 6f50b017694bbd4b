package forwarder

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clickthread/clickthread/account"
)

// Options are what a Forwarder needs. All but MaxLanes and Stats must be set.
type Options struct {
	Queue    Queue
	Sender   Sender
	Accounts *account.Registry
	Node     string        // unique per process start
	Lease    time.Duration // longer than Timeout, see Validate
	Timeout  time.Duration // of one call
	Clock    *Clock
	Log      *slog.Logger
	Stats    *Stats // Default: a fresh one.
	MaxLanes int    // lanes in flight at once. Default 64.
}

// Forwarder is the sending loop. Run it once per process; any number of processes may share a queue.
type Forwarder struct {
	Options
	wake   chan struct{}
	busy   sync.Map // accounts with a lane in flight here
	lanes  sync.Map // *lane by account
	jumped atomic.Bool
}

// Stats counts what the loop did since the start, for metrics.
type Stats struct {
	Accepted, Failed, Refused, Unknown atomic.Int64 // calls by outcome, those below left out
	Throttled, AccountWrong            atomic.Int64 // calls that let the lane rest
	Sent, Expired                      atomic.Int64 // events
}

// New checks the options and returns a loop that is ready to Run.
func New(o Options) (*Forwarder, error) {
	if o.Lease <= o.Timeout {
		return nil, fmt.Errorf("the lease of a lane (%s) must be longer than the request timeout (%s), or two nodes could send one event", o.Lease, o.Timeout)
	}
	if o.MaxLanes == 0 {
		o.MaxLanes = 64
	}
	if o.Stats == nil {
		o.Stats = &Stats{}
	}
	return &Forwarder{Options: o, wake: make(chan struct{}, 1)}, nil
}

// Wake says that something may be due. It never blocks, and no wake is lost: a wake that comes
// while the loop is looking makes it look once more.
func (f *Forwarder) Wake() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Run sends until ctx ends, then waits for the calls in flight to be settled. It looks at each wake
// and at least every second, which is how it hears of other nodes' commits.
func (f *Forwarder) Run(ctx context.Context) error {
	sweep := time.NewTicker(time.Second)
	defer sweep.Stop()
	var lanes sync.WaitGroup
	defer lanes.Wait()
	slots := make(chan struct{}, f.MaxLanes)
	for swept := true; ctx.Err() == nil; {
		if swept {
			if err := f.expire(ctx); err != nil && ctx.Err() == nil {
				f.Log.Error("cannot end what is too old; it is not sent either", "error", err)
			}
		}
		if err := f.look(ctx, &lanes, slots); err != nil && ctx.Err() == nil {
			f.Log.Error("cannot look for due deliveries; trying again in a second", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-sweep.C:
			swept = true
		case <-f.wake:
			swept = false
		}
	}
	return nil
}

// look starts a goroutine for every due lane that is not in flight already. It takes them in any
// order, so that each has its turn when more lanes are due than there are slots.
func (f *Forwarder) look(ctx context.Context, lanes *sync.WaitGroup, slots chan struct{}) error {
	due, err := f.Queue.Due(ctx, f.Node, f.Clock.Now())
	if err != nil {
		return fmt.Errorf("list due lanes: %w", err)
	}
	rand.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
	for _, id := range due {
		if _, inFlight := f.busy.LoadOrStore(id, true); inFlight {
			continue
		}
		select {
		case slots <- struct{}{}:
		default: // all slots are taken; the lane that ends next, or the sweep, looks again
			f.busy.Delete(id)
			return nil
		}
		lanes.Go(func() {
			moved := f.drain(ctx, id)
			<-slots
			f.busy.Delete(id)
			if moved { // a lane that stands still waits for the sweep: woken at once, it would spin
				f.Wake()
			}
		})
	}
	return nil
}

// drain sends one lane's batches until nothing is due, at most ten in a row: then others get a turn.
// It reports whether it settled anything and may go on at once.
func (f *Forwarder) drain(ctx context.Context, id string) (moved bool) {
	const turns = 10
	// A stop, too, waits for what is being written down: else its outcome would be unknown.
	defer func() {
		if err := f.lane(id).written(); err != nil {
			f.Log.Error("a call could not be settled", "account", id, "error", err)
		}
	}()
	for turn := range turns {
		n, err := f.step(ctx, id, turn < turns-1)
		if err != nil && ctx.Err() == nil {
			f.Log.Error("lane stopped; trying again in a second", "account", id, "error", err)
		}
		if n == 0 || err != nil || ctx.Err() != nil {
			return moved && err == nil
		}
		moved = true
	}
	return moved
}

// Once makes one pass over all due lanes, one batch each, and returns how many deliveries it
// settled. It is what Run does, seen from a test or a command.
func (f *Forwarder) Once(ctx context.Context) (int, error) {
	if err := f.expire(ctx); err != nil {
		return 0, err
	}
	due, err := f.Queue.Due(ctx, f.Node, f.Clock.Now())
	if err != nil {
		return 0, fmt.Errorf("list due lanes: %w", err)
	}
	total := 0
	for _, id := range due {
		n, err := f.step(ctx, id, false)
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

// expire ends what is too old, unless the clock cannot be believed: then everything might look old.
func (f *Forwarder) expire(ctx context.Context) error {
	jumped := f.Clock.Jumped()
	switch before := f.jumped.Swap(jumped); {
	case jumped && !before:
		f.Log.Error("the wall clock jumped, or is far from Meta's date; going on without it, and ending nothing as too old, until the two agree", "next", "set this machine's clock")
	case before && !jumped:
		f.Log.Info("the wall clock is believed again")
	}
	if !f.Clock.Sure() {
		return nil
	}
	n, err := f.Queue.Expire(ctx, f.Clock.Now())
	if err != nil {
		return fmt.Errorf("expire deliveries: %w", err)
	}
	if n > 0 {
		f.Stats.Expired.Add(int64(n))
		f.Log.Error("events expired: Meta takes none older than 7 days", "events", n,
			"next", "clickthread events ls --state expired")
	}
	return nil
}
