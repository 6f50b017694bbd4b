package rules

import (
	"time"

	"github.com/clickthread/clickthread/reason"
)

// Facts is one thing that happened in a conversation, and what is known about the conversation, as
// the caller read it. Of Text and Caption, Tap, Cart, Template and Detected, those are set that say
// what happened.
type Facts struct {
	Trigger       string    // stable id of the message: what "once: always" claims; one for all statuses of a template
	Conversations []string  // ids of the conversation: the present one, then those merged into it (ledger 10, 14)
	Number        string    // phone_number_id of the business number
	At            time.Time // the message's own time

	Text, Caption string // what was written
	Ours          bool   // by the business, not by the customer
	Tap           *Tap
	Cart          *Cart
	Template      *Template
	Detected      *Detected

	Click    *Click      // the click this is attributed to, nil if none
	NoClick  reason.Code // why Click is nil
	Quoted   []string    // texts the business wrote in this conversation before, the newest first
	Sent     []string    // names of the events of earlier triggers that are sent or go out; held and cancelled ones are not
	Language string      // BCP 47 tag, where the caller knows it; else the template's

	Claimed func(key string) ClaimState // nil means that every key is free
}

// ClaimState says whether a claim may be taken.
type ClaimState int

// The states of a claim.
const (
	Free         ClaimState = iota
	Taken                   // once allows no more
	HeldForValue            // by a delivery that is held for a value_* reason: a clear amount completes it (ledger 17)
)

// Tap is a tapped reply button or template quick reply ("button"), list row ("list") or finished
// flow ("flow").
type Tap struct {
	Kind      string
	ID, Title string
	Name      string         // of a flow: "flow", or another native form
	Answers   map[string]any // of a flow: texts, json.Numbers, booleans, or lists of them
}

// Cart is WhatsApp's catalog order message (Meta, Webhooks: order messages).
type Cart struct {
	Items []CartItem
}

// CartItem is one line of a cart. Price is of one piece, in major units, as the decimal text that
// came over the wire.
type CartItem struct {
	ID       string
	Quantity int
	Price    string
	Currency string // ISO 4217
}

// Template is a template message that the business sent. Parameters are those of its body, by number
// from "1" or by name, as far as they are known.
type Template struct {
	Name, Language string
	Status         string // "sent", "delivered" or "read"; others are heard by no rule
	Parameters     map[string]string
}

// Detected is a conversion that Meta found by itself (Meta, Automatic events).
type Detected struct {
	Event    string
	Amount   string // in major units, as a plain decimal; empty if Meta gave none
	Currency string // ISO 4217
}

// Click is an ad click of the conversation.
type Click struct {
	Key        string // stable identity of the click inside its conversation
	AdID       string
	SourceType string // "ad" or "post"
	URL        string
	Headline   string
	At         time.Time
	NoClid     bool // came without ctwa_clid (ads in Status): kept because it explains, never attributed
}
