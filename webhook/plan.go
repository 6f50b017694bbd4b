package webhook

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
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
	Key      func(messageID string) [16]byte                     // names a message without its id, which holds a phone number
	OptedOut func(account string, who attribution.Identity) bool // Default: nobody is.
}

// trigger is what rules are offered: something of the batch, or something that waited for its click.
type trigger struct {
	thread     *attribution.Thread
	id         uuid.UUID
	at         time.Time
	receivedAt time.Time
	source     attribution.Source
	body       []byte
	said       *whatsapp.Message    // body decoded, where that was done already
	from       attribution.Identity // who it is about, where the body does not say
}

// batch is one plan in the making.
type batch struct {
	*Planner
	snap *attribution.Snapshot
	book *book
	sets map[string]*rules.Set // of each account, the same from the first message of the batch to the last
}

// set finds the rules of an account. They may be published anew meanwhile: this batch is decided by one set.
func (b *batch) set(account string) *rules.Set {
	set, known := b.sets[account]
	if !known {
		set = b.Rules.Set(account)
		b.sets[account] = set
	}
	return set
}

// errRulesChanged says that rules were published after a message was asked about, and that they ask for more: the
// transaction has not read that. It is to be begun again.
var errRulesChanged = errors.New("rules were published meanwhile")

// asked names the set that a message was asked about under.
func asked(set *rules.Set) string { return cmp.Or(set.Hash(), "none") }

// asksOtherwise reports whether a set asks for what was not read, because another was in force then.
func asksOtherwise(set *rules.Set, a *attribution.Arrival) bool {
	hears := set.Hears()
	return a.Asked != "" && a.Asked != asked(set) && (hears.Quotes || hears.Dedupes)
}

// Plan keeps the clicks of the new messages, then offers the new messages, and those that waited in
// threads that gained a click, to the rules: in order of message time, so that among candidates for
// one claim the earliest wins (ledger 1). known are the deliveries of these conversations that have
// their claim. It is given to the recorder, which calls it inside its transaction.
func (p *Planner) Plan(snap *attribution.Snapshot, known []forwarder.Delivery) (forwarder.Changes, error) {
	b := &batch{p, snap, newBook(known), map[string]*rules.Set{}}
	for _, a := range snap.Fresh {
		if asksOtherwise(b.set(a.Account), a) {
			return forwarder.Changes{}, errRulesChanged
		}
		if a.Referral != nil {
			a.Thread.Capture(a)
		}
	}
	for _, tr := range b.triggers() {
		if err := b.evaluate(tr); err != nil {
			return forwarder.Changes{}, err
		}
	}
	return b.book.changes(), nil
}

// triggers are the new messages that are young enough to fire (ledger 5), and the waiting ones for
// which a click now counts, to be evaluated again in full (ledger 13).
func (b *batch) triggers() []trigger {
	var triggers []trigger
	for _, t := range b.snap.Threads {
		if !t.Touched || b.set(t.Account) == nil { // without rules what waits goes on waiting
			continue
		}
		a, _ := b.Accounts.ByID(t.Account)
		for _, w := range t.Revivable(a.Click) {
			b.snap.Add(t.Account, "revived")
			triggers = append(triggers, trigger{t, w.Trigger, w.At, w.ReceivedAt, w.Source, w.Body, nil, attribution.Identity{}})
		}
	}
	for _, a := range b.snap.Fresh {
		if a.Old() {
			b.snap.Add(a.Account, "old_message")
			continue
		}
		triggers = append(triggers, trigger{a.Thread, a.ID, a.At, a.ReceivedAt, a.Source, a.Body, a.Said, a.From})
	}
	slices.SortStableFunc(triggers, func(a, b trigger) int { return a.at.Compare(b.at) })
	return triggers
}

// evaluate offers one trigger to what waits to be cancelled, then to the account's rules, and writes
// down every decision.
func (b *batch) evaluate(tr trigger) error {
	a, _ := b.Accounts.ByID(tr.thread.Account)
	set := b.set(a.ID)
	if set == nil {
		b.snap.Add(a.ID, "no_rules")
	}
	waiting := b.book.listening(tr.thread, tr.at)
	if set == nil && len(waiting) == 0 && tr.source != attribution.Detected {
		return nil
	}
	m, facts, err := b.read(tr, a, set)
	if err != nil {
		return err
	}
	b.cancel(waiting, facts)
	decisions, whole := set.EvalWhole(facts)
	if !whole {
		b.snap.Add(a.ID, "not_looked_through")
	}
	b.keep(m, decisions)
	if facts.Detected != nil {
		b.handBack(m, facts)
	}
	if tr.source.Ours() {
		tr.thread.Quote(attribution.Quote{At: tr.at, Source: tr.source, Body: tr.body})
	}
	return nil
}

// read turns a trigger into what rules are told, and what their decisions are recorded with.
func (b *batch) read(tr trigger, a account.Account, set *rules.Set) (match, rules.Facts, error) {
	h, err := b.hear(tr.source, tr.body, tr.said)
	if err != nil {
		return match{}, rules.Facts{}, err
	}
	click, why := tr.pick(h, a.Click)
	m := match{trigger: tr, account: a, click: click, who: cmp.Or(h.who, tr.from), ruleSet: set.Hash()}
	return m, b.factsOf(h, tr, click, why, set.Hears().Quotes), nil
}

// handBack returns to Meta what Meta detected by itself (ledger 18).
func (b *batch) handBack(m match, facts rules.Facts) {
	decisions := rules.Automatic().Eval(facts)
	if len(decisions) == 0 { // such as what the test button of Meta's dashboard sends
		b.snap.Add(m.account.ID, "automatic_other")
	}
	b.keep(m, decisions)
}

// pick finds the click that counts. Of a conversion that Meta detected, Meta says which one.
func (tr trigger) pick(h heard, policy account.ClickPolicy) (attribution.Click, reason.Code) {
	clicks := tr.thread.Clicks
	if h.clickID != "" {
		clicks = slices.DeleteFunc(slices.Clone(clicks), func(c attribution.Click) bool { return c.ClickID != h.clickID })
	}
	return attribution.Pick(clicks, tr.at, policy)
}

// cancel ends what waits and listens for what happened now (ledger 27). What cannot be read cancels
// nothing: it was written by another version of this program.
func (b *batch) cancel(waiting []*entry, facts rules.Facts) {
	for _, e := range waiting {
		cancels, err := rules.Cancels(e.CancelIf, facts)
		switch {
		case err != nil:
			b.snap.Add(e.Account, "cancel_if_unreadable")
		case cancels:
			e.cancel(b.snap.Now, reason.CancelIf)
			b.snap.Add(e.Account, "cancelled")
		}
	}
}

// keep writes decisions down: as a delivery, as an unattributed match, or as a count; and each as the
// rule's last evaluation.
func (b *batch) keep(m match, decisions []rules.Decision) {
	for i, d := range decisions {
		var made *forwarder.Delivery
		switch m.Decision = d; d.Outcome {
		case rules.Fire, rules.Hold, rules.ShadowFire:
			made = b.put(m)
		case rules.Unattributed:
			b.snap.Add(m.account.ID, string(d.Outcome))
			for range m.thread.Wait(attribution.Waiting{
				Trigger: m.id, Rule: d.Rule.ID, Event: d.Event, Reason: d.Reason,
				At: m.at, ReceivedAt: m.receivedAt, Source: m.source, Body: m.body,
			}) {
				b.snap.Add(m.account.ID, "unattributed_let_go")
			}
		default:
			b.snap.Add(m.account.ID, string(d.Outcome))
		}
		outcome, why, words := became(&decisions[i], made)
		if b.snap.Evaluations == nil {
			b.snap.Evaluations = make([]attribution.Evaluation, 0, len(b.snap.Fresh)+len(decisions))
		}
		b.snap.Evaluations = append(b.snap.Evaluations, attribution.Evaluation{
			Account: m.account.ID, Rule: d.Rule.ID, Event: d.Event, Trigger: m.id, At: m.at, Decided: b.snap.Now,
			Outcome: string(outcome), Reason: why, Why: words,
		})
	}
}
