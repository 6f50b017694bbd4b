// Package backtest runs stored triggers through the rules in force and through a candidate, and tells what
// the candidate would change.
//
// Both go through the same replay: the planner that serves decides anew, message by message in the order
// in which they were recorded, while what it decides is kept in memory. So what differs comes of the rules
// alone, and not of what people and Meta did since. Nothing is written.
package backtest

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/rules"
	"github.com/clickthread/clickthread/webhook"
)

// Past is what the ledger holds of one account's span of time. sql.History is one.
type Past interface {
	Count(ctx context.Context) (int, error)
	Messages(ctx context.Context, after uuid.UUID, limit int) ([]*attribution.Arrival, error)
	Threads(ctx context.Context, threads []*attribution.Thread, quotes bool) (standing []forwarder.Delivery, err error)
	InTheWay(ctx context.Context, wanted []forwarder.Delivery) (standing []forwarder.Delivery, err error)
}

// Options say what is replayed, and through which rules.
type Options struct {
	Account   account.Account
	Past      Past
	From      time.Time  // when the span of Past begins
	InForce   *rules.Set // nil: nothing is in force
	Candidate *rules.Set

	Key      func(messageID string) [16]byte // as the planner that serves makes it
	OptedOut func(account string, who attribution.Identity) bool

	Sample int // most changed cases to show
	// Tell is told now and then how many messages were read.
	Tell func(done, total int)
}

// pageSize is how many messages are read at once.
const pageSize = 2000

// Run replays the past through both sets and compares.
func Run(ctx context.Context, o Options) (*Report, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	past := &memory{past: o.Past, answers: map[meeting][]forwarder.Delivery{}}
	r := &run{
		Options: o, places: map[place]*attribution.Thread{}, report: &Report{},
		inForce: newReplay(o, o.InForce, past), candidate: newReplay(o, o.Candidate, past),
	}
	total, err := o.Past.Count(ctx)
	if err != nil {
		return nil, err
	}
	for pages := r.read(ctx); ; {
		page, more := <-pages
		if !more {
			break
		}
		if page.err != nil {
			return nil, page.err
		}
		r.report.add(page.seen)
		if err := r.play(ctx, page.messages); err != nil {
			return nil, err
		}
		o.Tell(r.report.Messages, max(total, r.report.Messages))
	}
	if err := ctx.Err(); err != nil { // what was read until then is not the past
		return nil, err
	}
	r.compare()
	return r.report, nil
}

// page is some messages in order, or why there are none.
type page struct {
	messages []*attribution.Arrival
	seen     Seen
	err      error
}

// read reads and decodes the past page by page, one ahead of who takes them, until the end, an error, or
// the end of ctx.
func (r *run) read(ctx context.Context) <-chan page {
	pages := make(chan page)
	go func() {
		defer close(pages)
		for after := uuid.Nil; ; {
			messages, err := r.Past.Messages(ctx, after, pageSize)
			last := err != nil || len(messages) < pageSize
			if !last {
				messages = wholeNotifications(messages)
			}
			next := page{messages: messages, err: err}
			for _, a := range messages {
				r.recall(a, &next.seen)
			}
			select {
			case pages <- next:
			case <-ctx.Done():
				return
			}
			if last {
				return
			}
			after = messages[len(messages)-1].ID
		}
	}()
	return pages
}

// wholeNotifications leaves out the last messages of a page, of whose notification more may follow.
func wholeNotifications(page []*attribution.Arrival) []*attribution.Arrival {
	last := page[len(page)-1].ReceivedAt
	for n := len(page); n > 0; n-- {
		if !page[n-1].ReceivedAt.Equal(last) {
			return page[:n]
		}
	}
	return page
}

// run is one account's comparison in the making.
type run struct {
	Options
	places             map[place]*attribution.Thread // as they were when the span began, without their conversations' messages
	inForce, candidate *replay
	report             *Report
}

type place struct {
	contact uuid.UUID
	number  string
}

// play runs one page through both replays, which know nothing of each other, at once.
func (r *run) play(ctx context.Context, page []*attribution.Arrival) error {
	if err := r.open(ctx, page); err != nil {
		return err
	}
	var wanted []forwarder.Delivery
	var both sync.WaitGroup
	for _, p := range []*replay{r.inForce, r.candidate} {
		wanted = append(wanted, p.take(page)...)
	}
	if err := r.remember(r.Past.InTheWay(ctx, wanted)); err != nil {
		return err
	}
	for _, p := range []*replay{r.inForce, r.candidate} {
		both.Go(func() { p.err = p.playAll(ctx) })
	}
	both.Wait()
	return cmp.Or(r.inForce.err, r.candidate.err)
}

// open puts into each message the thread that it shares with others, and learns what is known of new ones.
func (r *run) open(ctx context.Context, page []*attribution.Arrival) error {
	var opened []*attribution.Thread
	for _, a := range page {
		at := place{a.Thread.Contact, a.Thread.Number}
		if r.places[at] == nil {
			r.places[at] = a.Thread
			opened = append(opened, a.Thread)
		}
		a.Thread = r.places[at]
	}
	quotes := r.InForce.Hears().Quotes || r.Candidate.Hears().Quotes
	return r.remember(r.Past.Threads(ctx, opened, quotes))
}

// remember tells both replays of deliveries that stand.
func (r *run) remember(standing []forwarder.Delivery, err error) error {
	if err != nil {
		return err
	}
	r.inForce.remember(standing)
	r.candidate.remember(standing)
	return nil
}

// recall decodes a message once for both replays, and counts it. One without text, or that cannot be read,
// goes on without its bytes: it is not judged, but its click counts.
func (r *run) recall(a *attribution.Arrival, seen *Seen) {
	seen.Messages++
	switch {
	case a.Body == nil:
		seen.WithoutText++
	case r.inForce.planner.Recall(a) != nil:
		seen.Unreadable++
		a.Body = nil
	case a.Old():
		seen.TooOld++
	default:
		seen.Judged++
	}
}

// only is one set, for whoever asks.
type only struct{ set *rules.Set }

// Set implements webhook.RuleSets.
func (o only) Set(string) *rules.Set { return o.set }

func newPlanner(o Options, set *rules.Set) *webhook.Planner {
	return &webhook.Planner{
		Accounts: account.NewRegistry([]account.Account{o.Account}), Rules: only{set}, NewID: counting(),
		Key: o.Key, OptedOut: o.OptedOut,
	}
}

// counting makes ids that nobody sees, at no cost.
func counting() func() uuid.UUID {
	var n uint64
	return func() (id uuid.UUID) {
		n++
		binary.BigEndian.PutUint64(id[8:], n)
		return id
	}
}

// errAt says which message a replay could not go on at.
func errAt(a *attribution.Arrival, err error) error {
	return fmt.Errorf("message %s: %w", a.ID, err)
}
