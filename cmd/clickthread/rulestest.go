package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/clickthread/clickthread/rules"
)

type testCmd struct {
	pathArgs
}

// Help shows an example below the flags.
func (testCmd) Help() string {
	return "Example:\n  clickthread rules test rules/\n\n" + forAccounts + "Exit code 1 when a test fails or a file does not load."
}

// played is one test, and the account it was played for, if that is known.
type played struct {
	rules.TestResult
	account string
}

// Run plays every test of every file, once for each account that the file is for.
func (c *testCmd) Run(out *console) error {
	r, err := c.read(out)
	if err != nil {
		return err
	}
	r.sortProblems()
	var results []played
	for _, set := range r.sets {
		for _, f := range set.files {
			for _, result := range f.RunTests(set.owner, attribute) {
				results = append(results, played{result, set.owner.ID})
			}
		}
	}
	slices.SortStableFunc(results, func(a, b played) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	if c.JSON {
		err = out.json(testReport{Problems: problemLines(r.problems), Tests: testLines(results)})
	} else {
		printProblems(out, r.problems)
		printResults(out, results, r.forWhom())
	}
	errs, _ := count(r.problems)
	if err == nil && (errs > 0 || slices.ContainsFunc(results, func(p played) bool { return !p.Passed })) {
		return findings()
	}
	return err
}

func printResults(out *console, results []played, forWhom string) {
	passed := 0
	for _, r := range results {
		name := r.Name
		if r.account != "" {
			name += out.dim(" (" + r.account + ")")
		}
		if r.Passed {
			passed++
			out.printf("%s  %s:%d  %s\n", out.green("pass"), r.Path, r.Line, name)
			continue
		}
		out.printf("%s  %s:%d  %s\n      %s\n", out.red("FAIL"), r.Path, r.Line, name, strings.ReplaceAll(r.Failure, "\n", "\n      "))
	}
	out.printf("%s passed, %d failed%s\n", plural(passed, "test"), len(results)-passed, forWhom)
}

// testReport is what "rules test" prints as JSON.
type testReport struct {
	Problems []problemLine `json:"problems"`
	Tests    []testLine    `json:"tests"`
}

// testLine is one test as it is printed as JSON.
type testLine struct {
	Path    string `json:"path"`
	Line    int    `json:"line"`
	Name    string `json:"name"`
	Account string `json:"account,omitempty"`
	Passed  bool   `json:"passed"`
	Failure string `json:"failure,omitempty"`
}

func testLines(results []played) []testLine {
	lines := make([]testLine, len(results))
	for i, r := range results {
		lines[i] = testLine{r.Path, r.Line, r.Name, r.account, r.Passed, r.Failure}
	}
	return lines
}
