package webhook

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/rules"
	"github.com/clickthread/clickthread/whatsapp"
)

// Explained is what the rules make of one thing that happened, with nothing recorded.
type Explained struct {
	Click   attribution.Click // the one that counts
	NoClick reason.Code       // or why none does
	Rules   []Verdict         // the nearest first; nil without rules in force
}

// Verdict is what one rule comes to, and why.
type Verdict struct {
	Rule     *rules.Rule
	Decision *rules.Decision     // nil where the trigger does not fit
	Outcome  rules.Outcome       // of the decision, once all is known; empty where nothing can come of it
	Reason   reason.Code         // of the outcome
	Why      string              // a sentence without a full stop, without the customer's own words
	TakenBy  *forwarder.Delivery // what once or dedupe was taken by, where it is known
}

// Explain says for every rule why it fires for an arrival or does not, as a plan of it would decide: snap and
// known are what was read for it, snap.Now is when it was recorded. What was recorded later, and what it led
// to itself, may be among known; it is left out.
func (p *Planner) Explain(snap *attribution.Snapshot, known []forwarder.Delivery, a *attribution.Arrival) (Explained, error) {
	acc, _ := p.Accounts.ByID(a.Account)
	h, err := p.hear(a.Source, a.Body, a.Said)
	if err != nil {
		return Explained{}, err
	}
	tr := trigger{a.Thread, a.ID, a.At, a.ReceivedAt, a.Source, a.Body, a.Said, a.From}
	then, clicks := asOf(snap.Now, known, tr, func(clicks []attribution.Click) (attribution.Click, reason.Code) {
		thread := *tr.thread
		thread.Clicks = clicks
		return trigger{thread: &thread, at: tr.at}.pick(h, acc.Click)
	})
	thread := *a.Thread
	thread.Clicks, tr.thread = clicks, &thread
	past := &attribution.Snapshot{Now: then}
	b := &batch{p, past, newBook(before(known, tr, then)), map[string]*rules.Set{}}
	set := p.Rules.Set(a.Account)
	m, facts, err := b.read(tr, acc, set)
	if err != nil {
		return Explained{}, err
	}
	e := Explained{Click: m.click, NoClick: facts.NoClick, Rules: b.verdicts(m, set.Explain(facts))}
	if facts.Detected != nil {
		for _, v := range b.verdicts(m, rules.Automatic().Explain(facts)) {
			if v.Decision != nil {
				e.Rules = append(e.Rules, v)
			}
		}
	}
	if a.Old() {
		tooOld(e.Rules)
	}
	return e, nil
}

// verdicts adds to explanations what only a plan knows.
func (b *batch) verdicts(m match, list []rules.Explanation) (verdicts []Verdict) {
	for _, e := range list {
		v := Verdict{Rule: e.Rule, Decision: e.Decision, Why: e.Why}
		if d := e.Decision; d != nil {
			var made *forwarder.Delivery
			switch m.Decision = *d; d.Outcome {
			case rules.Fire, rules.Hold, rules.ShadowFire:
				made = b.put(m)
			case rules.Blocked:
				if taken := b.book.claims[claim{m.account.ID, d.Taken}]; taken != nil {
					v.TakenBy = &taken.Delivery
				}
			}
			v.Outcome, v.Reason, v.Why = became(d, made)
		}
		verdicts = append(verdicts, v)
	}
	return verdicts
}

// tooOld takes back what rules would have made of a message that came too late (ledger 5).
func tooOld(list []Verdict) {
	for i, v := range list {
		if v.Decision != nil {
			list[i].Outcome, list[i].Reason = "", reason.TooOld
			list[i].Why = "it was more than 7 days old when it came, so nothing could come of it; else: " + v.Why
		}
	}
}

// asOf is the time of the plan that counts, and the clicks that were known then: that of the message's own
// transaction, or a later one if the message waited for its click until then (ledger 13).
func asOf(recorded time.Time, known []forwarder.Delivery, tr trigger,
	pick func([]attribution.Click) (attribution.Click, reason.Code),
) (then time.Time, clicks []attribution.Click) {
	then, led := recorded, false
	for _, d := range known {
		if d.Trigger == tr.id {
			led = true
			if d.CreatedAt.After(then) {
				then = d.CreatedAt
			}
		}
	}
	clicks = receivedBy(tr.thread.Clicks, then)
	if _, why := pick(clicks); why == reason.None || led {
		return then, clicks
	}
	if late, why := pick(tr.thread.Clicks); why == reason.None {
		then = late.ReceivedAt.Add(surely)
		return then, receivedBy(tr.thread.Clicks, then)
	}
	return then, tr.thread.Clicks
}

func receivedBy(all []attribution.Click, then time.Time) (clicks []attribution.Click) {
	for _, c := range all {
		if !c.ReceivedAt.After(then) {
			clicks = append(clicks, c)
		}
	}
	return clicks
}

// before are the deliveries that a plan of a trigger was told of at a time. Within one transaction, what came
// earlier in the chat is planned earlier. One that the trigger completed was held until then.
func before(known []forwarder.Delivery, tr trigger, then time.Time) (list []forwarder.Delivery) {
	for _, d := range known {
		switch {
		case d.Trigger == tr.id && d.CreatedAt.Before(then):
			d.Status, d.Reason = forwarder.Held, reason.ValueMissing
		case d.Trigger == tr.id, d.CreatedAt.After(then), d.CreatedAt.Equal(then) && !d.EventAt.Before(tr.at):
			continue
		}
		list = append(list, d)
	}
	return list
}

// MessageID is the id under which something is known by its bytes: Meta's message id, or what stands for one.
// It holds a phone number, and is not to be printed. It is empty where the bytes tell none.
func MessageID(source attribution.Source, body []byte) string {
	switch source {
	case attribution.Status:
		if s, err := whatsapp.DecodeStatus(body); err == nil {
			return statusID(s.ID, s.State)
		}
	case attribution.Detected:
		if e, err := whatsapp.DecodeAutomaticEvent(body); err == nil {
			return automaticID(e)
		}
	case attribution.Report:
		var s Sent
		switch err := json.Unmarshal(body, &s); {
		case err == nil && s.Template != nil:
			return statusID(s.ID, "sent")
		case err == nil:
			return s.ID
		}
	default:
		if m, err := whatsapp.DecodeMessage(body); err == nil {
			return m.ID
		}
	}
	return ""
}

// MessageIDs are the ids under which something may be known that Meta gave an id.
func MessageIDs(metaID string) []string {
	return []string{metaID, statusID(metaID, "sent"), statusID(metaID, "delivered"), statusID(metaID, "read")}
}

// Pretend makes an arrival of a text that nobody sent, in a conversation of its own, with a click some time
// before it or none.
func (p *Planner) Pretend(account, number, text string, at time.Time, ours bool, clicked time.Duration) (*attribution.Snapshot, *attribution.Arrival, error) {
	body, err := json.Marshal(map[string]any{"id": "pretended", "type": "text", "text": map[string]string{"body": text}})
	if err != nil {
		return nil, nil, fmt.Errorf("pretend a message: %w", err)
	}
	a := &attribution.Arrival{Account: account, Number: number, ID: p.NewID(), Type: "text", At: at, ReceivedAt: at, Body: body}
	if ours {
		a.Source = attribution.Echo
	}
	a.Thread = &attribution.Thread{Account: account, Contact: p.NewID(), Number: number, IDs: []uuid.UUID{p.NewID()}}
	if clicked > 0 {
		a.Thread.Clicks = []attribution.Click{{
			ID: p.NewID(), ClickID: "pretended", SourceType: "ad", At: at.Add(-clicked), ReceivedAt: at.Add(-clicked),
		}}
	}
	return &attribution.Snapshot{Now: at}, a, nil
}
