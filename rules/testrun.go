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
	p := &player{file: f, attribute: attribute, sets: map[string]*Set{}}
	for _, s := range f.tests {
		if owner.ID != "" && !s.isAbout(owner) && f.isFor(Owner{ID: s.account}, false) {
			continue
		}
		failure := p.play(s, owner, false)
		if failure != "" {
			failure = p.play(s, owner, true) // what each rule came to is only worth its time then
		}
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
	trigger   string
	clicks    []Click
	quoted    []string // what the business wrote, the newest first
	template  *Facts   // the one sent last
	claims    map[string]ClaimState
	kept      []kept
	traced    bool
	trace     strings.Builder
}

// kept is a decision and when it may be sent.
type kept struct {
	Decision
	due time.Time
}

// cancelled is what becomes of an event that its "cancel_if" stops while it waits.
const cancelled Outcome = "cancelled"

// player plays the tests of one file, on sets that are made of this file alone.
type player struct {
	file      *File
	attribute Attribute
	sets      map[string]*Set // by account
}

// set returns the file's set for an account.
func (p *player) set(owner Owner) (*Set, []Problem) {
	if set := p.sets[owner.ID]; set != nil {
		return set, nil
	}
	set, problems := NewSet(owner, p.file)
	p.sets[owner.ID] = set
	return set, problems
}

// play runs a chat and returns how it failed, empty if it passed.
func (p *player) play(s *scenario, owner Owner, traced bool) string {
	f := p.file
	if !s.isAbout(owner) {
		owner = Owner{ID: s.account}
	}
	set, problems := p.set(owner)
	if set == nil {
		return problems[0].String()
	}
	st := &stage{set: set, owner: owner, attribute: p.attribute, claims: map[string]ClaimState{}, now: s.at, traced: traced}
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
		for again := range step.repeat {
			st.trigger = fmt.Sprintf("step-%d", i+1)
			if again > 0 {
				st.trigger += fmt.Sprintf(".%d", again+1)
			}
			if failure := st.take(i+1, step); failure != "" {
				return failure
			}
		}
	}
	return st.check(s.expect)
}

// take plays one step, a second after the one before, so that their order is the order of their times.
func (st *stage) take(position int, s step) string {
	st.now = st.now.Add(time.Second)
	switch s.kind {
	case "ad_click":
		s.click.Key, s.click.At = fmt.Sprintf("click-%d", len(st.clicks)+1), st.now
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
	facts := st.facts(s)
	st.cancel(facts)
	decisions := st.set.Eval(facts)
	for _, d := range decisions {
		st.keep(d)
	}
	st.note(facts, decisions)
	if s.kind == "we" && s.text != "" {
		st.quoted = slices.Insert(st.quoted, 0, s.text)
	}
	return ""
}

// keep takes a decision's claim, and puts one that completes a held event in its place.
func (st *stage) keep(d Decision) {
	if d.Claim != "" {
		st.claims[d.Claim] = Taken
		if d.Outcome == Hold {
			st.claims[d.Claim] = HeldForValue
		}
	}
	k := kept{Decision: d, due: st.now.Add(d.Wait)}
	held := slices.IndexFunc(st.kept, func(k kept) bool { return d.Completes && k.Outcome == Hold && k.Claim == d.Claim })
	if held >= 0 {
		st.kept[held] = k
		return
	}
	st.kept = append(st.kept, k)
}

// cancel stops the events that still wait and listen for what happens now.
func (st *stage) cancel(f Facts) {
	judged := map[string]bool{} // by cancel_if: many events have the same
	for i, k := range st.kept {
		if k.Outcome != Fire || !k.due.After(st.now) {
			continue
		}
		stops, known := judged[string(k.CancelIf)]
		if !known {
			cancels, err := Cancels(k.CancelIf, f)
			stops = cancels && err == nil
			judged[string(k.CancelIf)] = stops
		}
		if stops {
			st.kept[i].Outcome, st.kept[i].Reason = cancelled, reason.CancelIf
			fmt.Fprintf(&st.trace, "  %s: the %s that waited is cancelled\n", k.Rule.ID, k.Event)
		}
	}
}
