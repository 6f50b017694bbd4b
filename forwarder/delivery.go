// Package forwarder sees to it that every event reaches Meta, or says why not.
//
// A Delivery is our duty to hand one event to Meta. Its bytes are frozen when it is queued; the loop
// leases an account's lane, claims a batch, sends it as one Call, and settles what Meta answered.
// Every retry is a row, never a loop around the client.
package forwarder

import (
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/reason"
)

// Status is where a delivery stands (ledger 19). "unattributed" is the tenth state: it has no
// delivery yet and lives as attribution.Waiting.
type Status string

// The states of a delivery.
const (
	Waiting   Status = "waiting"   // a timer only
	Queued    Status = "queued"    // due, bytes frozen
	Sending   Status = "sending"   // in a call
	Sent      Status = "sent"      // Meta has it
	Held      Status = "held"      // needs a person, or a later message
	Rejected  Status = "rejected"  // Meta refused it for good
	Expired   Status = "expired"   // too old to send
	Cancelled Status = "cancelled" // refunded, cancelled, erased
	Skipped   Status = "skipped"   // recorded, never meant to be sent (shadow)
)

// Statuses lists every state a person may filter by.
func Statuses() []Status {
	return []Status{Waiting, Queued, Sending, Sent, Held, Rejected, Expired, Cancelled, Skipped, Unattributed}
}

// Unattributed is the state of a match that lacks its click.
const Unattributed Status = "unattributed"

// SendableFor is how old an event may be when it is sent: ten minutes less than the 7 days after
// which Meta refuses the whole batch it is in (subcode 2804003).
const SendableFor = 7*24*time.Hour - 10*time.Minute

// Delivery is our duty to hand one event to Meta.
type Delivery struct {
	Account string
	ID      uuid.UUID
	Status  Status
	Reason  reason.Code
	Detail  string // plain words beside the reason: Meta's answer, what is missing

	EventID   string // what Meta sees; unique per account and event name
	EventName string
	EventAt   time.Time // time of the message or order, never of sending
	Value     capi.Money
	Payload   []byte // the event's JSON, the same bytes from entering queued on (ledger 20); nil while it lacks a value

	Claim        string // the right to send this conversion once (ledger 14)
	Conversation uuid.UUID
	Trigger      uuid.UUID // id of the stored message that caused it
	Rule         string
	RuleSet      string // hash of the rule set that decided
	Why          string // what matched, in plain words
	ClickID      string
	AdID         string
	ClickAt      time.Time
	CancelIf     []byte // what cancels it while it waits, for rules.Cancels; nil = nothing does

	Dataset    string
	TestCode   string
	Due        time.Time
	Attempts   int
	Unknowns   int       // calls that carried it and whose outcome nobody knows
	Revision   int       // of the bytes that are sent: Frozen or Bare
	BatchLimit int       // most events it may share a call with; 0 = no limit
	Call       uuid.UUID // the last call that carried it; zero before the first
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Changes is what a batch of messages leads to. What is completed or cancelled was recorded before, and
// is left alone if it went on meanwhile.
type Changes struct {
	New       []Delivery
	Completed []Delivery // were held for want of a value, and are told what they lacked (ledger 17)
	Cancelled []Delivery // waited or were held
}

// HeldForValue reports whether a later match with a clear amount completes the delivery (ledger 17).
func (d Delivery) HeldForValue() bool {
	return d.Status == Held && slices.Contains(reason.Values(), d.Reason)
}

// GoesOut reports whether Meta has the event, or will have it unless something gets in between.
func (d Delivery) GoesOut() bool {
	return slices.Contains([]Status{Waiting, Queued, Sending, Sent}, d.Status)
}

// EventID derives the id that Meta sees from what caused the event: the same cause gives the same
// id on every node and every retry. base32 of SHA-256 over account and claim key, 26 characters.
func EventID(account, claim string) string {
	sum := sha256.Sum256([]byte(account + "\x00" + claim))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:26]
}
