package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/internal/backtest"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/rules"
)

// How a backtest is shown: to people, and as JSON.

// print shows one account's outcome to people.
func (b backtested) print(out *console) {
	r := b.report
	if r == nil {
		out.printf("\n%s: %s\n", out.bold(b.account), out.red("the candidate does not load for this account; see above"))
		return
	}
	out.printf("\n%s: %s from %s on, judged by the rules in force (%s) and by the candidate (%s)\n",
		out.bold(b.account), plural(r.Judged, "message"), when(b.since), setName(b.inForce), setName(b.candidate))
	if r.TooOld > 0 {
		out.printf("  %s fired nothing, being more than 7 days old on arrival\n", plural(r.TooOld, "message"))
	}
	for _, note := range b.notes() {
		out.printf("  %s\n", out.yellow(note))
	}
	printFigures(out, r)
	printChanges(out, r)
}

// printChanges shows some of the events that would change, and counts the others.
func printChanges(out *console, r *backtest.Report) {
	if r.Changed == 0 {
		out.printf("\nNo changes: the same is sent, held, unattributed and on trial.\n")
	} else {
		out.printf("\n%s would change", out.bold(plural(r.Changed, "event")))
		if len(r.Sample) < r.Changed {
			out.printf("; %d of them, kind by kind", len(r.Sample))
		}
		out.printf(":\n")
	}
	if len(r.Sample) > 0 {
		rows := [][]string{{"TIME (UTC)", "EVENT", "NOW", "CANDIDATE", "MESSAGE"}}
		for _, c := range r.Sample {
			rows = append(rows, []string{when(c.At), c.Event, outcomesInWords(c.Before), outcomesInWords(c.After), messageID(c)})
		}
		out.table(rows)
	}
	if len(r.Sample) > 0 {
		out.printf("What each rule makes of a message: clickthread rules explain MESSAGE\n")
	}
	if r.OtherDetails > 0 {
		out.printf("%s would carry other details, such as content_ids.\n", plural(r.OtherDetails, "event"))
	}
	if r.OtherRule > 0 {
		out.printf("%s would come of another rule, and be the same.\n", plural(r.OtherRule, "event"))
	}
}

// printFigures prints the table of events, and what those that are sent are worth.
func printFigures(out *console, r *backtest.Report) {
	if len(r.Counts) == 0 {
		out.printf("  Neither makes an event of them.\n")
		return
	}
	rows := [][]string{{"EVENT", "STATE", "NOW", "CANDIDATE", "DIFFERENCE"}}
	for _, c := range r.Counts {
		rows = append(rows, []string{c.Event, string(c.State), strconv.Itoa(c.Now), strconv.Itoa(c.Candidate), difference(c.Candidate - c.Now)})
	}
	for _, v := range r.Revenue {
		rows = append(rows, []string{v.Event, "revenue", v.Now.String(), v.Candidate.String(), worthMore(v)})
	}
	out.printf("\n")
	out.table(rows)
}

func difference(n int) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("%+d", n)
}

func worthMore(v backtest.Revenue) string {
	more := capi.Money{Minor: v.Candidate.Minor - v.Now.Minor, Currency: v.Now.Currency}
	if more.Minor > 0 {
		return "+" + more.String()
	}
	return more.String()
}

func setName(s *rules.Set) string {
	if s == nil {
		return "none"
	}
	return fmt.Sprintf("%s, set %.12s", plural(s.Len(), "rule"), s.Hash())
}

// messageID is how people name a message.
func messageID(c backtest.Case) string { return "msg_" + hexID(c.Message) }

// backtestReport is what "rules backtest" prints as JSON.
type backtestReport struct {
	Since    time.Time      `json:"since"`
	Until    time.Time      `json:"until"`
	Problems []problemLine  `json:"problems"`
	Accounts []backtestLine `json:"accounts"`
}

// backtestLine is one account; without loads it has nothing but its name.
type backtestLine struct {
	Account      string        `json:"account"`
	Loads        bool          `json:"loads"`
	InForce      string        `json:"in_force,omitempty"`
	Candidate    string        `json:"candidate,omitempty"`
	Messages     int           `json:"messages"`
	Judged       int           `json:"judged"`
	WithoutText  int           `json:"without_text"`
	Unreadable   int           `json:"unreadable"`
	TooOld       int           `json:"too_old"`
	Counts       []countLine   `json:"counts"`
	Revenue      []revenueLine `json:"revenue"`
	Changed      int           `json:"changed"`
	OtherDetails int           `json:"other_details"`
	OtherRule    int           `json:"other_rule"`
	Sample       []caseLine    `json:"sample"`
	Notes        []string      `json:"notes"`
}

type countLine struct {
	Event      string         `json:"event_name"`
	State      backtest.State `json:"state"`
	Now        int            `json:"now"`
	Candidate  int            `json:"candidate"`
	Difference int            `json:"difference"`
}

type revenueLine struct {
	Event      string `json:"event_name"`
	Currency   string `json:"currency"`
	Now        string `json:"now"`
	Candidate  string `json:"candidate"`
	Difference string `json:"difference"`
}

type caseLine struct {
	Message string        `json:"message"`
	Time    time.Time     `json:"event_time"`
	Event   string        `json:"event_name"`
	Now     []outcomeLine `json:"now"`
	After   []outcomeLine `json:"candidate"`
}

type outcomeLine struct {
	State  backtest.State `json:"state"`
	Reason reason.Code    `json:"reason,omitempty"`
	Value  string         `json:"value,omitempty"`
	Rule   string         `json:"rule"`
}

func (c *backtestCmd) inJSON(list []backtested, problems []rules.Problem) backtestReport {
	report := backtestReport{Problems: problemLines(problems), Accounts: []backtestLine{}}
	for _, b := range list {
		report.Since, report.Until = b.since, b.until
		report.Accounts = append(report.Accounts, b.line())
	}
	return report
}

func (b backtested) line() backtestLine {
	r := b.report
	line := backtestLine{Account: b.account, Counts: []countLine{}, Revenue: []revenueLine{}, Sample: []caseLine{}, Notes: []string{}}
	if r == nil {
		return line
	}
	line.Loads, line.InForce, line.Candidate = true, b.inForce.Hash(), b.candidate.Hash()
	line.Messages, line.Judged, line.WithoutText, line.Unreadable, line.TooOld = r.Messages, r.Judged, r.WithoutText, r.Unreadable, r.TooOld
	line.Changed, line.OtherDetails, line.OtherRule = r.Changed, r.OtherDetails, r.OtherRule
	line.Notes = append(line.Notes, b.notes()...)
	for _, n := range r.Counts {
		line.Counts = append(line.Counts, countLine{n.Event, n.State, n.Now, n.Candidate, n.Candidate - n.Now})
	}
	for _, v := range r.Revenue {
		more := capi.Money{Minor: v.Candidate.Minor - v.Now.Minor, Currency: v.Now.Currency}
		line.Revenue = append(line.Revenue, revenueLine{v.Event, v.Now.Currency, v.Now.Decimal(), v.Candidate.Decimal(), more.Decimal()})
	}
	for _, changed := range r.Sample {
		line.Sample = append(line.Sample, caseLine{
			messageID(changed), changed.At, changed.Event, outcomeLines(changed.Before), outcomeLines(changed.After),
		})
	}
	return line
}

func outcomeLines(outcomes []backtest.Outcome) []outcomeLine {
	lines := make([]outcomeLine, len(outcomes))
	for i, o := range outcomes {
		lines[i] = outcomeLine{o.State, o.Reason, o.Value.String(), o.Rule}
	}
	return lines
}
