package capi

import "errors"

// meaning is one row of the table: what a failure means, what to do, and the same for people.
type meaning struct {
	code    int // Meta's error code
	upTo    int // last code of a range that begins with code; 0 = the one code
	subcode int // 0 = every subcode that has no row before this one
	verdict Verdict
	what    string // a sentence part, no full stop
	fix     string // what a person can do
}

// codes is everything we know about Meta's codes; the first row that fits is taken, so a code's
// subcodes stand before the code (Meta, Graph API: Error codes; Meta, Conversions API: Error codes;
// messaging subcodes as seen in live answers). A new code is a row here and one in the test.
var codes = []meaning{
	// One event is wrong, and with it the batch.
	{code: 100, subcode: 2804066, verdict: Refused, what: "Meta does not take this event name for WhatsApp", fix: "use one of Meta's names for messaging, for example LeadSubmitted instead of Lead"},
	{code: 100, subcode: 2804087, verdict: Refused, what: "Meta does not know this click id", fix: "check that the ad belongs to the ad account connected to this dataset; a made-up or altered click id is never taken"},
	{code: 100, subcode: 2804063, verdict: Refused, what: "the event does not say its messaging channel", fix: "send messaging_channel \"whatsapp\" with it"},
	{code: 100, subcode: 2804064, verdict: Refused, what: "the event carries a field that messaging events may not have", fix: "send only the WhatsApp Business Account id and the click id about the person"},
	{code: 100, subcode: 2804003, verdict: Refused, what: "the event is more than 7 days old", fix: "nothing can be done for this event; find out why it waited so long"},
	{code: 100, subcode: 2804009, verdict: Refused, what: "the Purchase has no value or no currency", fix: "let the rule or the order give an amount with its currency"},
	{code: 100, subcode: 2804075, verdict: Refused, what: "Meta took this for an Instagram event without an ig_sid", fix: "send messaging_channel \"whatsapp\", or use the WhatsApp account's own dataset"},
	{code: 100, subcode: 2804079, verdict: Refused, what: "Meta took this for an Instagram event without an account id", fix: "send messaging_channel \"whatsapp\", or use the WhatsApp account's own dataset"},
	{code: 100, subcode: 2804133, verdict: Refused, what: "Meta took this for an Instagram event, and the dataset has no Instagram account", fix: "send messaging_channel \"whatsapp\", or use the WhatsApp account's own dataset"},

	// The account is set up wrongly: nothing it sends can succeed.
	{code: 100, subcode: 33, verdict: Pause, what: "the dataset does not exist, or the token may not use it", fix: "check the dataset id and assign the token's system user to the dataset with the task UPLOAD"},
	{code: 190, subcode: 460, verdict: Pause, what: "the token ended because its owner changed their password", fix: "make a new token, better one of a system user,; sending is tried again every 10 minutes"},
	{code: 190, subcode: 463, verdict: Pause, what: "the token has expired", fix: "make a new token, better one of a system user that never expires,; sending is tried again every 10 minutes"},
	{code: 190, subcode: 467, verdict: Pause, what: "the token was revoked", fix: "make a new token; sending is tried again every 10 minutes"},
	{code: 190, verdict: Pause, what: "Meta does not accept the token", fix: "make a new token; sending is tried again every 10 minutes"},
	{code: 10, verdict: Pause, what: "the token lacks a permission", fix: "give the token whatsapp_business_manage_events; sending is tried again every 10 minutes"},
	{code: 200, upTo: 299, verdict: Pause, what: "the token lacks a permission", fix: "give the token whatsapp_business_manage_events; sending is tried again every 10 minutes"},
	{code: 803, verdict: Pause, what: "Meta does not know the dataset by this name", fix: "set the dataset's numeric id; sending is tried again every 10 minutes"},
	{code: 102, verdict: Pause, what: "the token's session has ended", fix: "make a new token; sending is tried again every 10 minutes"},
	{code: 104, verdict: Pause, what: "the app asks for a signed token, and the signature is missing or wrong", fix: "set the app's secret, or turn off \"Require app secret\" in the app's settings"},

	// Too much, too fast.
	{code: 4, verdict: Throttled, what: "the app has used up its calls", fix: "nothing: sending goes on by itself after a wait"},
	{code: 17, verdict: Throttled, what: "the token's owner has used up their calls", fix: "nothing: sending goes on by itself after a wait"},
	{code: 32, verdict: Throttled, what: "the page has used up its calls", fix: "nothing: sending goes on by itself after a wait"},
	{code: 341, verdict: Throttled, what: "the app has reached its limit for now", fix: "nothing: sending goes on by itself after a wait"},
	{code: 613, verdict: Throttled, what: "calls come faster than Meta allows", fix: "nothing: sending goes on by itself after a wait"},
	{code: 80000, upTo: 80014, verdict: Throttled, what: "the business has used up its calls", fix: "nothing: sending goes on by itself after a wait"},
	{code: 368, verdict: Throttled, what: "Meta has blocked this for a time because of its policies", fix: "read what Meta objects to in Business Support Home; sending is tried again after a wait"},

	// Meta's own trouble.
	{code: 1, verdict: Again, what: "Meta reports an unknown error of its own", fix: "nothing: it is sent again by itself"},
	{code: 2, verdict: Again, what: "Meta's service is down for a moment", fix: "nothing: it is sent again by itself"},
	{code: 5000, verdict: Again, what: "Meta reports an unknown error of its own", fix: "nothing: it is sent again by itself"},
	{code: 3910001, verdict: Again, what: "Meta's service is down for a moment", fix: "nothing: it is sent again by itself"},

	// Every other 100, among them 2804001, 2804007, 2804016, 2804017, 2804019, 2804048 and 2804050.
	{code: 100, verdict: Refused, what: "Meta finds something wrong in the event", fix: "read Meta's words in the answer and correct the rule or the order's data"},
}

// What a failure means when Meta named no code, or one that is not in the table.
var (
	passing    = meaning{verdict: Again, what: "Meta says that this error passes", fix: "nothing: it is sent again by itself"}
	tooMany    = meaning{verdict: Throttled, what: "Meta asks to slow down", fix: "nothing: sending goes on by itself after a wait"}
	noneTaken  = meaning{verdict: Again, what: "Meta answered, but took none of the events", fix: "it is sent again by itself; if this goes on, check the dataset in Events Manager"}
	notSent    = meaning{verdict: Again, what: "Meta could not be reached", fix: "check network, DNS, certificates and the clock; it is sent again by itself"}
	noAnswer   = meaning{verdict: Unknown, what: "the request left, but no answer to rely on came back", fix: "Meta may have the events: the account's setting for unknown outcomes says whether they are sent again"}
	redirected = meaning{verdict: Unclear, what: "the answer was a redirect, which is never followed", fix: "check the Graph address and any proxy on the way"}
	gateway    = meaning{verdict: Unknown, what: "a gateway on the way answered in Meta's place, so nobody knows whether Meta has the events", fix: "the account's setting for unknown outcomes says whether they are sent again"}
	metaDown   = meaning{verdict: Again, what: "Meta, or a proxy on the way, is in trouble", fix: "nothing: it is sent again by itself"}
	cutShort   = meaning{verdict: Again, what: "Meta refused, but its answer was cut short", fix: "nothing: it is sent again to read why"}
	unclear    = meaning{verdict: Unclear, what: "Meta refused for a reason we do not know", fix: "read Meta's words in the answer, and correct the rule; the event stays held"}
)

// meaning finds the row for e.
func (e *Error) meaning() meaning {
	if e.HTTPStatus == 429 {
		return tooMany
	}
	m, known := lookUp(e.Code, e.Subcode)
	switch {
	case e.Transient && (!known || m.verdict == Refused):
		return passing
	case known:
		return m
	default:
		return e.withoutCode()
	}
}

func lookUp(code, subcode int) (meaning, bool) {
	for _, m := range codes {
		inRange := code == m.code || code > m.code && code <= m.upTo
		if inRange && (m.subcode == 0 || m.subcode == subcode) {
			return m, true
		}
	}
	return meaning{}, false
}

// withoutCode goes by how far the request came: a request that got a status of 400 or more was not
// taken; one that was sent and got no answer, a 200 that cannot be relied on, or only the word of a
// gateway, may have been.
func (e *Error) withoutCode() meaning {
	switch {
	case errors.Is(e.Err, ErrNoneTaken):
		return noneTaken
	case e.HTTPStatus == 0 && !e.Sent:
		return notSent
	case e.HTTPStatus < 300:
		return noAnswer
	case e.HTTPStatus < 400:
		return redirected
	case e.HTTPStatus == 502 || e.HTTPStatus == 504:
		return gateway
	case e.HTTPStatus >= 500:
		return metaDown
	case e.Err != nil:
		return cutShort
	default:
		return unclear
	}
}
