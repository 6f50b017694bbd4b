package webhook

import (
	"cmp"
	"strings"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/rules"
)

// maxEventID is the longest id of a rule's own that Meta is sent as it is.
const maxEventID = 128

// surely is longer than a transaction takes: what is due within it may be on its way before the plan is
// written down.
const surely = 10 * time.Second

// match is a decision to record, with what it came from.
type match struct {
	rules.Decision
	trigger
	account account.Account
	click   attribution.Click
	who     attribution.Identity // the shopper, as far as the trigger names one
	ruleSet string
}

// put enters a decision's delivery in the book. Its bytes are made now, and stay the same from then on
// (ledger 20).
func (b *batch) put(m match) *forwarder.Delivery {
	d := b.delivery(m)
	if held := b.book.claims[claim{d.Account, d.Claim}]; m.Completes && held != nil {
		d.ID, d.EventID = held.ID, held.EventID // the same sale, to us and to Meta
		b.snap.Add(d.Account, "completed")
	}
	if b.OptedOut != nil && b.OptedOut(d.Account, m.who) {
		d.Status, d.Reason = forwarder.Skipped, reason.OptedOut
	}
	b.minded(&d, m.thread)
	if d.Status != forwarder.Skipped && !d.HeldForValue() {
		d.Payload = m.event(d).JSON()
	}
	return b.book.put(d)
}

// became is what a decision comes to once more is known than rules are told: made is the delivery that it
// led to, nil where it led to none.
func became(d *rules.Decision, made *forwarder.Delivery) (outcome rules.Outcome, why reason.Code, words string) {
	outcome, why = d.Outcome, d.Reason
	if made == nil || made.Reason == d.Reason {
		return outcome, why, d.Words()
	}
	if outcome = rules.Skip; made.Status == forwarder.Held {
		outcome = rules.Hold
	}
	return outcome, made.Reason, d.Why + ", but " + made.Reason.Words()
}

func (b *batch) delivery(m match) forwarder.Delivery {
	now := b.snap.Now
	d := forwarder.Delivery{
		Account: m.account.ID, ID: b.NewID(), Status: forwarder.Queued, Reason: m.Reason,
		EventID: m.eventID(), EventName: m.Event, EventAt: m.at, Value: m.Value,
		Claim: m.Claim, Conversation: m.thread.IDs[0], Trigger: m.id, Rule: m.Rule.ID, RuleSet: m.ruleSet, Why: m.Why,
		ClickID: m.click.ClickID, AdID: m.click.AdID, ClickAt: m.click.At, CancelIf: m.CancelIf,
		Dataset: m.account.DatasetID, TestCode: m.account.TestCode(now), Due: now, CreatedAt: now, UpdatedAt: now,
	}
	switch due := m.at.Add(m.Wait); {
	case m.Outcome == rules.Hold:
		d.Status = forwarder.Held
	case m.Outcome == rules.ShadowFire:
		d.Status = forwarder.Skipped
	case due.After(now):
		d.Status, d.Due = forwarder.Waiting, due
	}
	return d
}

// eventID is what Meta sees: the rule's own words where it has some, else what follows from the claim. An
// e-mail address among them is not sent as it is. A rule on trial takes no id that a live one may need.
func (m match) eventID() string {
	if m.Outcome == rules.ShadowFire {
		return forwarder.EventID(m.account.ID, m.Claim)
	}
	if m.EventID == "" || len(m.EventID) > maxEventID || strings.Contains(m.EventID, "@") {
		return forwarder.EventID(m.account.ID, cmp.Or(m.EventID, m.Claim))
	}
	return m.EventID
}

// event is what Meta is told. What a rule names of the person goes along hashed whatever the account
// says; its options are about what nobody named (ledger 33).
func (m match) event(d forwarder.Delivery) capi.Event {
	send := m.account.Send
	e := capi.Event{
		Name: d.EventName, Time: d.EventAt, ID: d.EventID, WABAID: m.account.WABAID, PageID: send.PageID, ClickID: d.ClickID,
		Value: d.Value, ContentIDs: m.ContentIDs, Email: m.User.Email, ExternalID: m.User.ExternalID,
		Automatic: rules.IsAutomatic(d.Rule), LimitedDataUse: send.LimitedDataUse,
	}
	if send.Phone {
		e.Phone = m.who.WAID
	}
	if send.ExternalID && e.ExternalID == "" {
		e.ExternalID = m.thread.Contact.String()
	}
	return e
}

// minded sees to it that Meta is not told of one thing both by a rule and by what Meta detected itself
// (ledger 18): while that waits, the rule's event counts, and after it was sent, a person decides.
func (b *batch) minded(d *forwarder.Delivery, t *attribution.Thread) {
	if d.Status == forwarder.Skipped {
		return
	}
	automatic := rules.IsAutomatic(d.Rule)
	for _, e := range b.book.of(t) {
		if e.EventName != d.EventName || e.ClickID != d.ClickID || rules.IsAutomatic(e.Rule) == automatic {
			continue
		}
		if automatic {
			if e.GoesOut() || e.Status == forwarder.Held {
				d.Status, d.Reason = forwarder.Cancelled, reason.ToldByRule
			}
			continue
		}
		switch waits := e.Status == forwarder.Waiting && e.Due.After(b.snap.Now.Add(surely)); {
		case waits, e.Status == forwarder.Held:
			e.cancel(b.snap.Now, reason.ToldByRule)
		case e.GoesOut() && d.GoesOut():
			d.Status, d.Reason = forwarder.Held, reason.MetaDetected
		}
	}
}
