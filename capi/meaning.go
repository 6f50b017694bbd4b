package capi

import (
	"errors"
	"slices"
)

// What a failure means when Meta named no code, or one that is not in the table.
var (
	passing    = Explanation{Verdict: Again, What: "Meta says that this error passes", Fix: sentAgain}
	tooMany    = Explanation{Verdict: Throttled, What: "Meta asks to slow down", Fix: byItself}
	noneTaken  = Explanation{Verdict: Again, What: "Meta answered, but took none of the events", Fix: "it is sent again by itself; if this goes on, check the dataset in Events Manager"}
	notSent    = Explanation{Verdict: Again, What: "Meta could not be reached", Fix: "check network, DNS, certificates and the clock; it is sent again by itself"}
	tooLarge   = Explanation{Verdict: Refused, What: "the batch is larger than one request may be", Fix: "nothing: it is sent again in halves"}
	noAnswer   = Explanation{Verdict: Unknown, What: "the request left, but no answer to rely on came back", Fix: "Meta may have the events: the account's setting for unknown outcomes says whether they are sent again"}
	miscount   = Explanation{Verdict: Unknown, What: "Meta's receipt counts another number of events than were sent", Fix: "it is sent again in halves; what was in doubt three times waits for a person: look for it in Events Manager, then cancel or release it (clickthread events cancel|release)"}
	redirected = Explanation{Verdict: Again, What: "the answer was a redirect, which is never followed", Fix: "check the Graph address and any proxy on the way; it is sent again by itself"}
	notMeta    = Explanation{Verdict: Again, What: "something on the way refused in Meta's place", Fix: "check the Graph address, and what a proxy or firewall on the way asks for; it is sent again by itself"}
	// Seen with code 100 and no subcode, where Meta's documents lead one to expect 104 (facebook-python-business-sdk, issue 528).
	wrongSecret = Explanation{Verdict: Pause, What: "Meta refuses the proof of the app's secret, or asks for one", Fix: "see that the first of meta.app_secrets is that of the token's own app, and set or take out send.appsecret_proof"}
	gateway     = Explanation{Verdict: Unknown, What: "a gateway on the way answered in Meta's place, so nobody knows whether Meta has the events", Fix: "the account's setting for unknown outcomes says whether they are sent again"}
	metaDown    = Explanation{Verdict: Again, What: "Meta, or a proxy on the way, is in trouble", Fix: sentAgain}
	cutShort    = Explanation{Verdict: Again, What: "Meta refused, but its answer was cut short", Fix: "nothing: it is sent again to read why"}
	unclear     = Explanation{Verdict: Unclear, What: "Meta refused for a reason we do not know", Fix: "read Meta's words in the answer and correct the rule, then release or cancel it: clickthread events release|cancel"}

	// The same for calls that do not send events.
	unreached = Explanation{Verdict: Again, What: "Meta could not be reached", Fix: "check network, DNS, certificates and the clock, then run it again"}
	noReply   = Explanation{Verdict: Again, What: "no answer to rely on came back", Fix: "run it again; doing it twice does no harm"}
)

// Explanations is the whole table: Meta's codes, then what is concluded about events where Meta named
// none.
func Explanations() []Explanation {
	return slices.Concat(codes, []Explanation{
		passing, tooMany, noneTaken, notSent, tooLarge, noAnswer, miscount, redirected, gateway, metaDown, cutShort, notMeta, wrongSecret, unclear,
	})
}

// explanation finds the row for e.
func (e *Error) explanation() Explanation {
	if e.HTTPStatus == 429 {
		return tooMany
	}
	row, known := lookUp(e.Code, e.Subcode)
	switch {
	case e.Transient && (!known || row.Verdict == Refused):
		return passing
	case e.Code == 100 && e.Subcode == 0 && e.Type == "GraphMethodException":
		return wrongSecret
	case known:
		return row
	case errors.Is(e.Err, errTooLarge), e.HTTPStatus == 413 && e.Code == 0 && e.Events > 1:
		return tooLarge
	default:
		return e.withoutCode()
	}
}

func lookUp(code, subcode int) (Explanation, bool) {
	for _, row := range codes {
		inRange := code == row.Code || code > row.Code && code <= row.UpTo
		if inRange && (row.Subcode == 0 || row.Subcode == subcode) {
			return row, true
		}
	}
	return Explanation{}, false
}

// withoutCode goes by how far the request came: a request that got a status of 400 or more was not
// taken; one that was sent and got no answer, a 200 that cannot be relied on, or only the word of a
// gateway, may have been. That matters for events alone: the other calls may be made twice.
func (e *Error) withoutCode() Explanation {
	unsure := e.HTTPStatus < 300 || e.HTTPStatus == 502 || e.HTTPStatus == 504
	_, counted := errors.AsType[ShortCount](e.Err)
	switch {
	case errors.Is(e.Err, ErrNoneTaken):
		return noneTaken
	case counted:
		return miscount
	case e.HTTPStatus == 0 && !e.Sent && e.Op != "":
		return unreached
	case e.HTTPStatus == 0 && !e.Sent:
		return notSent
	case unsure && e.Op != "":
		return noReply
	case e.HTTPStatus < 300:
		return noAnswer
	case unsure:
		return gateway
	case e.HTTPStatus < 400:
		return redirected
	case e.HTTPStatus >= 500:
		return metaDown
	case e.Err != nil:
		return cutShort
	case e.Code == 0:
		return notMeta
	default:
		return unclear
	}
}
