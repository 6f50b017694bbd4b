package forwarder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/capi"
)

// Options are what a Forwarder needs. All but MaxLanes and Stats must be set.
type Options struct {
	Queue    Queue
	Sender   Sender
	Accounts *account.Registry
	Node     string        // unique per process start
	Lease    time.Duration // longer than Timeout, see Validate
	Timeout  time.Duration // of one call
	Now      func() time.Time
	Log      *slog.Logger
	Stats    *Stats // Default: a fresh one.
	MaxLanes int    // lanes in flight at once. Default 32.
}

// Forwarder is the sending loop. Run it once per process; any number of processes may share a queue.
type Forwarder struct {
	Options
	wake chan struct{}
	busy sync.Map // accounts with a lane in flight here
}

// Stats counts what the loop did since the start, for metrics.
type Stats struct {
	Accepted, Failed, Refused, Unknown atomic.Int64 // calls by outcome
	Sent, Expired                      atomic.Int64 // events
}

// New checks the options and returns a loop that is ready to Run.
func New(o Options) (*Forwarder, error) {
	if o.Lease <= o.Timeout {
		return nil, fmt.Errorf("the lease of a lane (%s) must be longer than the request timeout (%s), or two nodes could send one event", o.Lease, o.Timeout)
	}
	if o.MaxLanes == 0 {
		o.MaxLanes = 32
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
	for ctx.Err() == nil {
		if err := f.look(ctx, &lanes, slots); err != nil && ctx.Err() == nil {
			f.Log.Error("cannot look for due deliveries; trying again in a second", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-sweep.C:
		case <-f.wake:
		}
	}
	return nil
}

// look starts a goroutine for every due lane that is not in flight already. It takes them in any
// order, so that each has its turn when more lanes are due than there are slots.
func (f *Forwarder) look(ctx context.Context, lanes *sync.WaitGroup, slots chan struct{}) error {
	if err := f.expire(ctx); err != nil && ctx.Err() == nil {
		f.Log.Error("cannot end what is too old; it is not sent either", "error", err)
	}
	due, err := f.Queue.Due(ctx, f.Node, f.Now())
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
	for range turns {
		n, err := f.step(ctx, id)
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
	due, err := f.Queue.Due(ctx, f.Node, f.Now())
	if err != nil {
		return 0, fmt.Errorf("list due lanes: %w", err)
	}
	total := 0
	for _, id := range due {
		n, err := f.step(ctx, id)
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

// step claims, sends and settles one batch of one account.
func (f *Forwarder) step(ctx context.Context, id string) (int, error) {
	a, known := f.Accounts.ByID(id)
	if !known {
		return 0, nil // removed from the settings: its events stay queued
	}
	call, err := f.Queue.Claim(ctx, Claim{
		Account: id, Node: f.Node, Now: f.Now(), Lease: f.Lease, Max: capi.MaxBatch, Unknown: a.Unknown,
	})
	if err != nil {
		return 0, fmt.Errorf("claim deliveries of %s: %w", id, err)
	}
	if call == nil {
		return 0, nil
	}
	// From here on the call has an intent in the ledger: it is sent and settled even while the
	// process is asked to stop.
	ctx = context.WithoutCancel(ctx)
	events := make([][]byte, len(call.Deliveries))
	for i, d := range call.Deliveries {
		events[i] = d.Payload
	}
	receipt, err := f.send(ctx, call, a, events)
	s := decide(call, receipt, err, a.Unknown, f.Now())
	n, err := f.settle(ctx, call, s)
	if err != nil {
		return 0, fmt.Errorf("settle call %s of %s: %w", call.ID, id, err)
	}
	f.report(call, s, n)
	return n, nil
}

// errLate says that the lane's lease would be over before an answer can come: the process was stopped
// for a while after it claimed. Another node may be sending the same events by then.
var errLate = errors.New("not sent: the lease of the lane is nearly over")

func (f *Forwarder) send(ctx context.Context, call *Call, a account.Account, events [][]byte) (capi.Receipt, error) {
	if f.Now().After(call.StartedAt.Add(f.Lease - f.Timeout)) {
		return capi.Receipt{}, &capi.Error{Err: errLate}
	}
	return f.Sender.Send(ctx, capi.Dataset{
		ID: call.Dataset, Token: a.AccessToken.Reveal(), TestEventCode: call.TestCode,
	}, events)
}

// settle tries until the lease is over: an answer that cannot be written turns into an unknown
// outcome, and the event might be sent twice.
func (f *Forwarder) settle(ctx context.Context, call *Call, s Settlement) (n int, err error) {
	end := call.StartedAt.Add(f.Lease)
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		if n, err = f.Queue.Settle(ctx, call, s); err == nil || errors.Is(err, context.Canceled) {
			return n, err
		}
		if f.Now().Add(wait).After(end) {
			return 0, err
		}
		time.Sleep(wait)
	}
}

func (f *Forwarder) expire(ctx context.Context) error {
	n, err := f.Queue.Expire(ctx, f.Now())
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

// report counts a settled call and says it in one line.
func (f *Forwarder) report(call *Call, s Settlement, changed int) {
	counter := map[Outcome]*atomic.Int64{
		Accepted: &f.Stats.Accepted, Failed: &f.Stats.Failed, Refused: &f.Stats.Refused, Unknown: &f.Stats.Unknown,
	}[s.Outcome]
	counter.Add(1)
	if s.To == Sent {
		f.Stats.Sent.Add(int64(changed))
	}
	level := slog.LevelInfo
	if s.Outcome != Accepted {
		level = slog.LevelWarn
	}
	f.Log.Log(context.Background(), level, "call settled", "account", call.Account, "call", call.ID,
		"dataset", call.Dataset, "events", len(call.Deliveries), "changed", changed, "outcome", s.Outcome,
		"http", s.HTTPStatus, "code", s.Code, "subcode", s.Subcode, "trace", s.TraceID, "words", s.Words,
		"ms", s.EndedAt.Sub(call.StartedAt).Milliseconds())
}
