package webhook

import (
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/rules"
)

// book is what a plan knows of the deliveries of its conversations: those that were recorded before,
// and those that it has made itself so far.
type book struct {
	entries []*entry // in the order in which they were made
	claims  map[claim]*entry
	threads map[uuid.UUID][]*entry // by conversation
}

type claim struct{ account, key string }

// entry is one delivery and what the plan did to it.
type entry struct {
	forwarder.Delivery
	did deed
}

type deed int

const (
	nothing deed = iota
	made
	completed
	cancelled
)

func newBook(known []forwarder.Delivery) *book {
	b := &book{claims: make(map[claim]*entry, len(known)), threads: map[uuid.UUID][]*entry{}}
	entries := make([]entry, len(known))
	for i, d := range known {
		if b.claims[claim{d.Account, d.Claim}] == nil { // one may be known by its conversation and by its key
			entries[i].Delivery = d
			b.add(&entries[i])
		}
	}
	return b
}

func (b *book) add(e *entry) {
	b.entries = append(b.entries, e)
	b.claims[claim{e.Account, e.Claim}] = e
	b.threads[e.Conversation] = append(b.threads[e.Conversation], e)
}

// state says whether a claim may be taken.
func (b *book) state(account, key string) rules.ClaimState {
	switch e := b.claims[claim{account, key}]; {
	case e == nil:
		return rules.Free
	case e.HeldForValue():
		return rules.HeldForValue
	}
	return rules.Taken
}

// put enters a delivery that the plan made, or completes the one that holds its claim.
func (b *book) put(d forwarder.Delivery) *forwarder.Delivery {
	e := b.claims[claim{d.Account, d.Claim}]
	if e == nil {
		e = &entry{d, made}
		b.add(e)
		return &e.Delivery
	}
	if e.Delivery = d; e.did != made {
		e.did = completed
	}
	return &e.Delivery
}

// cancel ends a delivery that waits or is held.
func (e *entry) cancel(now time.Time, why reason.Code) {
	e.Status, e.Reason, e.UpdatedAt = forwarder.Cancelled, why, now
	if e.did == nothing {
		e.did = cancelled
	}
}

// changes is what has to be written.
func (b *book) changes() (c forwarder.Changes) {
	for _, e := range b.entries {
		switch e.did {
		case made:
			c.New = append(c.New, e.Delivery)
		case completed:
			c.Completed = append(c.Completed, e.Delivery)
		case cancelled:
			c.Cancelled = append(c.Cancelled, e.Delivery)
		}
	}
	return c
}

// of are the deliveries of a thread, those of merged conversations too.
func (b *book) of(t *attribution.Thread) (all []*entry) {
	for _, id := range t.IDs {
		all = append(all, b.threads[id]...)
	}
	return all
}

// listening are the deliveries that something at a time may cancel: it comes after the event, and before
// the wait is over.
func (b *book) listening(t *attribution.Thread, at time.Time) (waiting []*entry) {
	for _, e := range b.of(t) {
		if e.Status == forwarder.Waiting && len(e.CancelIf) > 0 && !at.Before(e.EventAt) && at.Before(e.Due) {
			waiting = append(waiting, e)
		}
	}
	return waiting
}

// sent are the names of the events up to a time that Meta has, or will have unless something gets in
// between.
func (b *book) sent(t *attribution.Thread, at time.Time) (names []string) {
	for _, e := range b.of(t) {
		if e.GoesOut() && !e.EventAt.After(at) {
			names = append(names, e.EventName)
		}
	}
	return names
}
