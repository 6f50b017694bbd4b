package rules

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// example is a rule file that stands in a page for people.
type example struct {
	at  string // page and line
	src []byte
}

// docExamples are the yaml blocks of a page. Each is a whole file whose first line may be left out.
func docExamples(t *testing.T, page string) []example {
	t.Helper()
	text, err := os.ReadFile("../" + page) //nolint:gosec // the pages that the tests name
	if err != nil {
		t.Fatal(err)
	}
	var list []example
	for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllSubmatchIndex(text, -1) {
		src := string(text[block[2]:block[3]])
		if !strings.HasPrefix(src, "version:") {
			src = "version: 1\n" + src
		}
		line := strings.Count(string(text[:block[0]]), "\n") + 1
		list = append(list, example{fmt.Sprintf("%s:%d", page, line), []byte(src)})
	}
	if len(list) == 0 {
		t.Fatalf("%s has no examples", page)
	}
	return list
}

// What the pages teach works: every example is free of problems, says what must come of it, and is right.
func TestTheExamplesOfThePagesRun(t *testing.T) {
	for _, page := range []string{"docs/rules.md", "README.md"} {
		for _, e := range docExamples(t, page) {
			f, problems := ParseFile(e.at, e.src)
			for _, p := range problems {
				t.Errorf("%s: %s", e.at, p.Pretty())
			}
			if f == nil {
				continue
			}
			results := f.RunTests(Owner{}, lastClick)
			if len(results) == 0 {
				t.Errorf("%s has no tests", e.at)
			}
			for _, r := range results {
				if !r.Passed {
					t.Errorf("%s, %s: %s", e.at, r.Name, r.Failure)
				}
			}
		}
	}
}

// And nothing in it stands there for nothing: what is changed in an expectation fails.
func TestAChangedExpectationOfAPageFails(t *testing.T) {
	for _, e := range docExamples(t, "docs/rules.md") {
		for _, m := range mutations(t, e.src) {
			f, problems := ParseFile(e.at, m.src)
			if f == nil {
				t.Fatalf("%s, %s: %v", e.at, m.what, problems)
			}
			failed := false
			for _, r := range f.RunTests(Owner{}, lastClick) {
				failed = failed || !r.Passed
			}
			if !failed {
				t.Errorf("%s: nothing fails after %s", e.at, m.what)
			}
		}
	}
}

// The page has an example of every key that is built.
func TestThePageTeachesEveryKey(t *testing.T) {
	taught := map[string]bool{}
	for _, e := range docExamples(t, "docs/rules.md") {
		eachKey("file", root(e.src), func(at string, _, _ *yaml.Node) { taught[at] = true })
	}
	for name, s := range format {
		for _, k := range s.keys {
			if at := name + "." + k.name; !k.is.later && !taught[at] {
				t.Errorf("docs/rules.md has no example of %s", at)
			}
		}
	}
}

// The page's table of amounts says what becomes of them.
func TestThePageReadsMoneyAsTheEngineDoes(t *testing.T) {
	text, err := os.ReadFile("../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([A-Z]{3}) \\| ([A-Za-z-]+) \\| ([\\d.]+|held)")
	rows := row.FindAllStringSubmatch(string(text), -1)
	if len(rows) < 10 {
		t.Fatalf("only %d amounts", len(rows))
	}
	for _, r := range rows {
		got, want := outcome(hearOne(t, paid(r[2], r[3], ""), "paguei "+r[1])), r[4]+" "+r[2]
		if r[4] == "held" {
			want = "value_ambiguous"
		}
		if got != want {
			t.Errorf("%s: the page says %s, the engine %s", r[1], want, got)
		}
	}
}
