package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

// Run prints every problem of every file.
func (c *checkCmd) Run(out *console) error {
	files, problems, err := parseAll(c.Paths)
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.ok() {
			_, more := rules.NewSet(rules.Owner{}, f.File)
			problems = append(problems, more...)
		}
	}
	if c.JSON {
		if err := out.json(map[string]any{"files": len(files), "problems": slices.Concat([]rules.Problem{}, problems)}); err != nil {
			return err
		}
	} else {
		c.print(out, files, problems)
	}
	for _, p := range problems {
		if !p.Warning || c.Strict {
			return findings()
		}
	}
	return nil
}

func (c *checkCmd) print(out *console, files []parsed, problems []rules.Problem) {
	for _, p := range problems {
		paint := out.red
		if p.Warning {
			paint = out.yellow
		}
		first, rest, _ := strings.Cut(p.Pretty(), "\n")
		out.printf("%s\n", paint(first))
		if rest != "" {
			out.printf("%s\n", rest)
		}
	}
	for _, f := range files {
		if f.ok() {
			out.printf("%s  %s, %s\n", out.green("ok"), f.path, plural(len(f.Rules()), "rule"))
		}
	}
}

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
	results := []rules.TestResult{}
	for _, f := range files {
		if f.ok() {
			results = append(results, f.RunTests(attribute)...)
		}
	}
	failed := slices.ContainsFunc(problems, func(p rules.Problem) bool { return !p.Warning }) ||
		slices.ContainsFunc(results, func(r rules.TestResult) bool { return !r.Passed })
	if c.JSON {
		err = out.json(map[string]any{"tests": results, "problems": slices.Concat([]rules.Problem{}, problems)})
	} else {
		printResults(out, problems, results)
	}
	if err == nil && failed {
		return findings()
	}
	return err
}

func printResults(out *console, problems []rules.Problem, results []rules.TestResult) {
	for _, p := range problems {
		out.printf("%s\n", p.Pretty())
	}
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

// parsed is one file that was read; File is nil when it has errors.
type parsed struct {
	*rules.File
	path string
}

func (p parsed) ok() bool { return p.File != nil }

// parseAll reads files, and every .yaml and .yml file below folders.
func parseAll(paths []string) (files []parsed, problems []rules.Problem, err error) {
	names, err := ruleFiles(paths)
	if err != nil {
		return nil, nil, unreachable(err)
	}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			return nil, nil, unreachable(err)
		}
		f, found := rules.ParseFile(name, src)
		files = append(files, parsed{f, name})
		problems = append(problems, found...)
	}
	return files, problems, nil
}

func ruleFiles(paths []string) ([]string, error) {
	var names []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			names = append(names, path)
			continue
		}
		before := len(names)
		err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if ext := filepath.Ext(name); err == nil && !d.IsDir() && (ext == ".yaml" || ext == ".yml") {
				names = append(names, name)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(names) == before {
			return nil, errors.New("no .yaml files below " + path)
		}
	}
	return names, nil
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
