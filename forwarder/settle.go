package forwarder

import (
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
	// probeWait is how often a paused lane tries one call to see whether a person has mended it.
	probeWait = 10 * time.Minute
)

// decide turns Meta's answer into what is written. It is the only place that knows how an error of
// the client becomes a state of the ledger.
func decide(call *Call, receipt capi.Receipt, err error, policy account.UnknownPolicy, now time.Time) Settlement {
	if err == nil {
		return Settlement{
			Outcome: Accepted, HTTPStatus: receipt.HTTPStatus, TraceID: receipt.TraceID, Answer: receipt.Body,
			EndedAt: now, To: Sent,
		}
	}
	var refusal *capi.Error
	if !errors.As(err, &refusal) {
		refusal = &capi.Error{Err: err}
	}
	what, fix := refusal.Words()
	s := Settlement{
		Outcome: Failed, HTTPStatus: refusal.HTTPStatus, Code: refusal.Code, Subcode: refusal.Subcode,
		Words: what + "; " + fix, TraceID: refusal.TraceID, Answer: refusal.Body, EndedAt: now,
		To: Queued, Due: now.Add(backoff(attempts(call))),
	}
	switch refusal.Retry() {
	case capi.Throttled:
		s.PauseUntil, s.PauseWords = now.Add(throttleWait), s.Words
	case capi.Pause:
		s.Outcome = Refused
		s.Due = now
		s.PauseUntil, s.PauseWords = now.Add(probeWait), s.Words
	case capi.Refused:
		s.refuse(len(call.Deliveries), reason.MetaRefused, Rejected)
	case capi.Unclear:
		s.refuse(len(call.Deliveries), reason.MetaUnknown, Held)
	case capi.Unknown:
		s.Outcome = Unknown
		if policy == account.Hold {
			s.To, s.Reason = Held, reason.UnknownOutcome
		}
	case capi.Again:
	}
	return s
}

// refuse ends a single event, or splits a batch in two halves that are sent again at once: the bad
// event is found in at most 2*ceil(log2 n)+1 calls, and its neighbours arrive.
func (s *Settlement) refuse(n int, why reason.Code, to Status) {
	s.Outcome = Refused
	if n > 1 {
		s.To, s.Due, s.BatchLimit = Queued, s.EndedAt, (n+1)/2
		return
	}
	s.To, s.Reason = to, why
}

func attempts(call *Call) int {
	most := 1
	for _, d := range call.Deliveries {
		most = max(most, d.Attempts)
	}
	return most
}

// backoff doubles from 2 s to 1 h, with a fifth of jitter either way so that a crowd spreads out.
func backoff(attempt int) time.Duration {
	wait := longWait
	if attempt < 12 {
		wait = min(longWait, firstWait<<(attempt-1))
	}
	return wait*4/5 + rand.N(wait*2/5)
}
