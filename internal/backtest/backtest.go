// Package backtest runs stored triggers through the rules in force and through a candidate, and tells what
// the candidate would change.
//
// Both go through the same replay: the planner that serves decides anew, message by message in the order
// in which they were recorded, while what it decides is kept in memory. So what differs comes of the rules
// alone, and not of what people and Meta did since. Nothing is written.
package backtest

import (
	"context"
	"encoding/binary"
	"fmt"
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
	r := &run{
		Options: o, places: map[place]*attribution.Thread{},
		inForce: newReplay(o, o.InForce), candidate: newReplay(o, o.Candidate), report: &Report{},
	}
	total, err := o.Past.Count(ctx)
	if err != nil {
		return nil, err
	}
	for after := uuid.Nil; ; {
		page, err := o.Past.Messages(ctx, after, pageSize)
		if err != nil {
			return nil, err
		}
		last := len(page) < pageSize
		if !last {
			page = wholeNotifications(page)
		}
		if err := r.play(ctx, page); err != nil {
			return nil, err
		}
		o.Tell(r.report.Messages, max(total, r.report.Messages))
		if last {
			break
		}
		after = page[len(page)-1].ID
	}
	r.compare()
	return r.report, nil
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

// play runs one page through both replays.
func (r *run) play(ctx context.Context, page []*attribution.Arrival) error {
	if err := r.open(ctx, page); err != nil {
		return err
	}
	for _, a := range page {
		r.recall(a)
	}
	var mine [2][]*attribution.Arrival
	var wanted []forwarder.Delivery
	for i, p := range []*replay{r.inForce, r.candidate} {
		mine[i] = p.take(page)
		for _, a := range mine[i] {
			for _, key := range a.Keys {
				wanted = append(wanted, forwarder.Delivery{Claim: key})
			}
		}
	}
	if err := r.remember(r.Past.InTheWay(ctx, wanted)); err != nil {
		return err
	}
	for i, p := range []*replay{r.inForce, r.candidate} {
		for len(mine[i]) > 0 {
			n := notification(mine[i])
			if err := p.play(ctx, mine[i][:n]); err != nil {
				return err
			}
			mine[i] = mine[i][n:]
		}
	}
	return nil
}

// notification is how many messages from the first on came in one notification: those are decided together.
func notification(page []*attribution.Arrival) int {
	n := 1
	for n < len(page) && page[n].ReceivedAt.Equal(page[0].ReceivedAt) {
		n++
	}
	return n
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
	for i := range standing {
		standing[i] = asItWas(standing[i], r.From)
	}
	r.inForce.remember(standing)
	r.candidate.remember(standing)
	return nil
}

// recall decodes a message once for both replays, and counts it. One without text, or that cannot be read,
// goes on without its bytes: it is not judged, but its click counts.
func (r *run) recall(a *attribution.Arrival) {
	r.report.Messages++
	switch {
	case a.Body == nil:
		r.report.WithoutText++
	case r.inForce.planner.Recall(a) != nil:
		r.report.Unreadable++
		a.Body = nil
	case a.Old():
		r.report.TooOld++
	default:
		r.report.Judged++
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
