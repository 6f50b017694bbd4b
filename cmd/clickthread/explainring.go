package main

import (
	"context"
	"fmt"
	"time"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/rules"
)

// ruleRing is a rule with its last evaluations, as it is printed as JSON.
type ruleRing struct {
	Account     string           `json:"account"`
	Rule        string           `json:"rule"`
	InForce     bool             `json:"in_force"`
	Event       string           `json:"event_name,omitempty"`
	Mode        rules.Mode       `json:"mode,omitempty"`
	Path        string           `json:"path,omitempty"`
	Line        int              `json:"line,omitempty"`
	Evaluations []evaluationLine `json:"evaluations"` // the newest first
}

type evaluationLine struct {
	Decided time.Time     `json:"decided_at"`
	At      time.Time     `json:"message_time"`
	Message string        `json:"message"`
	Outcome rules.Outcome `json:"outcome"`
	Reason  reason.Code   `json:"reason,omitempty"`
	Why     string        `json:"why"`
}

// withRule lists the accounts that have a rule in force, or had it when it was last evaluated.
func (p *past) withRule(ctx context.Context, id string) (accounts []string, err error) {
	for _, a := range p.accounts {
		rule, err := p.rule(ctx, a.ID, id)
		if err != nil {
			return nil, err
		}
		if rule == nil {
			list, err := p.store.Evaluations(ctx, a.ID, id)
			if err != nil {
				return nil, err
			}
			if len(list) == 0 {
				continue
			}
		}
		accounts = append(accounts, a.ID)
	}
	return accounts, nil
}

// rule finds a rule among those in force; nil if it is not there.
func (p *past) rule(ctx context.Context, accountID, id string) (*rules.Rule, error) {
	set, err := p.set(ctx, accountID)
	if err != nil {
		return nil, err
	}
	for _, rule := range append(set.Rules(), rules.Automatic().Rules()...) {
		if rule.ID == id {
			return rule, nil
		}
	}
	return nil, nil
}

// ring prints a rule's last evaluations.
func (p *past) ring(ctx context.Context, out *console, accountID, id string) error {
	rule, err := p.rule(ctx, accountID, id)
	if err != nil {
		return err
	}
	list, err := p.store.Evaluations(ctx, accountID, id)
	if err != nil {
		return err
	}
	r := ruleRing{Account: accountID, Rule: id, InForce: rule != nil, Evaluations: []evaluationLine{}}
	if rule != nil {
		r.Event, r.Mode, r.Path, r.Line = rule.Event, rule.Mode, rule.Path, rule.Line
	}
	for _, e := range list {
		r.Evaluations = append(r.Evaluations, evaluationLine{e.Decided, e.At, "msg_" + hexID(e.Trigger), rules.Outcome(e.Outcome), e.Reason, e.Why})
	}
	if p.json {
		return out.json(r)
	}
	r.print(out, span(p.settings.Retention.Messages))
	return nil
}

func (r ruleRing) print(out *console, kept string) {
	if r.InForce {
		out.printf("%s  %s  %s  account %s%s\n", out.bold(r.Rule), r.Event, r.Mode, r.Account, place(r.Path, r.Line))
	} else {
		out.printf("%s  account %s; it is not among the rules in force\n", out.bold(r.Rule), r.Account)
	}
	if len(r.Evaluations) == 0 {
		out.printf("Nothing has fitted its trigger lately. Try a text: clickthread rules explain --message \"...\"\n")
		return
	}
	out.printf("What became of the last messages that fitted its trigger, at most %d, kept for %s:\n\n", attribution.MaxEvaluations, kept)
	rows := [][]string{{"DECIDED (UTC)", "MESSAGE TIME", "OUTCOME", "MESSAGE", "WHY"}}
	for _, e := range r.Evaluations {
		rows = append(rows, []string{when(e.Decided), when(e.At), string(e.Outcome), e.Message, e.Why})
	}
	out.table(rows)
}

// place is where a rule stands, for the end of a line.
func place(path string, line int) string {
	if path == "" {
		return ""
	}
	return fmt.Sprintf("  %s:%d", path, line)
}
