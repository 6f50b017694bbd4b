package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/rules"
	"github.com/clickthread/clickthread/webhook"
)

// explanation is what "rules explain" says about one message, as it is printed as JSON.
type explanation struct {
	Account  string            `json:"account,omitempty"`
	Judged   string            `json:"rule_files,omitempty"` // where they stand; else those in force
	RuleSet  string            `json:"rule_set,omitempty"`
	Changed  bool              `json:"rules_changed_since,omitempty"`
	Message  *explainedMessage `json:"message,omitempty"`
	Click    *explainedClick   `json:"click,omitempty"`
	NoClick  reason.Code       `json:"no_click,omitempty"`
	Recorded []recordedEvent   `json:"recorded"` // what came of it
	Notes    []string          `json:"notes,omitempty"`
	Rules    []explainedRule   `json:"rules"` // the nearest first
}

type explainedMessage struct {
	ID        string    `json:"id,omitempty"`
	Kind      string    `json:"kind"`
	At        time.Time `json:"time"`
	Ours      bool      `json:"by_the_business"`
	With      string    `json:"customer,omitempty"` // masked
	Pretended bool      `json:"pretended,omitempty"`
}

type explainedClick struct {
	At         time.Time `json:"time"`
	AdID       string    `json:"ad_id,omitempty"`
	SourceType string    `json:"source_type,omitempty"`
}

// recordedEvent is an event, or an unattributed match, that a message led to.
type recordedEvent struct {
	ID     string           `json:"id"`
	Event  string           `json:"event_name"`
	Rule   string           `json:"rule"`
	State  forwarder.Status `json:"state"`
	Reason reason.Code      `json:"reason,omitempty"`
}

type explainedRule struct {
	Mark    string        `json:"mark"` // fires, held, shadow, blocked, unattributed or no
	Rule    string        `json:"rule"`
	Event   string        `json:"event_name"`
	Outcome rules.Outcome `json:"outcome,omitempty"` // where the trigger fits
	Reason  reason.Code   `json:"reason,omitempty"`
	Why     string        `json:"why"`
	Value   string        `json:"value,omitempty"`
	TakenBy string        `json:"taken_by,omitempty"` // the event that once or dedupe lets be the only one
	Path    string        `json:"path,omitempty"`
	Line    int           `json:"line,omitempty"`
}

// marks are what became of a rule, in one word; what is not here is "no".
var marks = map[rules.Outcome]string{
	rules.Fire: "fires", rules.Hold: "held", rules.ShadowFire: "shadow", rules.Blocked: "blocked", rules.Unattributed: "unattributed",
}

func mark(o rules.Outcome) string { return cmp.Or(marks[o], "no") }

// explanationOf puts what a planner explains into words for people.
func explanationOf(accountID string, set *rules.Set, explained webhook.Explained) explanation {
	e := explanation{
		Account: accountID, RuleSet: set.Hash(), NoClick: explained.NoClick, Recorded: []recordedEvent{}, Rules: []explainedRule{},
	}
	if explained.NoClick == reason.None {
		e.Click = &explainedClick{explained.Click.At, explained.Click.AdID, explained.Click.SourceType}
	}
	for _, v := range explained.Rules {
		r := explainedRule{
			Mark: mark(v.Outcome), Rule: v.Rule.ID, Event: v.Rule.Event, Outcome: v.Outcome, Reason: v.Reason, Why: v.Why,
			Path: v.Rule.Path, Line: v.Rule.Line,
		}
		if v.Decision != nil {
			r.Value = v.Decision.Value.String()
		}
		if v.TakenBy != nil {
			r.TakenBy = eventID(v.TakenBy.ID)
		}
		e.Rules = append(e.Rules, r)
	}
	return e
}

func (e explanation) print(out *console) {
	line := func(key, format string, args ...any) {
		out.printf("%s  %s\n", out.dim(fmt.Sprintf("%-8s", key)), fmt.Sprintf(format, args...))
	}
	if m := e.Message; m != nil {
		line("message", "%s", m.words())
	}
	line("rules", "%s", e.whose())
	switch {
	case e.Click != nil && e.Message.Pretended:
		line("click", "%s", when(e.Click.At))
	case e.Click != nil:
		line("click", "%s  %s %s", when(e.Click.At), e.Click.SourceType, e.Click.AdID)
	case e.NoClick != "":
		line("click", "none counts: %s", e.NoClick.Words())
	}
	for _, r := range e.Recorded {
		line("led to", "%s", strings.TrimSpace(fmt.Sprintf("%s  %s  %s  %s %s", r.ID, r.Event, r.Rule, r.State, r.Reason)))
	}
	for _, n := range e.Notes {
		line("note", "%s", n)
	}
	for _, r := range e.Rules {
		r.print(out)
	}
}

func (m *explainedMessage) words() string {
	who := "from a customer"
	switch {
	case m.Ours && m.With != "":
		who = "from the business to " + m.With
	case m.Ours:
		who = "from the business"
	case m.With != "":
		who = "from " + m.With
	}
	if m.Pretended {
		who += ", pretended"
	}
	return strings.TrimSpace(fmt.Sprintf("%s  %s %s  %s", when(m.At), m.Kind, who, m.ID))
}

// whose says by which rules it was judged, and for which account.
func (e explanation) whose() string {
	where := cmp.Or(e.Judged, "in force")
	if e.RuleSet != "" {
		where += fmt.Sprintf(" (set %.12s)", e.RuleSet)
	}
	if e.Account != "" {
		return "of account " + e.Account + ", " + where
	}
	return where
}

func (r explainedRule) print(out *console) {
	paint := map[string]func(string) string{"fires": out.green, "held": out.yellow, "unattributed": out.yellow, "no": out.dim}[r.Mark]
	if paint == nil {
		paint = out.bold
	}
	value := r.Value
	if value != "" {
		value = "  " + value
	}
	out.printf("\n%s  %s  %s%s%s\n", paint(fmt.Sprintf("%-12s", r.Mark)), out.bold(r.Rule), r.Event, value, out.dim(place(r.Path, r.Line)))
	why := r.Why
	if r.TakenBy != "" {
		why += " (" + r.TakenBy + ")"
	}
	out.printf("%14s%s\n", "", why)
}
