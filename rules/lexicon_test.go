package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The automaton finds exactly what trying every phrase at every word finds.
func TestTheLexiconFindsWhatTryingAllFinds(t *testing.T) {
	word := rapid.SampledFrom([]string{"a", "b", "c"})
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SampledFrom([]string{"a", "b", "c", "{money}", "{number}"})
		var phrases []*phrase
		for range rapid.IntRange(1, 6).Draw(t, "phrases") {
			p, err := newPhrase(strings.Join(rapid.SliceOfN(part, 1, 5).Draw(t, "phrase"), " "))
			if err != nil {
				t.Fatal(err)
			}
			phrases = append(phrases, p)
		}
		said := rapid.SliceOfN(rapid.OneOf(word, rapid.SampledFrom([]string{"d", "12", "R$ 5"})), 0, 12).Draw(t, "text")
		l := newLexicon(phrases)
		got := hear(strings.Join(said, " "), maxText, &l)
		plain := hear(strings.Join(said, " "), maxText, nil)
		for _, p := range phrases {
			var want, have []int
			for i := range plain.tokens {
				if _, ok := p.at(plain, i, 0); ok {
					want = append(want, i)
				}
			}
			for _, s := range got.hits[p.key] {
				have = append(have, s.from)
			}
			slices.Sort(have)
			if diff := cmp.Diff(want, have); diff != "" {
				t.Fatalf("%q in %q (-want +got):\n%s", p.source, said, diff)
			}
		}
	})
}

func TestPhrasesThatAreHeardAlikeAreHeardByAllTheirRules(t *testing.T) {
	set := setOf(t, Owner{ID: "shop"}, `version: 1
rules:
- {id: one, when: {customer_says: "Quanto  CUSTA"}, send: LeadSubmitted}
- {id: two, when: {customer_says: "quanto custa"}, send: ViewContent}
- {id: three, when: {customer_says: {any: "custa", none: "quanto custá"}}, send: AddToCart}
`)
	var got []string
	for _, d := range set.Eval(Facts{Text: "quanto custa?", Click: &Click{}}) {
		got = append(got, d.Rule.ID+": "+d.Why)
	}
	want := []string{`one: the customer said "Quanto  CUSTA"`, `two: the customer said "quanto custa"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
