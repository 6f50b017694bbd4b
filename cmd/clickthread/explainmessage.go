package main

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/rules"
	"github.com/clickthread/clickthread/sql"
	"github.com/clickthread/clickthread/webhook"
	"github.com/clickthread/clickthread/whatsapp"
)

// explain says what the rules in force make of something that happened, by what had been recorded then.
func (p *past) explain(ctx context.Context, out *console, m happened) error {
	set, err := p.set(ctx, m.Account)
	if err != nil {
		return err
	}
	var e explanation
	if len(m.Body) > 0 {
		e, err = p.judge(ctx, m.Message, set)
	} else {
		e, err = p.remember(ctx, m, set)
	}
	if err != nil {
		return err
	}
	e.Message = explainedOf(m.Message)
	if err := p.addRecorded(ctx, &e, m.Message, set); err != nil {
		return err
	}
	if set == nil {
		e.Notes = append(e.Notes, "this account has no rules in force; see: clickthread rules check "+p.settings.Rules)
	}
	if p.json {
		return out.json(e)
	}
	e.print(out)
	return nil
}

// judge plans a stored message again, and writes nothing.
func (p *past) judge(ctx context.Context, m sql.Message, set *rules.Set) (explanation, error) {
	library, listed := &rules.Library{}, &optOuts{}
	library.Swap(map[string]*rules.Set{m.Account: set})
	if _, err := listed.reload(ctx, p.store); err != nil {
		return explanation{}, err
	}
	planner := &webhook.Planner{
		Accounts: p.settings.Registry(), Rules: library, Key: p.store.Key, OptedOut: listed.has,
		NewID: func() uuid.UUID { return uuid.Must(uuid.NewV7()) },
	}
	arrival := &attribution.Arrival{
		Account: m.Account, ID: m.ID, Key: p.store.Key(webhook.MessageID(m.Source, m.Body)), Source: m.Source, Type: m.Type,
		At: m.At, ReceivedAt: m.ReceivedAt, Body: m.Body,
	}
	planner.Ask(arrival)
	snap, known, err := p.store.Past(ctx, m, arrival)
	if err != nil {
		return explanation{}, err
	}
	explained, err := planner.Explain(snap, known, arrival)
	if err != nil {
		return explanation{}, fmt.Errorf("explain %s: %w", "msg_"+hexID(m.ID), err)
	}
	return explanationOf(m.Account, set, explained), nil
}

// remember says what is still known of a message without its text: what its rules came to, as long as that is
// among their last evaluations.
func (p *past) remember(ctx context.Context, m happened, set *rules.Set) (explanation, error) {
	e := explanation{Account: m.Account, RuleSet: set.Hash(), Recorded: []recordedEvent{}, Rules: []explainedRule{}}
	if m.gone {
		e.Notes = append(e.Notes, fmt.Sprintf("the message was pruned (retention.messages is %s): rules cannot be tried on it again", span(p.settings.Retention.Messages)))
	} else {
		e.Notes = append(e.Notes, p.pruned()+": rules cannot be tried on it again; what follows is what was written down")
	}
	evaluations, err := p.store.EvaluationsOf(ctx, m.Account, m.ID)
	if err != nil {
		return e, err
	}
	for _, v := range evaluations {
		r := explainedRule{
			Mark: mark(rules.Outcome(v.Outcome)), Rule: v.Rule, Event: v.Event, Outcome: rules.Outcome(v.Outcome), Reason: v.Reason, Why: v.Why,
		}
		for _, rule := range set.Rules() {
			if rule.ID == v.Rule {
				r.Path, r.Line = rule.Path, rule.Line
			}
		}
		e.Rules = append(e.Rules, r)
	}
	return e, nil
}

// addRecorded says what the message led to, and whether other rules decided it.
func (p *past) addRecorded(ctx context.Context, e *explanation, m sql.Message, set *rules.Set) error {
	deliveries, err := p.store.FindDeliveries(ctx, m.ID, "")
	if err != nil {
		return err
	}
	for _, d := range deliveries {
		if d.Account != m.Account || d.Trigger != m.ID {
			continue
		}
		e.Recorded = append(e.Recorded, recordedEvent{eventID(d.ID), d.EventName, d.Rule, d.Status, d.Reason})
		if !e.Changed && d.RuleSet != set.Hash() {
			e.Changed = true
			e.Notes = append(e.Notes, fmt.Sprintf("the rules, or the account's settings, have changed since: %s was decided by set %.12s; "+
				"what follows is what the rules in force say", eventID(d.ID), d.RuleSet))
		}
		if len(m.Body) == 0 && d.Why != "" {
			e.Notes = append(e.Notes, fmt.Sprintf("%s was recorded by %s because %s", eventID(d.ID), d.Rule, d.Why))
		}
	}
	waiting, err := p.store.WaitingFor(ctx, m.ID)
	for _, w := range waiting {
		if w.Account == m.Account {
			e.Recorded = append(e.Recorded, recordedEvent{"msg_" + hexID(w.Trigger), w.Event, w.Rule, forwarder.Unattributed, w.Reason})
		}
	}
	return err
}

// explainedOf says what a message was, with the customer masked.
func explainedOf(m sql.Message) *explainedMessage {
	e := &explainedMessage{ID: "msg_" + hexID(m.ID), Kind: m.Type, At: m.At, Ours: m.Source.Ours() || m.Source == attribution.Status}
	detail := messageOf(m)
	e.With = detail.From
	if e.Ours {
		e.With = ""
		if said, err := whatsapp.DecodeMessage(m.Body); err == nil {
			if e.With = account.MaskPhone(said.To); e.With == "" {
				e.With = account.MaskPhone(said.ToUserID)
			}
		}
	}
	if e.Kind == "" {
		e.Kind = "message"
	}
	return e
}
