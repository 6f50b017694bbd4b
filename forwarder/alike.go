package forwarder

import (
	"errors"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/reason"
)

// A refusal that nobody knows may be about one event, or about all that the account sends. Taking batches of
// the second kind apart would cost two calls an event, only to hold them all.

const (
	// probeAfter is how many batches in a row are refused alike before single events are tried: to find one bad
	// event takes no more than two in a row, since of two halves one is taken.
	probeAfter = 3
	// probes is how many single events in a row, out of such batches, are refused alike before whole batches are
	// held. Were every second event good, they would be held by mistake once in 32 times.
	probes = 5
)

// alike is what a lane remembers of calls that were refused with one code, since the last that was taken.
type alike struct {
	code, subcode int
	batches       int
	alone         int // events that had been in such a batch before
}

// recognise lets a lane stop taking batches apart where all that it sends is refused for the same unknown
// reason: it tries some single events next, and where they fare no better, it holds what is refused with them.
func (l *lane) recognise(call *Call, err error, s *Settlement) {
	if s.Outcome == Accepted {
		l.alike = alike{}
	}
	refusal, refused := errors.AsType[*capi.Error](err)
	if !refused || refusal.Retry() != capi.Unclear || s.Alone != uuid.Nil {
		return
	}
	if l.alike.code != refusal.Code || l.alike.subcode != refusal.Subcode {
		l.alike = alike{code: refusal.Code, subcode: refusal.Subcode}
	}
	if len(call.Deliveries) == 1 {
		l.alike.alone += min(call.Deliveries[0].Attempts, 1)
		return
	}
	l.alike.batches++
	switch {
	case l.alike.alone >= probes:
		s.To, s.Reason, s.BatchLimit = Held, reason.MetaUnknown, 0
	case l.alike.batches >= probeAfter:
		s.Alone = call.Deliveries[0].ID
	}
}
