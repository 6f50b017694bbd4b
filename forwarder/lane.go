package forwarder

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"

	"github.com/clickthread/clickthread/capi"
)

// What one lane may do to Meta, whatever waits in it.
const (
	// callsPerSecond keeps a lane of many small batches from flooding: what is due meanwhile gathers and
	// goes together. Full batches do not count.
	callsPerSecond = 50
	// tripAfter is how many calls in a row fail before the lane rests.
	tripAfter = 5
	// A lane whose calls fail rests for half a minute, and twice as long each time its next call fails too.
	shortRest = 30 * time.Second
	longRest  = 10 * time.Minute
)

// lane is what this node remembers of an account's sending line. How long a lane rests stands in the
// queue, where it holds on every node and across a restart.
type lane struct {
	breaker *gobreaker.CircuitBreaker[capi.Receipt]
	pace    *rate.Limiter
	trips   int         // in a row, without a call that succeeded
	tripped bool        // by the last call
	resting Cause       // as last logged
	writing chan error  // the batch before, being written down; nil = none
	named   uuid.UUID   // the event that Meta named last; zero = none
	misled  bool        // Meta named an event, and took it when it came alone
	alike   alike       // refusals in a row
	waits   atomic.Bool // for its turn: a wake is under way
	healed  time.Time   // when a call was taken after a rest; limits from before say nothing
	after   Place       // where the batch before ended, when the next follows at once; zero = at the beginning
}

// wait is how long the next call has to wait for its turn, and spent says that one was made, of so many events.
func (l *lane) wait(now time.Time) time.Duration {
	return time.Duration(max(1-l.pace.TokensAt(now), 0) / callsPerSecond * float64(time.Second))
}

func (l *lane) spent(now time.Time, events int) {
	if events < capi.MaxBatch {
		l.pace.AllowN(now, 1)
	}
}

// writeBeside writes a batch down while the next is under way.
func (l *lane) writeBeside(write func() error) {
	l.writing = make(chan error, 1)
	go func() { l.writing <- write() }()
}

// written waits until the batch before is written down.
func (l *lane) written() error {
	if l.writing == nil {
		return nil
	}
	err := <-l.writing
	l.writing = nil
	return err
}

func newLane() *lane {
	l := &lane{pace: rate.NewLimiter(callsPerSecond, callsPerSecond)}
	l.breaker = gobreaker.NewCircuitBreaker[capi.Receipt](gobreaker.Settings{
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= tripAfter },
		IsSuccessful: answered,
		// The breaker says when to rest; it lets the next call through as a trial whenever that comes, because
		// the pause of the lane says how long.
		Timeout: time.Nanosecond,
		OnStateChange: func(_ string, _, to gobreaker.State) {
			l.tripped = to == gobreaker.StateOpen
			switch to {
			case gobreaker.StateOpen:
				l.trips++
			case gobreaker.StateClosed:
				l.trips = 0
			}
		},
	})
	return l
}

// answered reports whether Meta was there to answer: a refusal is no failure of the line.
func answered(err error) bool {
	var e *capi.Error
	if err == nil || !errors.As(err, &e) {
		return err == nil
	}
	return e.Retry() != capi.Again && e.Retry() != capi.Unknown
}

// weigh takes a settlement to halves where Meta's naming the bad event has misled us before: one event
// after the other would go alone, and the bad one last.
func (l *lane) weigh(call *Call, s *Settlement) {
	switch {
	case s.Alone == uuid.Nil:
		if s.Outcome == Accepted && len(call.Deliveries) == 1 && call.Deliveries[0].ID == l.named {
			l.misled = true
		}
	case l.misled:
		s.Alone = uuid.Nil
		if s.Revision == 0 {
			s.BatchLimit = half(call)
		}
	case s.Revision == 0:
		l.named = s.Alone
	}
}

// rest is how long the lane rests because of its last call: 0 unless call after call failed.
func (l *lane) rest() time.Duration {
	if !l.tripped {
		return 0
	}
	return min(shortRest<<min(l.trips-1, 10), longRest)
}
