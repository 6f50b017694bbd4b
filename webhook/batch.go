package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
)

// Group commit: while one transaction is in flight, what arrives waits and goes together in the
// next. There is no timer: on an idle server a notification is recorded at once, and under load
// batches form by themselves.

// MaxBatch is how many messages one transaction takes by default (ledger 2). A notification is never
// split.
const MaxBatch = 500

const (
	// maxWaiting is how many messages may wait for a transaction. Beyond it the sender is told to come
	// again: a queue that grows would only answer everybody too late.
	maxWaiting = 10_000
	// maxBytes is how large the bodies may be that wait or are being recorded.
	maxBytes = 64 << 20
	// maxBatchBytes is how large the bodies of one transaction are, unless one alone is larger.
	maxBatchBytes = 8 << 20
)

// ErrBusy says that too many notifications wait already. Nothing was stored.
var ErrBusy = errors.New("too many notifications are waiting to be recorded")

// pending is one notification that waits to be recorded.
type pending struct {
	messages []*attribution.Arrival
	aside    []attribution.Unrecorded  // what goes to quarantine; a message, for what is bounded
	bytes    int                       // of the body
	counts   map[attribution.Count]int // of what is only counted
	done     chan error                // receives once, when the notification is recorded or given up
	lead     chan []*pending           // receives a batch that begins with this notification, to be recorded
}

func newPending() *pending {
	return &pending{done: make(chan error, 1), lead: make(chan []*pending, 1)}
}

// parts is how many messages there are to write down, here or there.
func (p *pending) parts() int { return len(p.messages) + len(p.aside) }

func (p *pending) add(account, kind string, n int) {
	if p.counts == nil {
		p.counts = map[attribution.Count]int{}
	}
	p.counts[attribution.Count{Account: account, Kind: kind}] += n
}

// record stores the messages of one notification, together with whatever else waits, and returns
// when they are on disk. Whoever comes when a transaction may begin runs it, with all that waits; the
// others are told the outcome, or run the next.
func (in *Intake) record(ctx context.Context, p *pending) error {
	batch, err := in.enqueue(p)
	if err != nil {
		return err
	}
	for { // the batch that p runs may be full without p: then p runs or waits once more
		if batch != nil {
			in.fly(ctx, batch)
		}
		select {
		case err := <-p.done:
			return err
		case batch = <-p.lead:
		}
	}
}

// fly records a batch; a panic on the way ends this batch, and not the door.
func (in *Intake) fly(ctx context.Context, batch []*pending) {
	defer in.land(batch)
	defer func() {
		if r := recover(); r != nil {
			err := fmt.Errorf("panic while recording: %v\n%s", r, debug.Stack())
			for _, p := range batch {
				select {
				case p.done <- err:
				default: // told already
				}
			}
		}
	}()
	in.flush(ctx, batch)
}

// enqueue puts a notification among those that wait. Where a transaction may begin it returns its batch.
func (in *Intake) enqueue(p *pending) (batch []*pending, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.waiting > 0 && in.waiting+p.parts() > maxWaiting || in.bytes > 0 && in.bytes+p.bytes > maxBytes {
		return nil, ErrBusy
	}
	in.queue = append(in.queue, p)
	in.waiting += p.parts()
	in.bytes += p.bytes
	return in.depart(), nil
}

// depart takes the next batch, or none: one transaction begins as soon as something waits, and another
// beside it only for as many messages as are under way. Small ones beside each other would cost
// more than they save.
func (in *Intake) depart() []*pending {
	most := cmp.Or(in.MaxBatch, MaxBatch)
	if len(in.queue) == 0 || in.flights > 0 && (in.flights >= in.Flushers || in.waiting < min(in.aboard, most)) {
		return nil
	}
	batch := in.take(most)
	in.flights++
	in.aboard += count(batch)
	return batch
}

// land ends a transaction, and hands the next batch to the notification that it begins with.
func (in *Intake) land(batch []*pending) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.flights--
	in.aboard -= count(batch)
	in.bytes -= weigh(batch)
	if next := in.depart(); next != nil {
		next[0].lead <- next
	}
}

func count(batch []*pending) (messages int) {
	for _, p := range batch {
		messages += p.parts()
	}
	return messages
}

func weigh(batch []*pending) (bytes int) {
	for _, p := range batch {
		bytes += p.bytes
	}
	return bytes
}

// flush records a batch in one transaction, and tells its notifications.
func (in *Intake) flush(ctx context.Context, batch []*pending) {
	batch = in.keepAside(ctx, batch)
	if len(batch) == 0 {
		return
	}
	err := in.commit(ctx, batch)
	if err == nil || len(batch) == 1 {
		for _, p := range batch {
			p.done <- in.judge(ctx, p, err)
		}
		return
	}
	if !culprit(err) { // the storage is away: everybody who waits hears it now
		for _, p := range append(batch, in.takeAll()...) {
			p.done <- err
		}
		return
	}
	in.Log.Warn("a batch could not be recorded; its notifications are tried one by one", "notifications", len(batch), "error", err)
	for i, p := range batch {
		p.done <- in.judge(ctx, p, in.commit(ctx, batch[i:i+1]))
	}
}

// culprit reports whether an error belongs to one notification, which will always cause it, and not to
// the storage.
func culprit(err error) bool {
	var data interface{ RefusesData() bool }
	return errors.Is(err, errPlan) || errors.As(err, &data) && data.RefusesData()
}

// takeAll empties the queue.
func (in *Intake) takeAll() []*pending {
	in.mu.Lock()
	defer in.mu.Unlock()
	all := in.queue
	in.queue, in.waiting = nil, 0
	in.bytes -= weigh(all)
	return all
}

// take removes the oldest from the queue, up to one transaction's worth.
func (in *Intake) take(most int) []*pending {
	n, messages, bytes := 0, 0, 0
	for n < len(in.queue) {
		p := in.queue[n]
		if n > 0 && (messages+p.parts() > most || bytes+p.bytes > maxBatchBytes) {
			break
		}
		messages, bytes, n = messages+p.parts(), bytes+p.bytes, n+1
	}
	batch := slices.Clone(in.queue[:n])
	in.queue = slices.Delete(in.queue, 0, n) // clears what it frees
	in.waiting -= messages
	return batch
}

// judge turns the outcome of a notification's own transaction into its answer. Where planning fails,
// its messages are tried one by one; what can never be recorded goes to quarantine and is answered as
// stored, which it is.
func (in *Intake) judge(ctx context.Context, p *pending, err error) error {
	if !culprit(err) {
		return err
	}
	for _, m := range p.messages {
		err := in.commit(ctx, []*pending{{messages: []*attribution.Arrival{m}}})
		if culprit(err) {
			err = in.quarantineMessage(ctx, m, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// commit records notifications in one transaction. A panic on the way is an error of these alone:
// others wait for this goroutine.
func (in *Intake) commit(ctx context.Context, batch []*pending) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: panic: %v\n%s", errPlan, r, debug.Stack())
		}
	}()
	var messages []*attribution.Arrival
	for _, p := range batch {
		messages = append(messages, p.messages...)
	}
	begin := in.Now()
	var snap *attribution.Snapshot // of the last attempt: the one that counts
	var planned forwarder.Changes
	plan := func(s *attribution.Snapshot, known []forwarder.Delivery) (_ forwarder.Changes, err error) {
		snap = s
		planned, err = in.Planner.Plan(s, known)
		return planned, err
	}
	fresh, deliveries, err := in.Recorder.Record(ctx, in.Now(), messages, plan)
	for again := 0; errors.Is(err, errRulesChanged) && again < 10; again++ {
		for _, a := range messages {
			in.Planner.Ask(a)
		}
		fresh, deliveries, err = in.Recorder.Record(ctx, in.Now(), messages, plan)
	}
	if err != nil {
		return fmt.Errorf("record %d messages: %w", len(messages), err)
	}
	if fresh > 0 && snap != nil {
		in.ring.committed(snap, planned, deliveries)
	}
	in.Stats.Batches.Add(1)
	in.Stats.Messages.Add(int64(fresh))
	in.Stats.Duplicates.Add(int64(len(messages) - fresh))
	if len(deliveries) > 0 {
		in.Log.Info("events recorded", "events", len(deliveries), "notifications", len(batch), "messages", fresh,
			"accounts", accountsOf(deliveries), "ms", in.Now().Sub(begin).Milliseconds())
		in.Wake()
	}
	return nil
}

// accountsOf names the accounts of a batch, each once.
func accountsOf(deliveries []forwarder.Delivery) []string {
	var names []string
	seen := map[string]bool{}
	for _, d := range deliveries {
		if !seen[d.Account] {
			seen[d.Account] = true
			names = append(names, d.Account)
		}
	}
	return names
}
