package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/clickthread/clickthread/rules"
)

type rulesCmd struct {
	Check checkCmd `cmd:"" help:"Check rule files: exact errors with file, line and column."`
	Test  testCmd  `cmd:"" help:"Run the tests that stand in rule files."`
}

// pathArgs are rule files, or folders that are searched for them.
type pathArgs struct {
	Paths []string `arg:"" name:"path" help:"Rule files, or folders of them."`
	JSON  bool     `help:"Print as JSON." name:"json"`
}

type checkCmd struct {
	pathArgs
	Strict bool `help:"Warnings are findings too."`
}

// Help shows an example below the flags.
func (checkCmd) Help() string {
	return "Example:\n  clickthread rules check rules/\n\nExit code 1 when there are errors, or warnings with --strict."
}

// Run prints every problem of every file, and of the files that belong together.
func (c *checkCmd) Run(out *console) error {
	files, problems, err := parseAll(c.Paths)
	if err != nil {
		return err
	}
	for _, set := range together(files) {
		_, found := rules.NewSet(rules.Owner{}, set...)
		problems = append(problems, found...)
	}
	slices.SortStableFunc(problems, func(a, b rules.Problem) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	if c.JSON {
		if err := out.json(map[string]any{"files": len(files), "problems": problemLines(problems)}); err != nil {
			return err
		}
	} else {
		c.print(out, files, problems)
	}
	errs, warnings := count(problems)
	if errs > 0 || c.Strict && warnings > 0 {
		return findings()
	}
	return nil
}

func (c *checkCmd) print(out *console, files []parsed, problems []rules.Problem) {
	printProblems(out, problems)
	total := 0
	for _, f := range files {
		if !f.ok() {
			continue
		}
		total += len(f.Rules())
		if !slices.ContainsFunc(problems, func(p rules.Problem) bool { return p.Path == f.path && !p.Warning }) {
			out.printf("%s  %s, %s\n", out.green("ok"), f.path, plural(len(f.Rules()), "rule"))
		}
	}
	out.printf("%s, %s: %s\n", plural(len(files), "file"), plural(total, "rule"), verdict(problems))
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
