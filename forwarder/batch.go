package forwarder

import (
	"slices"
	"time"

	"github.com/clickthread/clickthread/capi"
)

// ClaimableFor is how old an event may be when it is claimed: two minutes less than SendableFor, because
// what is in a call must not be ended as too old, and a lease is a little over a minute at most.
const ClaimableFor = SendableFor - 2*time.Minute

// aging is how old an event is when it no longer shares a call with younger ones. One that is too old
// by Meta's clock would refuse them all (subcode 2804003).
const aging = SendableFor - time.Hour

// envelope is what a request holds beside its events: a test code, a proof of the secret, brackets.
const envelope = 1 << 10

// together takes from due, in its order, what may share a call with the first: same dataset, same test
// code, same revision of the bytes, suspects with suspects, as few as the smallest limit allows, and no more bytes than a
// request may have. The first always goes.
func together(due []Delivery, now time.Time) []Delivery {
	first, size := due[0], 0
	batch := make([]Delivery, 0, min(len(due), capi.MaxBatch))
	for _, d := range due {
		if len(batch) == capi.MaxBatch || first.BatchLimit > 0 && len(batch) == first.BatchLimit {
			break
		}
		if !first.sharesWith(d, now) {
			continue
		}
		if size += len(d.Payload) + 1; size > capi.MaxBatchBytes-envelope && len(batch) > 0 {
			break
		}
		batch = append(batch, d)
	}
	return batch
}

// end is where the last of a call's events stands: those before it have gone, and what is left of them on disk
// need not be passed again by a batch that follows at once.
func (c *Call) end() Place {
	last := c.Deliveries[len(c.Deliveries)-1]
	return Place{last.Due, last.ID}
}

func (d Delivery) sharesWith(other Delivery, now time.Time) bool {
	return d.Dataset == other.Dataset && d.TestCode == other.TestCode && d.Revision == other.Revision &&
		d.BatchLimit == other.BatchLimit && d.isSuspect() == other.isSuspect() && d.isAging(now) == other.isAging(now)
}

func (d Delivery) isAging(now time.Time) bool { return now.Sub(d.EventAt) > aging }

// Revisions of an event's bytes. The first is frozen when the event is queued; the bare one is the same
// without what it says about the person beyond the click, allowed only after Meta definitely refused the
// first (ledger 20).
const (
	Frozen = 1
	Bare   = 2
)

// payloads are the bytes of the call's events in its revision.
func (c *Call) payloads() [][]byte {
	events := make([][]byte, len(c.Deliveries))
	for i, d := range c.Deliveries {
		events[i] = d.Payload
		if c.Revision == Bare {
			events[i], _ = capi.StripExtras(d.Payload)
		}
	}
	return events
}

func (c *Call) carriesExtras() bool {
	return slices.ContainsFunc(c.Deliveries, func(d Delivery) bool {
		_, changed := capi.StripExtras(d.Payload)
		return changed
	})
}
