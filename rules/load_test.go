package rules

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ruleFile is a file with one rule, headed by more keys.
func ruleFile(id, head string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("version: 1\n" + head + "rules:\n- {id: " + id + ", when: {customer_says: oi}, send: LeadSubmitted}\n")}
}

const failingTest = "tests:\n- {name: never, chat: [{ad_click: true}, {customer: oi}], expect: nothing}\n"

func TestEachAccountStandsForItself(t *testing.T) {
	shop := Owner{ID: "shop", WABAID: "3001", PhoneNumberIDs: []string{"7001", "7002"}}
	clinic := Owner{ID: "clinic"}
	failing := ruleFile("failing", "")
	failing.Data = append(failing.Data, failingTest...)
	for _, c := range []struct {
		name     string
		owners   []Owner
		files    fstest.MapFS
		want     map[string]int // rules per account; -1: not published
		problems []string
	}{
		{
			"folders belong to their accounts",
			[]Owner{shop, clinic},
			fstest.MapFS{"shop/a.yaml": ruleFile("a", ""), "shop/b.yml": ruleFile("b", ""), "shop/notes.txt": {}, ".git/x.yaml": {}},
			map[string]int{"shop": 2, "clinic": 0},
			nil,
		},
		{
			"one client's typo stops nobody else",
			[]Owner{shop, clinic},
			fstest.MapFS{"shop/a.yaml": {Data: []byte("version: 1\nrulse: []\n")}, "clinic/a.yaml": ruleFile("a", "")},
			map[string]int{"shop": -1, "clinic": 1},
			[]string{`shop/a.yaml:1:1: the file has no rules; add rules: [shop]`, `shop/a.yaml:2:1: unknown key "rulse" in the rule file; did you mean "rules"? [shop]`},
		},
		{
			"a file in the root is for the only account",
			[]Owner{shop},
			fstest.MapFS{"a.yaml": ruleFile("a", ""), "b.yaml": ruleFile("b", "accounts: [\"7002\"]\n")},
			map[string]int{"shop": 2},
			nil,
		},
		{
			"or for those it names",
			[]Owner{shop, clinic},
			fstest.MapFS{"a.yaml": ruleFile("a", "accounts: [\"3001\", clinc]\n"), "b.yaml": ruleFile("b", "")},
			map[string]int{"shop": 1, "clinic": 0},
			[]string{
				`a.yaml:2:20: warning: no account has the id "clinc"; did you mean "clinic"?`,
				`b.yaml:1:1: warning: the file does not say which account it is for; it is not used; add "accounts:", or move it into an account's folder`,
			},
		},
		{
			"a broken file in the root breaks those it names",
			[]Owner{shop, clinic},
			fstest.MapFS{"a.yaml": {Data: []byte("version: 1\naccounts:\n- clinic\nrules: [\n")}, "shop/a.yaml": ruleFile("a", "")},
			map[string]int{"shop": 1, "clinic": -1},
			[]string{`a.yaml:5:1: a value or a closing bracket is missing before here; close every [ with ] and every { with } [clinic]`},
		},
		{
			"unknown folder",
			[]Owner{shop},
			fstest.MapFS{"shpo/a.yaml": ruleFile("a", "")},
			map[string]int{"shop": 0},
			[]string{`shpo: warning: no account has this folder's name; its files are not read; did you mean "shop"?`},
		},
		{
			"a file too deep in a folder",
			[]Owner{shop},
			fstest.MapFS{"shop/a.yaml": ruleFile("a", ""), "shop/old/2025/b.yaml": {}, "shop/old/notes.txt": {}, "shop/.git/c.yaml": {}},
			map[string]int{"shop": 1},
			[]string{`shop/old/2025/b.yaml: warning: is not read: rule files stand in rules/ or rules/<account>/`},
		},
		{
			"a file for others in an account's folder",
			[]Owner{shop, clinic},
			fstest.MapFS{"shop/a.yaml": ruleFile("a", "accounts: [clinic]\n")},
			map[string]int{"shop": 0, "clinic": 0},
			[]string{`shop/a.yaml:2:12: warning: the file names other accounts only; it is not used; leave out "accounts:" in an account's own folder`},
		},
		{
			"an id in two files",
			[]Owner{shop},
			fstest.MapFS{"shop/a.yaml": ruleFile("a", ""), "shop/b.yaml": ruleFile("a", "")},
			map[string]int{"shop": -1},
			[]string{`shop/b.yaml:3: rule id "a" is taken by shop/a.yaml:3 [shop]`},
		},
		{
			"a failing test is not published",
			[]Owner{shop},
			fstest.MapFS{"shop/a.yaml": failing},
			map[string]int{"shop": -1},
			[]string{`shop/a.yaml:5: test "never" failed: line 5 expected nothing; got LeadSubmitted fire [shop]`},
		},
		{
			"a huge file is not read",
			[]Owner{shop},
			fstest.MapFS{"shop/a.yaml": {Data: make([]byte, maxFile+1)}},
			map[string]int{"shop": -1},
			[]string{`shop/a.yaml: the file has 1048577 bytes; 1048576 is the limit [shop]`},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			sets, problems := Load(c.files, LoadOptions{Owners: c.owners, Attribute: lastClick})
			got := map[string]int{}
			for id, set := range sets {
				if got[id] = set.Len(); set == nil {
					got[id] = -1
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("sets differ (-want +got):\n%s", diff)
			}
			var said []string
			for _, p := range problems {
				said = append(said, strings.TrimSuffix(p.String()+" ["+strings.Join(p.Accounts, " ")+"]", " []"))
			}
			if diff := cmp.Diff(c.problems, said); diff != "" {
				t.Errorf("problems differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestForcePublishesDespiteFailingTests(t *testing.T) {
	file := ruleFile("a", "")
	file.Data = append(file.Data, failingTest...)
	sets, problems := Load(fstest.MapFS{"a.yaml": file}, LoadOptions{Owners: []Owner{{ID: "shop"}}, Attribute: lastClick, Force: true})
	if sets["shop"].Len() != 1 || len(problems) != 1 || !problems[0].Warning {
		t.Errorf("got %v and %v", sets, problems)
	}
}

func TestAFileForOneNumberHearsOnlyIt(t *testing.T) {
	owner := Owner{ID: "shop", PhoneNumberIDs: []string{"7001", "7002"}}
	sets, problems := Load(fstest.MapFS{"shop/a.yaml": ruleFile("a", "accounts: [\"7002\"]\n")}, LoadOptions{Owners: []Owner{owner}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for number, want := range map[string]int{"7001": 0, "7002": 1} {
		if got := len(sets["shop"].Eval(Facts{Text: "oi", Number: number, Click: &Click{}})); got != want {
			t.Errorf("number %s: %d decisions, want %d", number, got, want)
		}
	}
}

func TestAFileTakesItsAccountsSettings(t *testing.T) {
	owner := Owner{ID: "shop", Currency: "BRL", Locale: "pt-BR", Timezone: "America/Sao_Paulo"}
	set := setOf(t, owner, paid("", "", ""))
	d := set.Eval(Facts{Text: "paguei 1.299", Click: &Click{}})
	if len(d) != 1 || d[0].Value.String() != "1299.00 BRL" {
		t.Errorf("got %+v", d)
	}
}

// A file as long as may be is read quickly, however its lines and lists are made.
func TestTheLongestFilesAreReadQuickly(t *testing.T) {
	oneLine := "version: 1\nrules: [{id: a, send: LeadSubmitted, when: {customer_says: [oi" + strings.Repeat(", 'oi é'", maxFile/20) + "]}}]\n"
	rule := "- {id: r%d, send: ViewContent, when: {customer_says: ['@l', '@l', '@l']}}\n"
	lists := "version: 1\nwords: {l: [oi" + strings.Repeat(", 'oi é'", maxFile/20) + "]}\nrules:\n"
	for i := range 1000 {
		lists += fmt.Sprintf(rule, i)
	}
	tests := "version: 1\nrules: [{id: a, send: LeadSubmitted, once: always, wait: 6d, cancel_if: [{customer_says: x}], when: {customer_says: oi}}]\ntests:\n" +
		"- {chat: [{ad_click: true}" + strings.Repeat(", {customer: oi, repeat: 100}", 40) + "], expect: nothing}\n"
	for name, src := range map[string]string{"one line": oneLine, "long lists": lists, "long tests": tests} {
		began := time.Now()
		f, problems := ParseFile("f.yaml", []byte(src))
		if f != nil {
			for _, r := range f.RunTests(Owner{}, lastClick) {
				if !r.Passed {
					t.Errorf("%s: %s", name, r.Failure)
				}
			}
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: %s", name, took)
		}
		if (f == nil) != (name == "long lists") {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

func FuzzParseFile(f *testing.F) {
	for _, seed := range []string{
		threeRules, manyRules(3), "version: 1\nrules: [{id: a, when: {customer_says: {regex: '('}}}]",
		"a: &a [*a]", "<<: {}", "? {}", "\t", "\xff", "version: 1\n---\n", "accounts:\n- a\nrules: [", "{", "- - - -",
		"version: 1\nrules: [{id: a, send: X, when: {customer_orders: {at_least: {items: 99999999999999, amount: 1}}}}]\ntests: [{chat: [{cart: {items: [{}]}}, {tap: {list: x}}, {wait: 1h}], expect: []}]",
	} {
		f.Add([]byte(seed))
	}
	for _, pattern := range []string{"testdata/good.*.yaml", "testdata/examples/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			f.Add(read(f, path))
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		file, problems := ParseFile("f.yaml", src)
		if (file == nil) != hasError(problems) {
			t.Fatalf("file %v with problems %v", file, problems)
		}
		for _, p := range problems {
			if p.Message == "" || strings.Contains(p.String(), "%!") {
				t.Fatalf("a problem that says nothing: %+v", p)
			}
			_ = p.Pretty()
		}
		_ = accountsOf(src)
		if file != nil {
			file.RunTests(Owner{}, lastClick)
		}
	})
}
