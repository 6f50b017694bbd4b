package rules

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const noLimit = 1 << 40

// fits is what the machine says, with the steps it took to the end.
func fits(t testing.TB, regex, text string) (ok bool, used int) {
	t.Helper()
	p, _, err := newPattern(regex)
	if err != nil || p == nil {
		t.Fatalf("%q: %v", regex, err)
	}
	soon, _ := p.machine.fits(text, &run{}, noLimit, false)
	ok, used = p.machine.fits(text, &run{}, noLimit, true)
	if soon != ok {
		t.Fatalf("%q on %q: %v at first, %v in the end", regex, text, soon, ok)
	}
	return ok, used
}

// The machine finds a place exactly where the standard library does.
func TestTheMachineFitsWhatTheLibraryFits(t *testing.T) {
	for _, c := range [][2]string{
		{"^$", ""},
		{"^a|b$", "cb"},
		{`\bé`, "a é"},
		{"(?m)^b$", "a\nb\nc"},
		{`\Aab\z`, "ab"},
		{`\Bb`, "ab b"},
		{"(?i)STRASSE|ſ", "s"},
		{"(?s)a.b", "a\nb"},
		{"a.b", "a\nb"},
		{"[^é]", "é"},
		{"[^é]", "\xff"},
		{".", "\xc3"},
		{"a{2,3}?b", "aaab"},
		{"(?:)*x", "x"},
		{"x*", ""},
		{"()|b", "a"},
		{"[[:^alpha:]]", "1"},
	} {
		if got, _ := fits(t, c[0], c[1]); got != regexp.MustCompile(c[0]).MatchString(c[1]) {
			t.Errorf("%q on %q: %v", c[0], c[1], got)
		}
	}
	part := rapid.SampledFrom([]string{
		"a", "b", "é", ".", "^", "$", `\b`, `\B`, `\d`, "[ab]", "[^a]", "(a|b)", "(?i:A)", "a*", "b+?", "a?", "(ab)*", "|", "(?m:^)", "(?m:$)", "(?s:.)", "a{0,2}",
	})
	word := rapid.SampledFrom([]string{"a", "b", "A", "é", " ", "\n", "1", "\xff", "x"})
	rapid.Check(t, func(rt *rapid.T) {
		regex := strings.Join(rapid.SliceOfN(part, 1, 6).Draw(rt, "regex"), "")
		re, err := regexp.Compile(regex)
		if err != nil {
			rt.Skip("two of the parts do not go together")
		}
		text := strings.Join(rapid.SliceOfN(word, 0, 10).Draw(rt, "text"), "")
		if got, _ := fits(t, regex, text); got != re.MatchString(text) {
			rt.Fatalf("%q on %q: %v", regex, text, got)
		}
	})
}

// The machine stops where it is told to, and what it gives up has no groups: half of them could hold
// half an amount.
func TestTheMachineStops(t *testing.T) {
	p, _, err := newPattern(`(?P<amount>\d+)x`)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("1", 1000) + "x"
	_, used := fits(t, `(?P<amount>\d+)x`, text)
	if ok, stopped := p.machine.fits(text, &run{}, 100, true); ok || stopped > 200 {
		t.Errorf("it went on for %d steps", stopped)
	}
	enough := &effort{8 * (used + perGroups)}
	f := p.on(text, enough, &run{})
	groups := map[string]string{}
	if f.groups(text, enough, groups); !f.ok || groups["amount"] != text[:1000] {
		t.Errorf("fits %v, with groups %.20v", f.ok, groups)
	}
	less := &effort{4 * used}
	f, groups = p.on(text, less, &run{}), map[string]string{}
	if f.groups(text, less, groups); f.ok || len(groups) > 0 {
		t.Errorf("it fits, with %v", groups)
	}
}
