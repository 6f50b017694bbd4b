package webhook

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/rules"
	"github.com/clickthread/clickthread/whatsapp"
)

// RuleSets finds the rules of an account; nil where it has none. rules.Library is one.
type RuleSets interface {
	Set(account string) *rules.Set
}

// Planner decides, without I/O, what a snapshot leads to: clicks, unattributed matches, deliveries.
type Planner struct {
	Accounts *account.Registry
	Rules    RuleSets
	NewID    func() uuid.UUID
	OptedOut func(account string, who attribution.Identity) bool // Default: nobody is.
}

// trigger is a message that rules are offered: one of the batch, or one that waited for its click.
type trigger struct {
	thread     *attribution.Thread
	id         uuid.UUID
	at         time.Time
	receivedAt time.Time
	body       []byte
	said       *whatsapp.Message // body decoded, where that was done already
}

// message is what was said.
func (tr trigger) message() (whatsapp.Message, error) {
	if tr.said != nil {
		return *tr.said, nil
	}
	m, err := whatsapp.DecodeMessage(tr.body)
	if err != nil {
		return m, fmt.Errorf("%w: decode message: %w", errPlan, err)
	}
	return m, nil
}

// Plan keeps the clicks of the new messages, then offers the new messages, and those that waited in
// threads that gained a click, to the rules: in order of message time, so that among candidates for
// one claim the earliest wins (ledger 1). It is given to the recorder, which calls it inside its
// transaction.
func (p *Planner) Plan(snap *attribution.Snapshot) ([]forwarder.Delivery, error) {
	var deliveries []forwarder.Delivery
	for _, a := range snap.Fresh {
		if a.Referral != nil {
			a.Thread.Capture(a)
		}
	}
	for _, tr := range p.triggers(snap) {
		made, err := p.evaluate(snap, tr)
		if err != nil {
			return nil, err
		}
		deliveries = append(deliveries, made...)
	}
	return deliveries, nil
}

// triggers are the new messages that are young enough to fire (ledger 5), and the waiting ones for
// which a click now counts, to be evaluated again in full (ledger 13).
func (p *Planner) triggers(snap *attribution.Snapshot) []trigger {
	var triggers []trigger
	for _, t := range snap.Threads {
		if !t.Touched || p.Rules.Set(t.Account) == nil { // without rules what waits goes on waiting
			continue
		}
		a, _ := p.Accounts.ByID(t.Account)
		for _, w := range t.Revivable(a.Click) {
			snap.Add(t.Account, "revived")
			triggers = append(triggers, trigger{t, w.Trigger, w.At, w.ReceivedAt, w.Body, nil})
		}
	}
	for _, a := range snap.Fresh {
		if a.Old() {
			snap.Add(a.Account, "old_message")
			continue
		}
		triggers = append(triggers, trigger{a.Thread, a.ID, a.At, a.ReceivedAt, a.Body, a.Said})
	}
	slices.SortStableFunc(triggers, func(a, b trigger) int { return a.at.Compare(b.at) })
	return triggers
}

// evaluate offers one trigger to the account's rules and writes down every decision.
func (p *Planner) evaluate(snap *attribution.Snapshot, tr trigger) ([]forwarder.Delivery, error) {
	t := tr.thread
	a, _ := p.Accounts.ByID(t.Account)
	set := p.Rules.Set(a.ID)
	if set == nil {
		snap.Add(a.ID, "no_rules")
		return nil, nil
	}
	m, err := tr.message()
	if err != nil {
		return nil, err
	}
	click, why := attribution.Pick(t.Clicks, tr.at, a.Click)
	var deliveries []forwarder.Delivery
	for _, d := range set.Eval(factsOf(m, tr, click, why)) {
		switch d.Outcome {
		case rules.Fire, rules.Hold, rules.ShadowFire:
			t.Claims[d.Claim] = true
			made := p.delivery(snap.Now, a, tr, click, set, d)
			if p.OptedOut != nil && p.OptedOut(a.ID, attribution.Identity{WAID: m.WAID, UserID: m.UserID}) {
				made.Status, made.Reason, made.Payload = forwarder.Skipped, reason.OptedOut, nil
			}
			deliveries = append(deliveries, made)
		case rules.Unattributed:
			snap.Add(a.ID, string(d.Outcome))
			for range t.Wait(attribution.Waiting{
				Trigger: tr.id, Rule: d.Rule.ID, Event: d.Event, Reason: d.Reason,
				At: tr.at, ReceivedAt: tr.receivedAt, Body: tr.body,
			}) {
				snap.Add(a.ID, "unattributed_let_go")
			}
		default:
			snap.Add(a.ID, string(d.Outcome))
		}
	}
	return deliveries, nil
}

// delivery freezes what a decision sends. Only what is queued has bytes (ledger 20).
func (p *Planner) delivery(now time.Time, a account.Account, tr trigger, click attribution.Click, set *rules.Set, d rules.Decision) forwarder.Delivery {
	out := forwarder.Delivery{
		Account: a.ID, ID: p.NewID(), Status: forwarder.Queued, Reason: d.Reason,
		EventID: forwarder.EventID(a.ID, d.Claim), EventName: d.Event, EventAt: tr.at, Value: d.Value,
		Claim: d.Claim, Conversation: tr.thread.IDs[0], Trigger: tr.id, Rule: d.Rule.ID, RuleSet: set.Hash(), Why: d.Why,
		ClickID: click.ClickID, AdID: click.AdID, ClickAt: click.At,
		Dataset: a.DatasetID, TestCode: a.TestCode(now), Due: now, CreatedAt: now, UpdatedAt: now,
	}
	switch d.Outcome {
	case rules.Hold:
		out.Status = forwarder.Held
	case rules.ShadowFire:
		out.Status = forwarder.Skipped
	default:
		out.Payload = capi.Event{
			Name: d.Event, Time: tr.at, ID: out.EventID, WABAID: a.WABAID, ClickID: click.ClickID,
			Value: d.Value, ContentIDs: d.ContentIDs,
		}.JSON()
	}
	return out
}

// factsOf tells the rules what a message says and what is known about its conversation.
func factsOf(m whatsapp.Message, tr trigger, click attribution.Click, why reason.Code) rules.Facts {
	t := tr.thread
	f := rules.Facts{
		Trigger: tr.id.String(), Number: t.Number, At: tr.at, Text: m.Text, Caption: m.Caption,
		NoClick: why, Claimed: func(key string) rules.ClaimState {
			if t.Claims[key] {
				return rules.Taken
			}
			return rules.Free
		},
	}
	for _, id := range t.IDs {
		f.Conversations = append(f.Conversations, id.String())
	}
	if why == reason.None {
		f.Click = &rules.Click{
			Key: click.Key(), AdID: click.AdID, SourceType: click.SourceType, URL: click.SourceURL,
			Headline: click.Headline, At: click.At,
		}
	}
	if m.Tap != nil {
		f.Tap = &rules.Tap{Kind: string(m.Tap.Kind), ID: m.Tap.ID, Title: m.Tap.Title, Name: m.Tap.Name, Answers: m.Tap.Answers}
	}
	if m.Order != nil {
		f.Cart = &rules.Cart{}
		for _, item := range m.Order.Items {
			f.Cart.Items = append(f.Cart.Items, rules.CartItem{
				ID: item.RetailerID, Quantity: item.Quantity, Price: item.Price, Currency: item.Currency,
			})
		}
	}
	return f
}
