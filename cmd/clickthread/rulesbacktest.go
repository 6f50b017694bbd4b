package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/internal/backtest"
	"github.com/clickthread/clickthread/rules"
	"github.com/clickthread/clickthread/sql"
)

type backtestCmd struct {
	configFlag
	Dir     string   `arg:"" name:"dir" help:"The candidate: a folder of rule files, laid out as rules/ is."`
	Since   moment   `help:"From when on: a span back from now, such as 24h, a date or a time in UTC." default:"7d" placeholder:"WHEN"`
	Account []string `help:"Only this account; may be given several times." placeholder:"ID"`
	Sample  int      `help:"Most changed cases to show." default:"10"`
	JSON    bool     `help:"Print as JSON." name:"json"`
}

// Help shows an example below the flags.
func (backtestCmd) Help() string {
	return "Example:\n  clickthread rules backtest new-rules/ --since 7d\n  clickthread rules backtest new-rules/ --account shop --sample 50\n\n" +
		"Stored messages go once through the rules in force, which are those that a server last had, and once\n" +
		"through the candidate, with clicks, once-ness, holds and waits as they were. What people did to events,\n" +
		"and what Meta answered, is left out. Messages whose text is past retention.text cannot be judged, and are\n" +
		"counted. Nothing is changed, and a server may run meanwhile.\n\n" +
		"Exit code 1 when the candidate does not load for an account; the others are backtested all the same."
}

// backtested is one account's outcome. Report is nil where the candidate does not load.
type backtested struct {
	account              string
	inForce, candidate   *rules.Set
	noFiles              bool      // the candidate folder has none for the account: candidate is inForce
	since, until, clicks time.Time // clicks: older ones are gone
	report               *backtest.Report
}

// Run compares account by account, and prints.
func (c *backtestCmd) Run(ctx context.Context, out *console) error {
	s, err := c.load()
	if err != nil {
		return err
	}
	accounts, err := c.accounts(s.Registry())
	if err != nil {
		return usage(err)
	}
	sets, problems, err := c.candidate(s.Registry(), accounts)
	if err != nil {
		return unreachable(err)
	}
	store, err := c.openLedger(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	optOuts := &optOuts{}
	if _, err := optOuts.reload(ctx, store); err != nil {
		return err
	}
	if !c.JSON {
		printProblems(out, problems)
	}
	// What is read is small beside what it leads to, which is held to the end: looking for garbage as often as a
	// server does would take a quarter of the time.
	defer debug.SetGCPercent(debug.SetGCPercent(300))
	until := now()
	var list []backtested
	for _, a := range accounts {
		b := backtested{
			account: a.ID, candidate: sets[a.ID], since: c.Since.Truncate(time.Millisecond), until: until,
			clicks: until.Add(-time.Duration(s.Retention.ClickGrace)),
		}
		if b.candidate != nil {
			if err := c.compare(ctx, out, store, optOuts, a, &b); err != nil {
				return fmt.Errorf("backtest %s: %w", a.ID, err)
			}
		}
		if list = append(list, b); !c.JSON {
			b.print(out)
		}
	}
	if c.JSON {
		err = out.json(c.inJSON(list, problems))
	}
	if err == nil && slices.ContainsFunc(list, func(b backtested) bool { return b.report == nil }) {
		return findings()
	}
	return err
}

// accounts are those that were asked for, or all.
func (c *backtestCmd) accounts(registry *account.Registry) ([]account.Account, error) {
	if len(c.Account) == 0 {
		return registry.All(), nil
	}
	var list []account.Account
	for _, id := range c.Account {
		a, known := registry.ByID(id)
		if !known {
			return nil, fmt.Errorf("there is no account %q in the settings", id)
		}
		list = append(list, a)
	}
	return list, nil
}

// candidate loads the folder as a server would, and tells the problems that concern these accounts.
func (c *backtestCmd) candidate(registry *account.Registry, accounts []account.Account) (map[string]*rules.Set, []rules.Problem, error) {
	if info, err := os.Stat(c.Dir); err != nil {
		return nil, nil, err
	} else if !info.IsDir() {
		return nil, nil, fmt.Errorf("%s is a file; give the folder that would stand in place of rules/", c.Dir)
	}
	sets, problems := rules.Load(os.DirFS(c.Dir), rules.LoadOptions{Owners: owners(registry), Attribute: attribute})
	asked := func(id string) bool {
		return slices.ContainsFunc(accounts, func(a account.Account) bool { return a.ID == id })
	}
	problems = slices.DeleteFunc(problems, func(p rules.Problem) bool {
		return len(p.Accounts) > 0 && !slices.ContainsFunc(p.Accounts, asked)
	})
	for i := range problems {
		if problems[i].Path != "" {
			problems[i].Path = filepath.Join(c.Dir, problems[i].Path)
		}
	}
	return sets, problems, nil
}

// compare replays one account's past, and tells how far it is.
func (c *backtestCmd) compare(ctx context.Context, out *console, store *sql.Store, optOuts *optOuts, a account.Account, b *backtested) error {
	var err error
	if b.inForce, err = lastGood(ctx, store, owners(account.NewRegistry([]account.Account{a}))[0]); err != nil {
		return err
	}
	if b.inForce != nil && b.candidate != nil && len(b.candidate.Sources()) == 0 { // as a server would, see ADR 8
		b.candidate, b.noFiles = b.inForce, true
	}
	line := progressLine{out.err, isTerminal(out.err)}
	defer line.end()
	told := time.Now()
	b.report, err = backtest.Run(ctx, backtest.Options{
		Account: a, Past: store.History(a.ID, b.since, b.until), From: b.since, InForce: b.inForce, Candidate: b.candidate,
		Key: store.Key, OptedOut: optOuts.has, Sample: c.Sample,
		Tell: func(done, total int) {
			if time.Since(told) >= time.Second {
				told = time.Now()
				line.tell(fmt.Sprintf("%s: %d of %s", a.ID, done, plural(total, "message")))
			}
		},
	})
	return err
}

// notes are what one should know before believing the figures.
func (b backtested) notes() (notes []string) {
	r := b.report
	if b.inForce == nil {
		notes = append(notes, "No server has had rules in force for this account: all that the candidate does is new.")
	}
	if b.candidate.Len() == 0 {
		notes = append(notes, "The candidate has no rules for this account.")
	}
	if b.noFiles {
		notes = append(notes, "The candidate has no files for this account: a server would keep the rules in force. To end rules, give them mode: off.")
	} else if b.inForce != nil && b.inForce.Hash() == b.candidate.Hash() {
		notes = append(notes, "The candidate is the set in force.")
	}
	if r.WithoutText > 0 {
		notes = append(notes, plural(r.WithoutText, "message")+" could not be judged: past retention.text, their text is gone. What came of them stands.")
	}
	if r.Unreadable > 0 {
		notes = append(notes, plural(r.Unreadable, "message")+" could not be read: recorded by another version of this program.")
	}
	if b.since.Add(time.Hour).Before(b.clicks) { // clicks are pruned once an hour
		notes = append(notes, "Clicks from before "+when(b.clicks.Add(-7*24*time.Hour))+" may be deleted (retention.click_grace): early messages may lack theirs, for both sets alike.")
	}
	if b.candidate.Hears().Templates && !b.inForce.Hears().Templates {
		notes = append(notes, "Statuses of templates are stored only where a rule listens to them: what the candidate makes of them cannot be seen here.")
	}
	return notes
}

// outcomesInWords is an event, or what there is instead: "sent 89.00 BRL by paid".
func outcomesInWords(outcomes []backtest.Outcome) string {
	var parts []string
	for _, o := range outcomes {
		words := string(o.State)
		if o.Reason != "" && string(o.Reason) != words {
			words += " " + string(o.Reason)
		}
		if !o.Value.IsZero() {
			words += " " + o.Value.String()
		}
		parts = append(parts, words+" by "+o.Rule)
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, " + ")
}
