package forwarder

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/reason"
)

// How a batch that fails again and again is taken apart, so that what is wrong with one event does not
// keep the others from Meta.

// suspectAfter is how often an event may fail before it may be what makes its calls fail. Suspects share
// calls only among themselves, and fewer share the next one each time that they fail.
const suspectAfter = 3

func (d Delivery) isSuspect() bool { return d.Attempts >= suspectAfter }

// half is how many events of a failed call share the next ones.
func half(call *Call) int { return (len(call.Deliveries) + 1) / 2 }

// narrow halves a batch that has failed too often. A call that nobody answered for certain counts, one that
// never left says nothing about its events. What a real outage halves is whole again when it is over: see
// lane.heal.
func (s *Settlement) narrow(call *Call, refusal *capi.Error) {
	failed := s.Outcome == Unknown || s.Outcome == Failed && s.Pause == nil && refusal.HTTPStatus != 0
	if failed && s.To == Queued && len(call.Deliveries) > 1 && attempts(call) >= suspectAfter {
		s.BatchLimit = half(call)
	}
}

// heal ends the limits that events got while the line was down: a call that is taken after a rest shows
// that it was the line, and not the events, as far as anybody can tell.
func (l *lane) heal(call *Call, s Settlement) {
	if s.Outcome == Accepted && (call.Rested == BreakerOpen || call.Rested == AccountWrong) {
		l.healed = s.EndedAt
	}
}

// whole are the deliveries without the limits that they got before their lane healed.
func (c Claim) whole(due []Delivery) []Delivery {
	for i := range due {
		if due[i].UpdatedAt.Before(c.Healed) {
			due[i].BatchLimit = 0
		}
	}
	return due
}

// mostDoubts is how many calls with an unknown outcome an event may have been in when Meta itself counts
// fewer events than it was sent: to send it once more would only count others twice (ADR 9).
const mostDoubts = 3

// doubt holds what was in doubt too often, whatever the account's policy, and halves the batch: one of its
// events is what Meta does not count.
func (s *Settlement) doubt(call *Call) {
	s.Doubts = mostDoubts
	if len(call.Deliveries) > 1 {
		s.BatchLimit = half(call)
	}
}

// earlier lets an event that goes alone go before the rest of its batch and of others.
func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Part is what becomes of some of a call's deliveries.
type Part struct {
	Settlement
	Deliveries []Delivery
}

// Parts tells what becomes of each delivery. Usually all fare alike; an event that goes alone next, and one that
// has been in doubt too often, do not.
func (s Settlement) Parts(call *Call) []Part {
	if s.Doubts == 0 && s.Alone == uuid.Nil {
		return []Part{{s, call.Deliveries}}
	}
	all, alone, held := Part{Settlement: s}, Part{Settlement: s}, Part{Settlement: s}
	alone.BatchLimit = 1
	held.To, held.Reason = Held, reason.UnknownOutcome
	for _, d := range call.Deliveries {
		switch {
		case s.Doubts > 0 && d.Unknowns+1 >= s.Doubts:
			held.Deliveries = append(held.Deliveries, d)
		case d.ID == s.Alone:
			alone.Due = earlier(s.Due, d.EventAt)
			alone.Deliveries = append(alone.Deliveries, d)
		default:
			all.Deliveries = append(all.Deliveries, d)
		}
	}
	if len(alone.Deliveries) > 0 {
		all.Revision = 0
	}
	return slices.DeleteFunc([]Part{all, alone, held}, func(p Part) bool { return len(p.Deliveries) == 0 })
}
