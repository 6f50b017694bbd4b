// Package reason is the closed list of why an event is not at Meta, and the words a person reads.
//
// Rules, attribution, the ledger, the tests in rule files ("because:") and the commands all speak
// from this one list, so that a reason seen in one place can be searched for in every other.
package reason

import "slices"

// Code is one reason from the closed list; the zero value means "no reason: nothing is in the way".
// Codes are stored and printed as they stand here, so they never change.
type Code string

// The closed list. A new code needs a line here, one in words and one in docs/ledger.md 19.
const (
	None Code = ""

	// No click to attribute to: the trigger waits as "unattributed".
	NoClickID           Code = "no_click_id"
	ClickExpired        Code = "click_expired"
	StatusAdWithoutClid Code = "status_ad_without_clid"

	// Held: a person, or a later message, has to complete it.
	ValueMissing    Code = "value_missing"
	ValueAmbiguous  Code = "value_ambiguous"
	ValueOutOfRange Code = "value_out_of_range"
	TwoContacts     Code = "two_contacts"
	MetaDetected    Code = "meta_detected"
	MetaUnknown     Code = "meta_unknown"
	UnknownOutcome  Code = "unknown_outcome"

	// Ended without being sent.
	MetaRefused    Code = "meta_refused"
	TooOld         Code = "too_old"
	Refunded       Code = "refunded"
	OrderCancelled Code = "order_cancelled"
	Erased         Code = "erased"
	OptedOut       Code = "opted_out"
	Shadow         Code = "shadow"
	CancelIf       Code = "cancel_if"
	ToldByRule     Code = "told_by_rule"
	ByHand         Code = "by_hand"

	// Why a trigger yields nothing at all.
	NotFromChat    Code = "not_from_chat"
	NoConversation Code = "no_conversation"
	OtherAccount   Code = "other_account"
	NoMatch        Code = "no_match"
	OnceClaimed    Code = "once_claimed"
	Shadowed       Code = "shadowed"
	ValueSkipped   Code = "value_skipped"
	IfUnmet        Code = "if_unmet"
)

var words = map[Code]string{
	NoClickID:           "no ad click is known for this conversation, so Meta has nothing to attribute the event to",
	ClickExpired:        "the last ad click was more than 7 days before the event, and Meta counts a click for 7 days",
	StatusAdWithoutClid: "the click came from an ad in WhatsApp Status, for which Meta sends no click id",
	ValueMissing:        "the rule needs an amount with a currency and found none",
	ValueAmbiguous:      "the amount can be read in more than one way, and money is never guessed",
	ValueOutOfRange:     "the amount is zero, or outside the rule's min and max",
	TwoContacts:         "two different people fit, and one would be a guess",
	MetaDetected:        "Meta already reported this event by itself for the same click",
	MetaUnknown:         "Meta refused it with an answer that is not in our table",
	UnknownOutcome:      "the request left, nobody knows whether Meta took the event, and to send it again might count it twice",
	MetaRefused:         "Meta refused this event",
	TooOld:              "it is older than 7 days, and Meta takes no events older than that",
	Refunded:            "the order was refunded before the event was sent",
	OrderCancelled:      "the order was cancelled before the event was sent",
	Erased:              "the person's data was erased",
	OptedOut:            "the person opted out",
	Shadow:              "the rule is in shadow mode: recorded, never sent",
	CancelIf:            "what the rule's 'cancel_if' listens for happened while the event waited",
	ToldByRule:          "a rule tells Meta of this event for the same click, so what Meta detected by itself is not needed",
	ByHand:              "a person cancelled it",
	NotFromChat:         "the order does not say that it came from the chat",
	NoConversation:      "no conversation fits the order",
	OtherAccount:        "the rule file belongs to another account",
	NoMatch:             "no rule matched",
	OnceClaimed:         "the rule already fired as often as its 'once' allows",
	Shadowed:            "an earlier rule sends the same event name for this message",
	ValueSkipped:        "no clear amount was found, and the rule says to skip then",
	IfUnmet:             "the rule's 'if' does not hold",
}

// Values are the codes for which an event is held until an amount is clear (ledger 17).
func Values() []Code { return []Code{ValueMissing, ValueAmbiguous, ValueOutOfRange} }

// Words says the reason as a sentence part without a full stop, for people who never read the code.
// An unknown code comes back as it is.
func (c Code) Words() string {
	if w, ok := words[c]; ok {
		return w
	}
	return string(c)
}

// Known reports whether c is on the closed list.
func (c Code) Known() bool { _, ok := words[c]; return ok }

// All returns every code, sorted.
func All() []Code {
	all := make([]Code, 0, len(words))
	for c := range words {
		all = append(all, c)
	}
	slices.Sort(all)
	return all
}
