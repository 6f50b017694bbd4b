package forwarder

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/reason"
)

// Backoff between tries of one event.
const (
	firstWait = 2 * time.Second
	longWait  = time.Hour
	// throttleWait is how long a lane rests when Meta throttles without saying for how long.
	throttleWait = time.Minute
	// lastChance is how long before it can no longer be claimed an event is tried once more.
	lastChance = 2 * time.Minute
	// probeWait is how often a paused lane tries one call to see whether a person has mended it.
	probeWait = 10 * time.Minute
	// keptAnswer is how much of an answer is kept: Meta's are below 1 KiB, a proxy's page says all in its beginning.
	keptAnswer = 16 << 10
)

// decide turns Meta's answer into what is written. It is the only place that knows how an error of
// the client becomes a state of the ledger.
func decide(call *Call, receipt capi.Receipt, err error, policy account.UnknownPolicy, now time.Time) Settlement {
	if err == nil {
		s := Settlement{
			Outcome: Accepted, HTTPStatus: receipt.HTTPStatus, TraceID: receipt.TraceID, Answer: kept(receipt.Body),
			EndedAt: now, To: Sent,
		}
		if receipt.Wait > 0 {
			s.Pause = &Pause{now.Add(receipt.Wait), Throttled, "the business has used up its calls; sending goes on by itself when Meta says so"}
		}
		return s
	}
	var refusal *capi.Error
	if !errors.As(err, &refusal) {
		refusal = &capi.Error{Err: err}
	}
	s := Settlement{
		Outcome: Failed, HTTPStatus: refusal.HTTPStatus, Code: refusal.Code, Subcode: refusal.Subcode,
		Words: inWords(refusal), TraceID: refusal.TraceID, Answer: kept(refusal.Body), EndedAt: now,
		To: Queued, Due: nextTry(call, now),
	}
	switch refusal.Retry() {
	case capi.Throttled:
		s.Pause = &Pause{now.Add(cmp.Or(refusal.Wait(), throttleWait)), Throttled, s.Words}
		s.Due = now // the pause is the wait
	case capi.Pause:
		s.Outcome, s.Due = Refused, now
		s.Pause = &Pause{now.Add(probeWait), AccountWrong, s.Words}
	case capi.Refused:
		s.refuse(call, refusal, reason.MetaRefused, Rejected)
	case capi.Unclear:
		s.refuse(call, refusal, reason.MetaUnknown, Held)
	case capi.Unknown:
		s.Outcome = Unknown
		if policy == account.Hold {
			s.To, s.Reason = Held, reason.UnknownOutcome
		} else if _, short := errors.AsType[capi.ShortCount](refusal.Err); short {
			s.doubt(call)
		}
	case capi.Again:
	}
	if wait := refusal.Wait(); wait > 0 && s.Pause == nil { // whatever else it says
		s.Pause = &Pause{now.Add(wait), Throttled, "Meta asks to be left alone for a while; sending goes on by itself"}
	}
	s.narrow(call, refusal)
	return s
}

func kept(answer []byte) []byte { return answer[:min(len(answer), keptAnswer)] }

// inWords says what happened, why, and what to do.
func inWords(refusal *capi.Error) string {
	what, fix := refusal.Words()
	if why := refusal.Cause(); why != "" {
		what += " (" + why + ")"
	}
	return what + "; " + fix
}

// refuse ends a single event. Of a batch, the event that Meta names goes alone next, and the others
// together without it: were the name wrong, nothing good would be lost. Where Meta names none, the batch
// is split in two halves. Both are sent again at once, and the bad event is found in at most
// 2*ceil(log2 n)+1 calls. A refusal of what an event says about the person is answered by sending it
// without (ledger 20).
func (s *Settlement) refuse(call *Call, refusal *capi.Error, why reason.Code, to Status) {
	s.Outcome = Refused
	n := len(call.Deliveries)
	if refusal.ExtrasRefused() && call.Revision < Bare && call.carriesExtras() {
		s.To, s.Due, s.Revision = Queued, s.EndedAt, Bare
		if named, ok := refusal.Event(); ok && n > 1 {
			s.Alone = call.Deliveries[named].ID
		}
		return
	}
	if n == 1 {
		s.To, s.Reason = to, why
		return
	}
	s.To, s.Due = Queued, s.EndedAt
	if named, ok := refusal.Event(); ok {
		s.Alone = call.Deliveries[named].ID
		return
	}
	s.BatchLimit = half(call)
}

// nextTry is when the events of a call are tried again. However long the backoff is by now, the oldest
// gets a last chance before it is too old.
func nextTry(call *Call, now time.Time) time.Time {
	due := now.Add(backoff(attempts(call)))
	for _, d := range call.Deliveries {
		if last := d.EventAt.Add(ClaimableFor - lastChance); last.Before(due) && last.After(now) {
			due = last
		}
	}
	return due
}

// attempts is how often the most tried event of a call was sent, this call included.
func attempts(call *Call) int {
	most := 0
	for _, d := range call.Deliveries {
		most = max(most, d.Attempts)
	}
	return most + 1
}

// backoff doubles from 2 s to 1 h, with a fifth of jitter either way so that a crowd spreads out.
func backoff(attempt int) time.Duration {
	wait := longWait
	if attempt < 12 {
		wait = min(longWait, firstWait<<(attempt-1))
	}
	return wait*4/5 + rand.N(wait*2/5)
}
