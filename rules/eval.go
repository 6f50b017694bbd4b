package rules

import (
	"slices"
	"time"

	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/reason"
)

// Facts is one message and what is known about its conversation, as the caller read it.
type Facts struct {
	Trigger       string    // stable id of the message: what "once: always" claims
	Conversations []string  // ids of the conversation: the present one, then those merged into it (ledger 10, 14)
	Number        string    // phone_number_id the message came to
	At            time.Time // the message's own time
	Text, Caption string    // what the customer wrote
	Tap           *Tap
	Cart          *Cart
	Click         *Click                // the click this message is attributed to, nil if none
	NoClick       reason.Code           // why Click is nil
	Claimed       func(key string) bool // whether a claim key is taken; nil means none is
}

// Tap is a tapped reply button or template quick reply ("button"), list row ("list") or finished
// flow ("flow").
type Tap struct {
	Kind      string
	ID, Title string
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

// Outcome is what became of a rule that matched.
type Outcome string

// The outcomes. Only Fire is sent.
const (
	Fire         Outcome = "fire"
	Hold         Outcome = "hold"         // a person or a later message has to complete it; Reason is value_*
	Unattributed Outcome = "unattributed" // no click to attribute it to; Reason says why
	ShadowFire   Outcome = "shadow"       // recorded, never sent; Reason is shadow, or what would hold it
	Blocked      Outcome = "blocked"      // "once" allows no more
	ShadowedBy   Outcome = "shadowed"     // an earlier live rule sends the same event name
	Skip         Outcome = "skip"         // no clear value, and the rule says if_missing: skip
)

// Decision is what one matching rule comes to.
type Decision struct {
	Rule       *Rule
	Event      string
	Outcome    Outcome
	Reason     reason.Code
	Claim      string     // the claim key of Fire, Hold and ShadowFire; else empty
	Value      capi.Money // zero if the rule has none, or none that is clear
	ContentIDs []string
	ShadowedBy string // id of the winning rule, where Outcome is ShadowedBy
	Why        string // what matched, in plain words, without the customer's own: safe to log
}

// Eval decides what a message yields: one Decision for each live or shadow rule whose trigger
// matches, in the order of the set. It is pure and safe for concurrent use; a nil Set yields nothing.
func (s *Set) Eval(f Facts) []Decision {
	if s == nil {
		return nil
	}
	var decisions []Decision
	winners := map[string]string{} // event name -> id of the live rule that won it (ledger 16)
	for _, m := range s.matches(&f) {
		decisions = append(decisions, m.decide(&f, winners))
	}
	return decisions
}

// matches collects the rules whose trigger fits, in order. Only rules that the index offers are
// tried, so the cost grows with what the message says and not with the number of rules.
func (s *Set) matches(f *Facts) []*match {
	msg := &message{facts: f}
	if f.Text != "" {
		msg.text = hear(f.Text, &s.index)
	}
	if f.Caption != "" {
		msg.caption = hear(f.Caption, &s.index)
	}
	var matches []*match
	for _, i := range s.index.candidates(msg) {
		b := s.rules[i]
		if !b.hears(f.Number) {
			continue
		}
		if m := b.when.match(msg); m != nil {
			m.rule, m.facts = b, f
			matches = append(matches, m)
		}
	}
	return matches
}

// hears reports whether the rule's file is for the number that the message came to.
func (b *bound) hears(number string) bool {
	return len(b.numbers) == 0 || slices.Contains(b.numbers, number)
}

// decide applies, in this order: skip, shadowing, click, once, value. A rule that skips does not
// shadow; one that is held or blocked does (ledger 16).
func (m *match) decide(f *Facts, winners map[string]string) Decision {
	b := m.rule
	d := Decision{Rule: b.Rule, Event: b.Event, Why: m.why}
	money, held := b.value.read(m)
	if held == reason.ValueSkipped {
		d.Outcome, d.Reason = Skip, held
		return d
	}
	if b.Mode == Live {
		if winner, taken := winners[b.Event]; taken {
			d.Outcome, d.Reason, d.ShadowedBy = ShadowedBy, reason.Shadowed, winner
			return d
		}
		winners[b.Event] = b.ID
	}
	if f.Click == nil {
		d.Outcome, d.Reason = Unattributed, f.NoClick
		if d.Reason == reason.None {
			d.Reason = reason.NoClickID
		}
		return d
	}
	d.Value, d.ContentIDs = money, m.contentIDs()
	key, taken := claim(b, f)
	switch {
	case taken:
		d.Outcome, d.Reason = Blocked, reason.OnceClaimed
		return d
	case b.Mode == Shadow:
		d.Outcome, d.Reason = ShadowFire, reason.Shadow
		if held != reason.None {
			d.Reason = held
		}
	case held != reason.None:
		d.Outcome, d.Reason = Hold, held
	default:
		d.Outcome = Fire
	}
	d.Claim = key
	return d
}
