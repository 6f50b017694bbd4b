// Package whatsapp reads the WhatsApp Cloud API's inbound words: it verifies that a webhook came from
// Meta and decodes it into notifications, messages, referrals, statuses and automatic events.
//
// Decoding never loses a neighbour: one POST may carry a thousand updates of many accounts, so an
// item of the wrong shape is set aside as Malformed and the rest is read. Types and fields that Meta
// adds later decode to what is known of them. Every decoded string is valid UTF-8 without NUL; the
// bytes as they were received stay beside it.
package whatsapp

import (
	"encoding/json"
	"strings"
	"time"
)

// Notification is one POST from Meta (Meta, "Webhooks reference"): up to 1,000 updates, possibly of
// several WhatsApp Business Accounts.
type Notification struct {
	Entries []Entry
}

// Entry is what one POST says about one WhatsApp Business Account.
type Entry struct {
	WABA    string // the account's id
	Changes []Change
	Raw     []byte // the entry as received, to be kept when the account is unknown
}

// Change is one update of one subscribed field. A field that is not read here has only its Field,
// its numbers and whatever lists it shares with the others.
type Change struct {
	Field           string // "messages", "smb_message_echoes", "history", "automatic_events", ...
	PhoneNumberID   string // the business number's id; empty on account-level fields
	DisplayNumber   string // the business number as digits
	Contacts        []Contact
	Messages        []Message // what shoppers wrote
	Statuses        []Status
	Echoes          []Message        // what the business wrote in its own app: WAID is the business, To the shopper
	History         []Message        // chats older than the subscription; must never fire anything
	AutomaticEvents []AutomaticEvent // conversions that Meta detected by itself
	Errors          []Error          // errors of the account or app, not of one message
	Malformed       []Malformed
}

// Contact is how Meta introduces a shopper. Either id may be missing since usernames exist.
type Contact struct {
	WAID         string // phone number as WhatsApp knows it, not always as it is dialled
	UserID       string // business-scoped user id: "BR.7001..."
	ParentUserID string
	Name         string
	Username     string
}

// Status is the fate of a message that the business sent (Meta, "status messages webhook reference").
type Status struct {
	ID           string // the message's id, shared by all its statuses
	State        string // "sent", "delivered", "read", "failed", "played", "captured", ...
	Type         string // "payment" on payment statuses, else usually empty
	WAID         string // the recipient's phone number
	UserID       string
	CallbackData string // biz_opaque_callback_data, as the sender set it
	Timestamp    time.Time
	Errors       []Error
	Raw          []byte // the status as received
}

// AutomaticEvent is a conversion that Meta found in a thread (Meta, "Automatic events").
type AutomaticEvent struct {
	ID        string // the id of the message that Meta judged
	EventName string // "LeadSubmitted" or "Purchase"; "purchase" from the dashboard's test button
	ClickID   string // ctwa_clid; missing for ads in WhatsApp Status
	Timestamp time.Time
	Currency  string
	Value1000 json.Number // the price times 1,000 ("25000" is 25.00); empty if absent or not a plain decimal
	Raw       []byte      // the event as received
}

// Amount is the price in major units as a plain decimal: "25000" is "25"; empty if Meta gave none.
func (e AutomaticEvent) Amount() string {
	whole, fraction, _ := strings.Cut(string(e.Value1000), ".")
	if whole == "" {
		return ""
	}
	whole = strings.Repeat("0", max(0, 4-len(whole))) + whole
	point := len(whole) - 3
	return strings.TrimRight(strings.TrimRight(whole[:point]+"."+whole[point:]+fraction, "0"), ".")
}

// Error is an error that Meta reports inside a notification (Meta, "Error codes").
type Error struct {
	Code    int
	Title   string
	Message string
	Details string
	Href    string
}

// Malformed is an item that is valid JSON of the wrong shape. It is kept so that nothing is dropped
// silently.
type Malformed struct {
	Kind string // "message", "status", "echo", "history", "automatic_event", "contact", "error", "metadata", "value"
	Raw  []byte // the item as received
	Err  error
}
