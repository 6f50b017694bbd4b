package rules

import (
	"slices"
	"time"

	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/reason"
)

// Outcome is what became of a rule that matched.
type Outcome string

// The outcomes. Only Fire is sent.
const (
	Fire         Outcome = "fire"
	Hold         Outcome = "hold"         // a person or a later match has to complete it; Reason is value_*
	Unattributed Outcome = "unattributed" // no click to attribute it to; Reason says why
	ShadowFire   Outcome = "shadow"       // recorded, never sent; Reason is shadow, or what would hold it
	Blocked      Outcome = "blocked"      // "once" allows no more
	ShadowedBy   Outcome = "shadowed"     // an earlier live rule sends the same event name
	Skip         Outcome = "skip"         // no clear value, and the rule says if_missing: skip
	Unmet        Outcome = "unmet"        // the trigger matched, and the rule's "if" does not hold
)

// Decision is what one matching rule comes to.
type Decision struct {
	Rule       *Rule
	Event      string
	Outcome    Outcome
	Reason     reason.Code
	Claim      string     // the claim key of Fire, Hold and ShadowFire; else empty
	Completes  bool       // a delivery holds Claim for want of a value: this one takes its place (ledger 17)
	Value      capi.Money // zero if the rule has none, or none that is clear
	ContentIDs []string
	User       User
	EventID    string        // what the rule says that Meta sees; empty: made of the claim (ledger 14)
	Wait       time.Duration // how long after the event's time Fire is sent at the earliest
	CancelIf   []byte        // what cancels it meanwhile, for Cancels; nil if nothing does
	ShadowedBy string        // id of the winning rule, where Outcome is ShadowedBy
	Taken      string        // the claim key that another event has, where Outcome is Blocked
	Why        string        // what matched, in plain words, without the customer's own: safe to log

	unclear string // what is wrong with the amount, in plain words
	awaited bool   // the event that has Taken is held until an amount is clear
}

// User is what a rule tells of the person beside the click, in the clear: it is to be hashed before
// it is kept or sent, and never printed (ledger 33).
type User struct {
	Email, ExternalID string
}

// Eval decides what a trigger yields: one Decision for each live or shadow rule whose "when" matches,
// in the order of the set. It is pure and safe for concurrent use; a nil Set yields nothing.
func (s *Set) Eval(f Facts) []Decision {
	decisions, _ := s.EvalWhole(f)
	return decisions
}

// EvalWhole is Eval, and reports whether every rule had its turn: a text that is made to be slow uses up what
// one message may cost, and then the last rules are not tried.
func (s *Set) EvalWhole(f Facts) (decisions []Decision, whole bool) {
	if s == nil {
		return nil, true
	}
	decisions, msg := s.eval(&f)
	return decisions, !msg.effort.over()
}

// eval is Eval; the message says what it took.
func (s *Set) eval(f *Facts) ([]Decision, *message) {
	matches, msg := s.matches(f)
	if len(matches) == 0 {
		return nil, msg
	}
	decisions := make([]Decision, len(matches))
	winners := map[string]string{} // event name -> id of the live rule that won it (ledger 16)
	for i, m := range matches {
		decisions[i] = m.decide(winners)
	}
	return decisions, msg
}

// matches collects the rules whose trigger fits, in order. Only rules that the index offers are
// tried, so the cost grows with what was said and not with the number of rules.
func (s *Set) matches(f *Facts) (matches []*match, msg *message) {
	msg = newMessage(f, &s.index)
	for _, i := range s.index.candidates(msg, len(s.rules)) {
		b := s.rules[i]
		if !b.hears(f.Number) || !msg.effort.spend(perRule) {
			continue
		}
		if m := b.when.match(msg); m != nil {
			m.rule, m.facts, m.msg = b, f, msg
			matches = append(matches, m)
		}
	}
	return matches, msg
}

// hears reports whether the rule's file is for the number that the message came to.
func (b *bound) hears(number string) bool {
	return len(b.numbers) == 0 || slices.Contains(b.numbers, number)
}

// decide applies, in this order: if, skip, shadowing, click, once, value. A rule whose "if" fails or
// that skips does not shadow; one that is held or blocked does (ledger 16).
func (m *match) decide(winners map[string]string) Decision {
	b, f := m.rule, m.facts
	d := Decision{Rule: b.Rule, Event: b.Event, Why: m.why}
	winner, taken := winners[b.Event]
	taken = taken && b.Mode == Live
	money, held := capi.Money{}, reason.None
	if !taken || b.asksForValue() { // else nothing depends on it
		money, held = b.value.read(m)
	}
	if unmet := b.guard.unmet(m, money); unmet != "" {
		d.Outcome, d.Reason, d.Why = Unmet, reason.IfUnmet, m.why+", but "+unmet
		return d
	}
	if held == reason.ValueSkipped {
		d.Outcome, d.Reason, d.unclear = Skip, held, m.unclear
		return d
	}
	if taken {
		d.Outcome, d.Reason, d.ShadowedBy = ShadowedBy, reason.Shadowed, winner
		return d
	}
	if b.Mode == Live {
		winners[b.Event] = b.ID
	}
	if f.Click == nil {
		d.Outcome, d.Reason = Unattributed, f.NoClick
		if d.Reason == reason.None {
			d.Reason = reason.NoClickID
		}
		return d
	}
	d.Value = money
	m.claim(&d, held)
	return d
}

// asksForValue reports whether it depends on the amount what becomes of a rule that is shadowed.
func (b *bound) asksForValue() bool {
	return b.guard.least.Valid || b.guard.most.Valid || b.value != nil && b.value.ifMissing == "skip"
}

// claim applies once-ness and fills in what is kept of a decision that has a claim.
func (m *match) claim(d *Decision, held reason.Code) {
	b := m.rule
	key, state := m.claimed()
	unclear := held != reason.None || d.Value.IsZero()
	d.unclear = m.unclear
	switch {
	case state == Taken, state == HeldForValue && unclear:
		d.Outcome, d.Reason, d.Taken, d.awaited = Blocked, reason.OnceClaimed, key, state == HeldForValue
		return
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
	d.Claim, d.Completes = key, state == HeldForValue
	d.ContentIDs, d.User, d.EventID = m.contentIDs(), m.user(), m.whole(b.eventID)
	d.Wait, d.CancelIf = b.wait, b.cancelIf
}
