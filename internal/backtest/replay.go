package backtest

import (
	"cmp"
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/rules"
	"github.com/clickthread/clickthread/webhook"
)

// maxQuotes is how many texts of the business a transaction that serves reads of a conversation.
const maxQuotes = 20

// replay is one set's way through the past.
type replay struct {
	past    Past
	planner *webhook.Planner
	threads map[*attribution.Thread]*attribution.Thread // by those that both replays share
	*ledger
}

func newReplay(o Options, set *rules.Set) *replay {
	return &replay{o.Past, newPlanner(o, set), map[*attribution.Thread]*attribution.Thread{}, newLedger()}
}

// take makes the messages of a page this replay's own: in its threads, with what its rules ask for.
func (p *replay) take(page []*attribution.Arrival) []*attribution.Arrival {
	mine := make([]*attribution.Arrival, len(page))
	for i, shared := range page {
		a := *shared
		if a.Thread = p.threads[shared.Thread]; a.Thread == nil {
			t := *shared.Thread
			t.Clicks, t.Quotes = slices.Clone(t.Clicks), slices.Clone(t.Quotes)
			a.Thread, p.threads[shared.Thread] = &t, &t
		}
		if a.Body != nil {
			p.planner.Ask(&a)
		}
		mine[i] = &a
	}
	return mine
}

// play plans the messages of one notification as the transaction that records them would, and keeps what
// comes of it.
func (p *replay) play(ctx context.Context, messages []*attribution.Arrival) error {
	now := messages[0].ReceivedAt
	p.until(now)
	snap := &attribution.Snapshot{Now: now}
	var keys []string
	for _, a := range messages {
		if !slices.Contains(snap.Threads, a.Thread) {
			snap.Threads = append(snap.Threads, a.Thread)
		}
		if a.Body != nil {
			snap.Fresh = append(snap.Fresh, a)
			keys = append(keys, a.Keys...)
		} else if a.Referral != nil {
			a.Thread.Capture(a)
		}
	}
	slices.SortStableFunc(snap.Fresh, func(a, b *attribution.Arrival) int { return a.At.Compare(b.At) })
	changes, err := p.planner.Plan(snap, p.known(snap.Threads, keys, now))
	if err != nil {
		return errAt(messages[0], err)
	}
	if err := p.write(ctx, changes, snap.Fresh); err != nil {
		return err
	}
	for _, a := range snap.Fresh {
		if a.Old() && a.Source.Ours() { // fires nothing, and is quoted all the same
			a.Thread.Quote(attribution.Quote{At: a.At, Source: a.Source, Body: a.Body})
		}
	}
	for _, t := range snap.Threads {
		t.Touched, t.Captured, t.Added, t.Dropped = false, nil, nil, nil
		t.Quotes = t.Quotes[:min(len(t.Quotes), maxQuotes)]
	}
	return nil
}

// write keeps changes as the ledger would: a claim is taken once, and so is an event's id.
func (p *replay) write(ctx context.Context, changes forwarder.Changes, fresh []*attribution.Arrival) error {
	slices.SortFunc(changes.New, func(a, b forwarder.Delivery) int { return cmp.Compare(a.Claim, b.Claim) })
	for _, d := range changes.New {
		if p.mayStand(d, fresh) {
			standing, err := p.past.InTheWay(ctx, []forwarder.Delivery{d})
			if err != nil {
				return err
			}
			p.remember(standing)
			p.until(d.CreatedAt)
		}
		p.enter(&kept{Delivery: d, mine: true, print: fingerprint(d)})
	}
	for _, d := range changes.Completed {
		p.complete(d)
	}
	for _, d := range changes.Cancelled {
		p.cancel(d)
	}
	return nil
}

// mayStand reports whether something that stands may be in the way of a delivery, and was not asked for with
// its conversation or its message: its event has an id of the rule's own, or its message waited for a
// click, and so asked long ago.
func (p *replay) mayStand(d forwarder.Delivery, fresh []*attribution.Arrival) bool {
	return d.EventID != forwarder.EventID(d.Account, d.Claim) ||
		!slices.ContainsFunc(fresh, func(a *attribution.Arrival) bool { return a.ID == d.Trigger })
}

// outcomes is what the replay came to, by message and event.
func (p *replay) outcomes() map[Cause][]Outcome {
	all := map[Cause][]Outcome{}
	add := func(trigger uuid.UUID, event string, o Outcome) {
		c := Cause{trigger, event}
		all[c] = append(all[c], o)
	}
	for _, k := range p.claims {
		if k.mine {
			add(k.Trigger, k.EventName, k.outcome())
		}
	}
	for _, t := range p.threads {
		for _, w := range t.Waiting {
			add(w.Trigger, w.Event, Outcome{State: Unattributed, Reason: w.Reason, Rule: w.Rule, at: w.At})
		}
	}
	for _, list := range all {
		slices.SortFunc(list, Outcome.compare)
	}
	return all
}
