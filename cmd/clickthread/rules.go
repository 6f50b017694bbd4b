package main

import (
	"cmp"
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
	verdict := out.green("all good")
	if errs, warnings := count(problems); len(problems) > 0 {
		verdict = plural(errs, "error") + ", " + plural(warnings, "warning")
	}
	out.printf("%s, %s: %s\n", plural(len(files), "file"), plural(total, "rule"), verdict)
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

// parsed is one rule file that was read; File is nil when it has errors.
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

// ruleFiles lists files, each once, in the order in which they are found.
func ruleFiles(paths []string) ([]string, error) {
	var names []string
	add := func(name string) {
		if name = filepath.Clean(name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			add(p)
			continue
		}
		found, err := ruleFilesBelow(os.DirFS(p))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, errors.New("no .yaml files below " + p)
		}
		for _, name := range found {
			add(filepath.Join(p, name))
		}
	}
	return names, nil
}

// ruleFilesBelow leaves out what is hidden, as the server does: editors and mounted volumes keep
// copies there.
func ruleFilesBelow(folder fs.FS) (names []string, err error) {
	err = fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		hidden := name != "." && strings.HasPrefix(d.Name(), ".")
		ext := filepath.Ext(name)
		switch {
		case err != nil:
			return err
		case hidden && d.IsDir():
			return fs.SkipDir
		case !hidden && !d.IsDir() && (ext == ".yaml" || ext == ".yml"):
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// together groups files that belong to one account: those of one folder that name the same accounts.
// Such files share their rule ids, because ids are part of every claim (ledger 14).
func together(files []parsed) [][]*rules.File {
	place := map[string]int{}
	var sets [][]*rules.File
	for _, f := range files {
		if !f.ok() {
			continue
		}
		key := strings.Join(append(slices.Sorted(slices.Values(f.Accounts())), filepath.Dir(f.path)), "\n")
		i, known := place[key]
		if !known {
			i, place[key] = len(sets), len(sets)
			sets = append(sets, nil)
		}
		sets[i] = append(sets[i], f.File)
	}
	return sets
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
