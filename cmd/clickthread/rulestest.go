package main

import (
	"slices"
	"strings"

	"github.com/clickthread/clickthread/rules"
)

type testCmd struct {
	pathArgs
}

// Help shows an example below the flags.
func (testCmd) Help() string {
	return "Example:\n  clickthread rules test rules/\n\nExit code 1 when a test fails or a file does not load."
}

// Run plays every test of every file.
func (c *testCmd) Run(out *console) error {
	files, problems, err := parseAll(c.Paths)
	if err != nil {
		return err
	}
	var results []rules.TestResult
	for _, f := range files {
		if f.ok() {
			results = append(results, f.RunTests(attribute)...)
		}
	}
	if c.JSON {
		err = out.json(map[string]any{"tests": testLines(results), "problems": problemLines(problems)})
	} else {
		printProblems(out, problems)
		printResults(out, results)
	}
	errs, _ := count(problems)
	if err == nil && (errs > 0 || slices.ContainsFunc(results, func(r rules.TestResult) bool { return !r.Passed })) {
		return findings()
	}
	return err
}

func printResults(out *console, results []rules.TestResult) {
	passed := 0
	for _, r := range results {
		if r.Passed {
			passed++
			out.printf("%s  %s:%d  %s\n", out.green("pass"), r.Path, r.Line, r.Name)
			continue
		}
		out.printf("%s  %s:%d  %s\n      %s\n", out.red("FAIL"), r.Path, r.Line, r.Name, strings.ReplaceAll(r.Failure, "\n", "\n      "))
	}
	out.printf("%s passed, %d failed\n", plural(passed, "test"), len(results)-passed)
}

// testLine is one test as it is printed as JSON.
type testLine struct {
	Path    string `json:"path"`
	Line    int    `json:"line"`
	Name    string `json:"name"`
	Passed  bool   `json:"passed"`
	Failure string `json:"failure,omitempty"`
}

func testLines(results []rules.TestResult) []testLine {
	lines := make([]testLine, len(results))
	for i, r := range results {
		lines[i] = testLine{r.Path, r.Line, r.Name, r.Passed, r.Failure}
	}
	return lines
}
