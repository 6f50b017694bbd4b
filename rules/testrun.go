package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clickthread/clickthread/reason"
)

// Attribute answers which of an account's clicks counts at a time, or why none does, as the running
// server would. It is given from outside because attribution and rules do not know each other; nil
// knows no click.
type Attribute func(owner Owner, clicks []Click, at time.Time) (*Click, reason.Code)

// TestResult is how one test of a rule file went.
type TestResult struct {
	Path, Name string
	Line       int
	Passed     bool
	Failure    string // the first line says what was expected and got, the others what each rule came to at each step
}

// RunTests runs the tests that stand in the file, with the settings of an account that it belongs to;
// the zero Owner has none. Tests about another account of the same file are left to that account.
func (f *File) RunTests(owner Owner, attribute Attribute) []TestResult {
	var results []TestResult
	for _, s := range f.tests {
		if owner.ID != "" && !s.isAbout(owner) && f.isFor(Owner{ID: s.account}, false) {
			continue
		}
		failure := f.play(s, owner, attribute)
		results = append(results, TestResult{Path: f.Path, Name: s.name, Line: s.line, Passed: failure == "", Failure: failure})
	}
	return results
}

// isAbout reports whether the test is about the account, or one of its numbers.
func (s *scenario) isAbout(owner Owner) bool {
	about := entry{text: s.account}
	return s.account == "" || about.is(owner) || about.isNumberOf(owner)
}

// stage plays one chat.
type stage struct {
	set       *Set
	owner     Owner
	attribute Attribute
	stranger  bool // the test is about an account that the file is not for
	number    string
	now       time.Time
	clicks    []Click
	claims    map[string]bool
	decisions []Decision
	trace     strings.Builder
}

// play runs a chat on a set made of this file alone and returns how it failed, empty if it passed.
func (f *File) play(s *scenario, owner Owner, attribute Attribute) string {
	if !s.isAbout(owner) {
		owner = Owner{ID: s.account}
	}
	set, problems := NewSet(owner, f)
	if set == nil {
		return problems[0].String()
	}
	st := &stage{set: set, owner: owner, attribute: attribute, claims: map[string]bool{}, now: s.at}
	if numbers := f.numbers(owner); slices.Contains(numbers, s.account) {
		st.number = s.account
	} else if len(numbers) > 0 {
		st.number = numbers[0]
	}
	st.stranger = s.account != "" && len(f.accounts) > 0 && !f.isFor(owner, true)
	if st.now.IsZero() {
		zone := time.UTC
		if len(set.rules) > 0 {
			zone = set.rules[0].zone
		}
		st.now = time.Date(2026, time.January, 7, 12, 0, 0, 0, zone) // a Wednesday
	}
	for i, step := range s.steps {
		if failure := st.take(i+1, step); failure != "" {
			return failure
		}
	}
	return st.check(s.expect)
}

// take plays one step, a second after the one before, so that their order is the order of their times.
func (st *stage) take(position int, s step) string {
	st.now = st.now.Add(time.Second)
	facts := Facts{Text: s.text, Tap: s.tap, Cart: s.cart}
	switch s.kind {
	case "ad_click":
		s.click.Key, s.click.At = fmt.Sprintf("click-%d", position), st.now
		st.clicks = append(st.clicks, s.click)
		return ""
	case "wait":
		st.now = st.now.Add(s.wait)
		return ""
	case "expect":
		return st.check(s.expect)
	}
	fmt.Fprintf(&st.trace, "step %d, %s:\n", position, s)
	if st.stranger {
		fmt.Fprintf(&st.trace, "  %s\n", reason.OtherAccount.Words())
		return ""
	}
	facts.Trigger = fmt.Sprintf("step-%d", position)
	facts.Conversations = []string{"chat"}
	facts.Number, facts.At = st.number, st.now
	facts.Claimed = func(key string) bool { return st.claims[key] }
	facts.NoClick = reason.NoClickID
	if st.attribute != nil {
		facts.Click, facts.NoClick = st.attribute(st.owner, slices.Clone(st.clicks), st.now)
	}
	decisions := st.set.Eval(facts)
	for _, d := range decisions {
		if d.Claim != "" {
			st.claims[d.Claim] = true
		}
	}
	st.decisions = append(st.decisions, decisions...)
	st.note(decisions)
	return ""
}

// note writes down what each rule came to.
func (st *stage) note(decisions []Decision) {
	for _, rule := range st.set.Rules() {
		i := slices.IndexFunc(decisions, func(d Decision) bool { return d.Rule == rule })
		if i < 0 {
			fmt.Fprintf(&st.trace, "  %s: did not match\n", rule.ID)
			continue
		}
		fmt.Fprintf(&st.trace, "  %s: %s, because %s\n", rule.ID, describe(decisions[i]), decisions[i].Why)
	}
}

// check compares what came of the chat so far with what a test expects.
func (st *stage) check(e expectation) string {
	ok := st.meets(e) && (e.because == "" || st.hasReason(e))
	if ok {
		return ""
	}
	got := "nothing"
	if len(st.decisions) > 0 {
		var all []string
		for _, d := range st.decisions {
			all = append(all, describe(d))
		}
		got = strings.Join(all, ", ")
	}
	return fmt.Sprintf("line %d expected %s; got %s\n%s", e.line, e, got, strings.TrimRight(st.trace.String(), "\n"))
}

func (st *stage) meets(e expectation) bool {
	var events []Decision
	held := 0
	for _, d := range st.decisions {
		switch d.Outcome {
		case Fire, ShadowFire:
			events = append(events, d)
		case Hold:
			held++
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
	case len(st.decisions) == 0:
		return e.because == reason.NoMatch
	}
	return slices.ContainsFunc(st.decisions, func(d Decision) bool {
		return d.Reason == e.because && (e.kind != "held" || d.Outcome == Hold)
	})
}

// describe prints a decision as tests write it: "Purchase 89.00 BRL held (value_missing)".
func describe(d Decision) string {
	text := d.Event
	if !d.Value.IsZero() {
		text += " " + d.Value.String()
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
		return fmt.Sprintf("tap on the %s %q", s.tap.Kind, s.tap.ID)
	case "cart":
		return fmt.Sprintf("cart of %d items", len(s.cart.Items))
	}
	return s.kind
}
