package forwarder

import (
	"github.com/clickthread/clickthread/capi"
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
