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
	past    *memory
	planner *webhook.Planner
	threads map[*attribution.Thread]*attribution.Thread // by those that both replays share
	asked   map[eventID]bool                            // about which it was asked what stands in the way
	page    []*attribution.Arrival                      // what is to be played next
	err     error                                       // why it could not go on
	*ledger
}

func newReplay(o Options, set *rules.Set, past *memory) *replay {
	return &replay{
		past: past, planner: newPlanner(o, set), threads: map[*attribution.Thread]*attribution.Thread{},
		asked: map[eventID]bool{}, ledger: newLedger(o.From),
	}
}

// take makes the messages of a page this replay's own, in its threads. It returns the claims of no
// conversation that its rules may ask for.
func (p *replay) take(page []*attribution.Arrival) (wanted []forwarder.Delivery) {
	p.page = make([]*attribution.Arrival, len(page))
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
		for _, key := range a.Keys {
			wanted = append(wanted, forwarder.Delivery{Claim: key})
		}
		p.page[i] = &a
	}
	return wanted
}

// playAll plays what was taken.
func (p *replay) playAll(ctx context.Context) error {
	for len(p.page) > 0 {
		n := 1 // messages of one notification are decided together
		for n < len(p.page) && p.page[n].ReceivedAt.Equal(p.page[0].ReceivedAt) {
			n++
		}
		if err := p.play(ctx, p.page[:n]); err != nil {
			return err
		}
		p.page = p.page[n:]
	}
	return nil
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
		if wanted := p.mayMeet(d, fresh); wanted != (meeting{}) {
			standing, err := p.past.inTheWay(ctx, wanted)
			if err != nil {
				return err
			}
			p.remember(standing)
			p.until(d.CreatedAt)
		}
		p.enter(newKept(d))
	}
	for _, d := range changes.Completed {
		p.complete(d)
	}
	for _, d := range changes.Cancelled {
		p.cancel(d)
	}
	return nil
}

// mayMeet tells by what something that stands may be in the way of a delivery, and was not asked for with
// its conversation or its message: its event has an id of the rule's own, or its message waited for a
// click, and what it may share a key with was asked for long ago.
func (p *replay) mayMeet(d forwarder.Delivery, fresh []*attribution.Arrival) (m meeting) {
	event := eventID{d.EventName, d.EventID}
	if p.asked[event] || p.claims[d.Claim] != nil || p.events[event] {
		return meeting{}
	}
	if d.EventID != forwarder.EventID(d.Account, d.Claim) {
		m.event = event
	}
	now := func(a *attribution.Arrival) bool { return a.ID == d.Trigger }
	if rules.IsDedupeKey(d.Claim) && !slices.ContainsFunc(fresh, now) {
		m.claim = d.Claim
	}
	if m != (meeting{}) {
		p.asked[event] = true
	}
	return m
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
