// Package attribution decides which click began a conversation, and until when it counts.
//
// Everything here is pure: package sql reads a Snapshot inside one transaction, the functions here
// say who wrote, in which thread, and which click an event belongs to, and package sql writes what
// changed. The numbered rules are those of docs/ledger.md.
package attribution

import (
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/reason"
)

// Window is how long a click counts, inclusive, from the click to the event's own time; never to
// the time of sending (ledger 11). It is also how old a trigger may be when it arrives (ledger 5).
const Window = 7 * 24 * time.Hour

// Click is a referral we keep: one ad click of one conversation. It may lack Meta's click id (ads
// in WhatsApp Status): it is kept all the same, because it explains why nothing could be sent.
type Click struct {
	ID           uuid.UUID // UUIDv7: orders clicks of the same second by receipt
	Conversation uuid.UUID
	ClickID      string // Meta's ctwa_clid, as received; "" for Status ads
	AdID         string // referral.source_id
	SourceType   string // "ad" or "post"
	SourceURL    string
	Headline     string
	At           time.Time // the message's own time; the earliest, where one click id came twice
	ReceivedAt   time.Time
}

// Key is the click's identity inside its conversation: what a once-per-click claim names. It is the
// same on every node and after a merge, because it is made of Meta's click id.
func (c Click) Key() string {
	if c.ClickID == "" {
		return c.ID.String()
	}
	sum := sha256.Sum256([]byte(c.ClickID))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}

// Counts reports whether the click counts for an event at the given time (ledger 11).
func (c Click) Counts(event time.Time) bool {
	age := event.Sub(c.At)
	return age >= 0 && age <= Window
}

// Pick finds the click that an event at a given time belongs to. The last click (or the first, by
// policy) wins; one without a click id never wins while one with an id qualifies. Where there is no
// click that Meta would know, it says why.
func Pick(clicks []Click, event time.Time, policy account.ClickPolicy) (Click, reason.Code) {
	var best Click
	why := reason.NoClickID
	for _, c := range clicks {
		switch {
		case c.At.After(event):
		case !c.Counts(event):
			if why == reason.NoClickID {
				why = reason.ClickExpired
			}
		case c.ClickID == "":
			why = reason.StatusAdWithoutClid
		case best.ClickID == "" || wins(c, best, policy):
			best = c
		}
	}
	if best.ClickID == "" {
		return Click{}, why
	}
	return best, reason.None
}

// wins reports whether c is to be preferred to best. Equal seconds are decided by receipt order.
func wins(c, best Click, policy account.ClickPolicy) bool {
	order := c.At.Compare(best.At)
	if order == 0 {
		order = slices.Compare(c.ID[:], best.ID[:])
	}
	if policy == account.FirstClick {
		return order < 0
	}
	return order > 0
}

// Prune gives the click time before which clicks are deleted: the window plus a grace, because Meta
// delivers late messages for up to 7 days (ledger 12).
func Prune(now time.Time, grace time.Duration) (before time.Time) {
	return now.Add(-Window - grace)
}
