package attribution

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/whatsapp"
)

// Source says who or what told us of something that happened in a conversation, and so how its bytes
// are read. It is stored, and never changes.
type Source string

// The sources.
const (
	Customer Source = ""          // a message of the shopper's
	Echo     Source = "echo"      // what the business wrote in its own app
	Report   Source = "report"    // what the business says it sent, through our API
	Status   Source = "status"    // what became of a template that the business sent
	Detected Source = "automatic" // a conversion that Meta found by itself
)

// Ours reports whether it is a message that the business wrote.
func (s Source) Ours() bool { return s == Echo || s == Report }

// Arrival is one new message as it reached us, before anyone knows whose it is.
type Arrival struct {
	Account    string
	Number     string    // phone_number_id of the business number
	ID         uuid.UUID // of the stored message
	Key        [16]byte  // dedupe key, a keyed hash of the message id (ledger 3)
	Source     Source
	Type       string // Meta's message type; the source for what is no message
	From       Identity
	Becomes    Identity // system messages: the sender's new identity
	At         time.Time
	ReceivedAt time.Time
	Referral   *Click            // set when the message carries a referral; the thread fills in the rest
	Body       []byte            // the message's own bytes as received
	Said       *whatsapp.Message // Body decoded
	Keys       []string          // claim keys of no conversation that its rules may ask for (ledger 15)
	Quotes     bool              // its rules may ask what the business wrote before
	Asked      string            // which rules said so, by hash; "" = nobody was asked
	Forget     bool              // Body is not to be stored: retention.text is 0 (ledger 7)

	Thread *Thread // set by the recorder once it knows who wrote
}

// Old reports whether the arrival is too old to trigger anything (ledger 5).
func (a *Arrival) Old() bool { return a.ReceivedAt.Sub(a.At) > Window }

// Unrecorded is a notification, or a part of one, that cannot be recorded now or ever: it waits in quarantine
// for an upgrade, an account or a click.
type Unrecorded struct {
	ReceivedAt time.Time
	Reason     string // why it waits
	WABA       string // whose it is; empty where nobody can tell
	Detail     string
	Body       []byte
}

// Waiting is an unattributed match: a rule would have fired for a trigger but for the click. It
// keeps the trigger's bytes so that a click stored later can revive it (ledger 13).
type Waiting struct {
	Conversation uuid.UUID
	Trigger      uuid.UUID // id of the stored message
	Rule         string
	Event        string // event name that the rule sends
	Reason       reason.Code
	At           time.Time
	ReceivedAt   time.Time
	Source       Source
	Body         []byte
}

// Quote is a message of the business's, as a price may be quoted from it.
type Quote struct {
	At     time.Time
	Source Source
	Body   []byte
	Text   *string // what Body says, once it was looked at
}

// MaxWaiting is how many unattributed matches a conversation keeps; the oldest go first.
const MaxWaiting = 50

// Thread is a conversation as one transaction sees it: its own rows and those of every conversation
// of a merged contact with the same number. The plan adds to it; the recorder writes what was added.
type Thread struct {
	Account string
	Contact uuid.UUID // root contact
	Number  string
	IDs     []uuid.UUID // conversation ids: the present one first, then the merged ones
	Clicks  []Click
	Waiting []Waiting
	Quotes  []Quote // newest first; only where an arrival asks for them

	Touched  bool      // a click was stored or contacts merged: look at Waiting again
	Captured []Click   // clicks to insert, or whose time moved
	Added    []Waiting // unattributed rows to insert
	Dropped  []Waiting // unattributed rows to delete
}

// Capture keeps the click of a message. One click id is one click per conversation, at its earliest
// message time (ledger 11).
func (t *Thread) Capture(a *Arrival) {
	c := *a.Referral
	c.ID, c.Conversation, c.At, c.ReceivedAt = a.ID, t.IDs[0], a.At, a.ReceivedAt
	if known := t.find(c.ClickID); known != nil {
		if !c.At.Before(known.At) {
			return
		}
		known.At = c.At
		c = *known
	} else {
		t.Clicks = append(t.Clicks, c)
	}
	t.Captured = slices.DeleteFunc(t.Captured, func(old Click) bool { return old.ID == c.ID })
	t.Captured = append(t.Captured, c)
	t.Touched = true
}

func (t *Thread) find(clickID string) *Click {
	for i := range t.Clicks {
		if clickID != "" && t.Clicks[i].ClickID == clickID {
			return &t.Clicks[i]
		}
	}
	return nil
}

// Wait keeps an unattributed match, and lets the oldest go when there are too many. It reports the
// ones let go.
func (t *Thread) Wait(w Waiting) (let []Waiting) {
	w.Conversation = t.IDs[0]
	t.Waiting = append(t.Waiting, w)
	t.Added = append(t.Added, w)
	slices.SortStableFunc(t.Waiting, compareWaiting)
	if over := len(t.Waiting) - MaxWaiting; over > 0 {
		let = slices.Clone(t.Waiting[:over])
		for _, old := range let {
			t.drop(old)
		}
	}
	return let
}

// Revivable returns the triggers among the waiting ones for which a click now counts, oldest first,
// one Waiting per trigger, and takes all rows of these triggers out of the thread: they are
// evaluated again in full (ledger 13).
func (t *Thread) Revivable(policy account.ClickPolicy) []Waiting {
	slices.SortStableFunc(t.Waiting, compareWaiting)
	var triggers []Waiting
	for _, w := range slices.Clone(t.Waiting) {
		if _, why := Pick(t.Clicks, w.At, policy); why != reason.None {
			continue
		}
		t.drop(w)
		if !slices.ContainsFunc(triggers, func(seen Waiting) bool { return seen.Trigger == w.Trigger }) {
			triggers = append(triggers, w)
		}
	}
	t.Touched = false
	return triggers
}

// drop forgets a row: one of this transaction is never written, an older one is deleted.
func (t *Thread) drop(w Waiting) {
	same := func(o Waiting) bool { return o.Trigger == w.Trigger && o.Rule == w.Rule }
	t.Waiting = slices.DeleteFunc(t.Waiting, same)
	if n := len(t.Added); n > 0 {
		if t.Added = slices.DeleteFunc(t.Added, same); len(t.Added) < n {
			return
		}
	}
	t.Dropped = append(t.Dropped, w)
}

func compareWaiting(a, b Waiting) int {
	return cmp.Or(a.At.Compare(b.At), slices.Compare(a.Trigger[:], b.Trigger[:]), cmp.Compare(a.Rule, b.Rule))
}

// Quote keeps what the business wrote in its place among the others.
func (t *Thread) Quote(q Quote) {
	t.Quotes = append(t.Quotes, q)
	slices.SortStableFunc(t.Quotes, func(a, b Quote) int { return b.At.Compare(a.At) })
}

// Snapshot is what one transaction has read for a batch, and what the plan adds besides deliveries.
type Snapshot struct {
	Now     time.Time
	Fresh   []*Arrival // the messages that are new, by message time, then position (ledger 1)
	Threads []*Thread  // every thread that the batch touches, those of merged contacts too
	Counts  map[Count]int

	Evaluations []Evaluation // what became of the rules that were tried; not written with the plan
}

// Count names one durable counter of a day.
type Count struct{ Account, Kind string }

// Add counts what leaves no row of its own, so that the sums still add up.
func (s *Snapshot) Add(account, kind string) {
	if s.Counts == nil {
		s.Counts = map[Count]int{}
	}
	s.Counts[Count{account, kind}]++
}
