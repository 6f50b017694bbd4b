// Package notices tells the operator's own systems when an account needs a person: a signed webhook
// once per cause, with the fix in its text.
//
// A Watcher compares what stands in the ledger with the conditions it has told of before; a Sender
// hands each Notice to its Receiver, retries on a schedule, and keeps what came of it on record.
package notices

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
)

// Kind is what a notice is about: "type" in its body.
type Kind string

// The kinds of notices.
const (
	AccountPaused  Kind = "account.paused"  // its events wait for a person
	AccountResumed Kind = "account.resumed" // and go again
	QueueStuck     Kind = "queue.stuck"     // events are due, and none is taken
	EventsExpiring Kind = "events.expiring" // events will soon be too old to send
)

// Kinds lists every kind that a receiver may choose.
func Kinds() []Kind { return []Kind{AccountPaused, AccountResumed, QueueStuck, EventsExpiring} }

// Receiver is one address that is told.
type Receiver struct {
	URL          string
	Secret       account.Secret // "whsec_" and the key in base64, see Key
	Events       []Kind         // Default: all.
	AllowPrivate bool           // may be an address of a private network
}

// ID stands for the receiver in the ledger. It is a hash, because an address may itself be a secret.
func (r Receiver) ID() string {
	sum := sha256.Sum256([]byte(r.URL))
	return hex.EncodeToString(sum[:8])
}

// Name is the receiver for people: its address without path and query, which may be secret.
func (r Receiver) Name() string {
	u, err := url.Parse(r.URL)
	if err != nil {
		return "(unreadable)"
	}
	return u.Scheme + "://" + u.Host
}

// Wants reports whether the receiver is told of this kind.
func (r Receiver) Wants(k Kind) bool { return len(r.Events) == 0 || slices.Contains(r.Events, k) }

// State is where a notice stands.
type State string

// The states of a notice.
const (
	Queued State = "queued"
	Sent   State = "sent"   // answered with a 2xx
	Failed State = "failed" // given up
)

// States lists every state a person may filter by.
func States() []State { return []State{Queued, Sent, Failed} }

// Notice is our duty to tell one receiver one thing. Its body is frozen when it is made: every try
// carries the same bytes.
type Notice struct {
	Account  string
	ID       uuid.UUID
	Receiver string // Receiver.ID
	Kind     Kind
	Body     []byte // JSON: type, timestamp, data

	State      State
	Due        time.Time
	Attempts   int
	HTTPStatus int    // of the last try; 0 = no answer
	Words      string // of the last try: what went wrong; empty when it was taken
	CreatedAt  time.Time
	EndedAt    time.Time // zero while queued
}

// MessageID is the webhook-id: the same on every try, so that a receiver can tell a repetition.
func (n Notice) MessageID() string { return "msg_" + strings.ReplaceAll(n.ID.String(), "-", "") }

// Address writes one notice for each receiver that wants this kind. data becomes "data" in the body
// (Standard Webhooks, payload structure).
func Address(to []Receiver, kind Kind, account string, at time.Time, data any, newID func() uuid.UUID) ([]Notice, error) {
	body, err := json.Marshal(struct {
		Type      Kind      `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      any       `json:"data"`
	}{kind, at.UTC(), data})
	if err != nil {
		return nil, fmt.Errorf("write the body of %s: %w", kind, err)
	}
	var list []Notice
	for _, r := range to {
		if r.Wants(kind) {
			list = append(list, Notice{
				Account: account, ID: newID(), Receiver: r.ID(), Kind: kind, Body: body, State: Queued, Due: at, CreatedAt: at,
			})
		}
	}
	return list, nil
}
