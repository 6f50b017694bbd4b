package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/clickthread/clickthread/rules"
)

type rulesCmd struct {
	Check   checkCmd   `cmd:"" help:"Check rule files: exact errors with file, line and column."`
	Test    testCmd    `cmd:"" help:"Run the tests that stand in rule files."`
	Explain explainCmd `cmd:"" help:"Say for every rule why it fires or does not, for a text or something that happened."`

	Backtest backtestCmd `cmd:"" help:"Run stored messages through rule files and see what they would change."`
}

// pathArgs are rule files, or folders of them, and the settings that say whose they are.
type pathArgs struct {
	configFlag
	Paths []string `arg:"" name:"path" help:"Rule files, or folders of them."`
	JSON  bool     `help:"Print as JSON." name:"json"`
}

type checkCmd struct {
	pathArgs
	Strict bool `help:"Warnings are findings too."`
}

// Help shows an example below the flags.
func (checkCmd) Help() string {
	return "Example:\n  clickthread rules check rules/\n\n" + forAccounts + "Exit code 1 when there are errors, or warnings with --strict."
}

// forAccounts is help that check and test share.
const forAccounts = "Files in the rules folder of the settings are judged for their accounts, with the accounts' currency,\n" +
	"locale, timezone and click policy; other files, and all of them without settings, by themselves.\n\n"

// Run prints every problem of every file, and of the files that belong together.
func (c *checkCmd) Run(ctx context.Context, out *console) error {
	r, err := c.read(out)
	if err != nil {
		return err
	}
	sets := map[string]*rules.Set{}
	for _, set := range r.sets {
		made, found := rules.NewSet(set.owner, set.files...)
		r.problems = append(r.problems, found...)
		sets[set.owner.ID] = made
	}
	r.problems = append(r.problems, c.renamed(ctx, r, sets)...)
	r.sortProblems()
	if c.JSON {
		err = out.json(checkReport{Files: len(r.files), Accounts: r.judgedFor(), Problems: problemLines(r.problems)})
	} else {
		c.print(out, r)
	}
	errs, warnings := count(r.problems)
	if err == nil && (errs > 0 || c.Strict && warnings > 0) {
		return findings()
	}
	return err
}

// renamed compares with the rules that a server has had in force. There may be no server yet, or its
// database may not be reached from here: then there is nothing to compare with.
func (c *checkCmd) renamed(ctx context.Context, r *ruleFiles, sets map[string]*rules.Set) (problems []rules.Problem) {
	if len(r.owners) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	store, err := c.openLedger(ctx)
	if err != nil {
		return nil
	}
	defer func() { _ = store.Close() }()
	for _, owner := range r.owners {
		if before, err := lastGood(ctx, store, owner); err == nil {
			problems = append(problems, rules.Renamed(before, sets[owner.ID])...)
		}
	}
	return problems
}

func (c *checkCmd) print(out *console, r *ruleFiles) {
	printProblems(out, r.problems)
	total := 0
	for _, f := range r.files {
		if !f.ok() {
			continue
		}
		total += len(f.Rules())
		if !slices.ContainsFunc(r.problems, func(p rules.Problem) bool { return p.Path == f.path && !p.Warning }) {
			out.printf("%s  %s, %s\n", out.green("ok"), f.path, plural(len(f.Rules()), "rule"))
		}
	}
	out.printf("%s, %s%s: %s\n", plural(len(r.files), "file"), plural(total, "rule"), r.forWhom(), verdict(r.problems))
}

// verdict sums up: "2 errors, 1 warning".
func verdict(problems []rules.Problem) string {
	var parts []string
	errs, warnings := count(problems)
	if errs > 0 {
		parts = append(parts, plural(errs, "error"))
	}
	if warnings > 0 {
		parts = append(parts, plural(warnings, "warning"))
	}
	return cmp.Or(strings.Join(parts, ", "), "all good")
}

func count(problems []rules.Problem) (errs, warnings int) {
	for _, p := range problems {
		if p.Warning {
			warnings++
		} else {
			errs++
		}
	}
	return errs, warnings
}

func printProblems(out *console, problems []rules.Problem) {
	for _, p := range problems {
		paint := out.red
		if p.Warning {
			paint = out.yellow
		}
		first, source, found := strings.Cut(p.Pretty(), "\n")
		out.printf("%s\n", paint(first))
		if found {
			out.printf("%s\n", source)
		}
	}
}

// checkReport is what "rules check" prints as JSON.
type checkReport struct {
	Files    int           `json:"files"`
	Accounts []string      `json:"accounts,omitempty"`
	Problems []problemLine `json:"problems"`
}

// problemLine is one problem as it is printed as JSON.
type problemLine struct {
	Path    string `json:"path"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Warning bool   `json:"warning"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func problemLines(problems []rules.Problem) []problemLine {
	lines := make([]problemLine, len(problems))
	for i, p := range problems {
		lines[i] = problemLine{p.Path, p.Line, p.Col, p.Warning, p.Message, p.Hint}
	}
	return lines
}
