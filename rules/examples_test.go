package rules

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// examples are the files that merchants begin with. Those with orders are not built yet, and say so.
func examples(t *testing.T) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/examples/*.yaml")
	if err != nil || len(paths) != 8 {
		t.Fatalf("found %d examples, error %v", len(paths), err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		files[filepath.Base(path)] = read(t, path)
	}
	return files
}

func withOrders(src []byte) bool { return regexp.MustCompile(`(?m)^ +-? ?order:`).Match(src) }

func TestExamplesPassTheirOwnTests(t *testing.T) {
	for name, src := range examples(t) {
		if withOrders(src) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			f, problems := ParseFile(name, src)
			for _, p := range problems {
				t.Error(p.Pretty())
			}
			for _, r := range f.RunTests(Owner{}, lastClick) {
				if !r.Passed {
					t.Errorf("%s: %s", r.Name, r.Failure)
				}
			}
		})
	}
}

func TestExamplesWithOrdersSayThatTheyAreNotBuilt(t *testing.T) {
	for name, src := range examples(t) {
		if !withOrders(src) {
			continue
		}
		_, problems := ParseFile(name, src)
		notBuilt := false
		for _, p := range problems {
			notBuilt = notBuilt || strings.Contains(p.Message, `"order" is part of the rule format but not built`)
		}
		if !notBuilt {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// A test that cannot fail is worth nothing: each example expects the opposite once, in all places
// where it expects anything, and must fail for it.
func TestAChangedExpectationFails(t *testing.T) {
	files := examples(t)
	stories, err := filepath.Glob("testdata/good.*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stories {
		files[filepath.Base(path)] = read(t, path)
	}
	mutated := 0
	for name, src := range files {
		if withOrders(src) {
			continue
		}
		for _, m := range mutations(t, src) {
			mutated++
			f, problems := ParseFile(name, m.src)
			if f == nil {
				t.Fatalf("%s, %s: %v", name, m.what, problems)
			}
			failure := ""
			for _, r := range f.RunTests(Owner{}, lastClick) {
				failure += r.Failure
			}
			for _, part := range []string{"expected ", "; got ", "\n"} {
				if !strings.Contains(failure, part) {
					t.Errorf("%s, %s: want a failure that shows expected, got and the trace, have %q", name, m.what, failure)
				}
			}
		}
	}
	if mutated < 150 {
		t.Errorf("only %d expectations were changed", mutated)
	}
}

type mutation struct {
	what string
	src  []byte
}

// mutations changes one expectation of a file at a time.
func mutations(t *testing.T, src []byte) []mutation {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		t.Fatal(err)
	}
	var all []mutation
	change := func(n *yaml.Node, to yaml.Node) {
		was := *n
		*n = to
		out, err := yaml.Marshal(&doc)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, mutation{was.Value + " to " + to.Value, out})
		*n = was
	}
	for _, test := range valueOf(doc.Content[0], "tests").Content {
		if because := valueOf(test, "because"); because != nil {
			change(because, scalar("erased"))
		}
		expects := []*yaml.Node{valueOf(test, "expect")}
		for _, step := range valueOf(test, "chat").Content {
			if expect := valueOf(step, "expect"); expect != nil {
				expects = append(expects, expect)
			}
		}
		for _, expect := range expects {
			mutate(expect, change)
		}
	}
	return all
}

// mutate changes everything that one expectation says, one at a time.
func mutate(expect *yaml.Node, change func(*yaml.Node, yaml.Node)) {
	if expect.Kind == yaml.ScalarNode {
		change(expect, yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "Purchase"}}})
		return
	}
	change(expect, scalar("nothing"))
	change(expect, scalar("held"))
	for _, event := range expect.Content {
		if event.Kind == yaml.ScalarNode {
			change(event, scalar("OrderReturned"))
			continue
		}
		change(event.Content[0], scalar("OrderReturned"))
		fields := event.Content[1]
		for i := 0; i+1 < len(fields.Content); i += 2 {
			if to, ok := opposites[fields.Content[i].Value]; ok {
				change(fields.Content[i+1], to)
			}
		}
	}
}

func scalar(text string) yaml.Node { return yaml.Node{Kind: yaml.ScalarNode, Value: text} }

// opposites are what no example expects.
var opposites = map[string]yaml.Node{
	"value": scalar("12345.67"), "currency": scalar("ISK"), "mode": scalar("live"), "event_id": scalar("another"),
	"content_ids": {Kind: yaml.SequenceNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "another"}}},
}

func valueOf(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
