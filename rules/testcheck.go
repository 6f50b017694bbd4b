package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clickthread/clickthread/reason"
)

// This file compares what came of a test's chat with what it expects, and tells the difference.

// note writes down what each rule came to.
func (st *stage) note(f Facts, decisions []Decision) {
	if !st.traced {
		return
	}
	misses := map[*Rule]string{}
	for _, e := range st.set.Explain(f) {
		misses[e.Rule] = e.Why
	}
	for _, rule := range st.set.Rules() {
		i := slices.IndexFunc(decisions, func(d Decision) bool { return d.Rule == rule })
		if i < 0 {
			fmt.Fprintf(&st.trace, "  %s: did not match: %s\n", rule.ID, misses[rule])
			continue
		}
		fmt.Fprintf(&st.trace, "  %s: %s, because %s\n", rule.ID, describe(decisions[i]), decisions[i].Why)
	}
}

// check compares what came of the chat so far with what a test expects.
func (st *stage) check(e expectation) string {
	if st.meets(e) && (e.because == "" || st.hasReason(e)) {
		return ""
	}
	got := "nothing"
	if len(st.kept) > 0 {
		var all []string
		for _, k := range st.kept {
			all = append(all, st.describe(k))
		}
		got = strings.Join(all, ", ")
	}
	return fmt.Sprintf("line %d expected %s; got %s\n%s", e.line, e, got, strings.TrimRight(st.trace.String(), "\n"))
}

// meets compares the events that came of the chat. One that still waits is none yet.
func (st *stage) meets(e expectation) bool {
	var events []Decision
	held := 0
	for _, k := range st.kept {
		switch {
		case k.Outcome == Hold:
			held++
		case k.Outcome == ShadowFire, k.Outcome == Fire && !k.due.After(st.now):
			events = append(events, k.Decision)
		}
	}
	switch e.kind {
	case "nothing":
		return len(events) == 0 && held == 0
	case "held":
		return held > 0
	}
	for _, w := range e.events {
		i := slices.IndexFunc(events, w.fits)
		if i < 0 {
			return false
		}
		events = slices.Delete(events, i, i+1)
	}
	return len(events) == 0
}

// hasReason looks for the reason among what the expectation is about: the held decisions of "held",
// all of them otherwise. A chat in which no rule matched has the reason no_match.
func (st *stage) hasReason(e expectation) bool {
	switch {
	case st.stranger:
		return e.because == reason.OtherAccount
	case len(st.kept) == 0:
		return e.because == reason.NoMatch
	}
	return slices.ContainsFunc(st.kept, func(k kept) bool {
		return k.Reason == e.because && (e.kind != "held" || k.Outcome == Hold)
	})
}

// describe says of an event that waits until when.
func (st *stage) describe(k kept) string {
	text := describe(k.Decision)
	if k.Outcome == Fire && k.due.After(st.now) {
		text += " after " + k.due.Sub(st.now).String()
	}
	return text
}

// describe prints a decision as tests write it: "Purchase 89.00 BRL held (value_missing)".
func describe(d Decision) string {
	text := d.Event
	if !d.Value.IsZero() {
		text += " " + d.Value.String()
	}
	if d.EventID != "" {
		text += " id " + d.EventID
	}
	if len(d.ContentIDs) > 0 {
		text += " [" + strings.Join(d.ContentIDs, ", ") + "]"
	}
	text += " " + string(d.Outcome)
	switch {
	case d.ShadowedBy != "":
		text += " by " + d.ShadowedBy
	case d.Reason != reason.None:
		text += " (" + string(d.Reason) + ")"
	}
	return text
}

func (s step) String() string {
	switch s.kind {
	case "customer":
		return fmt.Sprintf("customer %q", s.text)
	case "tap":
		if s.tap.Kind == "flow" {
			return fmt.Sprintf("the flow %q finished", s.tap.Answers["flow_token"])
		}
		return fmt.Sprintf("tap on the %s %q", s.tap.Kind, s.tap.ID)
	case "cart":
		return fmt.Sprintf("cart of %d items", len(s.cart.Items))
	case "we":
		if s.template != nil {
			return fmt.Sprintf("we send the template %q", s.template.Name)
		}
		return fmt.Sprintf("we say %q", s.text)
	case "status":
		return "the template is " + s.status
	}
	return s.kind
}
