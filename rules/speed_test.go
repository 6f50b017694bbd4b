package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// greeting is a message as shoppers write it.
var greeting = Facts{Text: "Oi! Vi o anúncio, quanto custa o vestido azul? Tem entrega hoje?", Click: &Click{Key: "k"}}

// keywordRules makes n rules whose phrases all begin with the same word. before stands before half of them.
func keywordRules(n int, before string) string {
	var src strings.Builder
	src.WriteString("version: 1\nrules:\n- {id: price, when: {customer_says: quanto custa}, send: LeadSubmitted}\n")
	for i := range n - 1 {
		fmt.Fprintf(&src, "- {id: r-%d, when: {customer_says: [quanto produto%d, \"%soferta%d\"]}, send: ViewContent}\n", i, i, before, i)
	}
	return src.String()
}

// unlimited makes a set of as many rules as asked, more than one account may have.
func unlimited(t testing.TB, n int) *Set {
	t.Helper()
	s := &Set{}
	for from := 0; from < n; from += maxRules {
		for i, rule := range parse(t, keywordRules(min(n-from, maxRules), "quanto o ")).rules {
			if i == 0 && from > 0 {
				continue // the one rule that fits, again
			}
			s.rules = append(s.rules, &bound{Rule: rule, grouping: ',', zone: time.UTC})
		}
	}
	s.index = newIndex(s.rules)
	return s
}

// BenchmarkEval shows that cost grows with what is said and not with the number of rules.
func BenchmarkEval(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprintf("%d rules", n), func(b *testing.B) {
			set := unlimited(b, n)
			b.ReportAllocs()
			for b.Loop() {
				set.Eval(greeting)
			}
		})
	}
}

// A thousand keyword rules cost under 5 us a message, and at most 5 times what ten cost.
func TestAThousandKeywordRulesCostLittleMoreThanTen(t *testing.T) {
	const limit = 5 * time.Microsecond
	ten, thousand := unlimited(t, 10), unlimited(t, 1000)
	if ten.Len() != 10 || thousand.Len() != 1000 || len(thousand.Eval(greeting)) != 1 {
		t.Fatalf("%d and %d rules", ten.Len(), thousand.Len())
	}
	few, many := time.Hour, time.Hour
	for began := time.Now(); time.Since(began) < 2*time.Second && (many > limit || many > 5*few); {
		few, many = min(few, perMessage(ten)), min(many, perMessage(thousand))
	}
	if many > limit || many > 5*few {
		t.Errorf("%s beside 1,000 rules, %s beside 10", many, few)
	}
}

// perMessage is what one of a hundred messages takes.
func perMessage(set *Set) time.Duration {
	began := time.Now()
	for range 100 {
		set.Eval(greeting)
	}
	return time.Since(began) / 100
}

// slowTexts are made to be slow, each as long as is looked at.
func slowTexts() map[string]string {
	texts := map[string]string{}
	for name, part := range map[string]string{
		"words": "quanto custa ", "one word": "a ", "accents": "É ã ", "emoji": "😀", "amounts": "quanto custa 1 ", "letters": "a",
	} {
		texts[name] = strings.Repeat(part, maxText/len(part)+1)
	}
	return texts
}

// BenchmarkHostile is what the longest message may cost, with rules that are made to be slow too.
func BenchmarkHostile(b *testing.B) {
	for name, src := range hostileRules() {
		set := setOf(b, Owner{ID: "shop", Currency: "BRL"}, src)
		for text, said := range slowTexts() {
			b.Run(name+"/"+text, func(b *testing.B) {
				for b.Loop() {
					set.Eval(Facts{Text: said, Click: &Click{Key: "k"}})
				}
			})
		}
	}
}

func hostileRules() map[string]string {
	repeated := "version: 1\nrules:\n"
	for i := range maxRules {
		repeated += fmt.Sprintf("- {id: r-%d, when: {customer_says: [%q, %q]}, send: ViewContent}\n",
			i, strings.Repeat("a ", i%60+1)+"b", "{money} custa "+strings.Repeat("a ", i%60))
	}
	regex := func(re string) string {
		return "version: 1\nrules:\n- {id: slow, when: {customer_says: {regex: '" + re + "'}}, send: ViewContent}\n"
	}
	return map[string]string{
		"1000 keywords": keywordRules(maxRules, "quanto custa {money} "), "1000 repeated": repeated,
		"nested regex": regex("(?:(?:a?){7}){30}b"), "long regex": regex("(?:a|b|ab|aa)*c"), "anything regex": regex(".*.*.*x"),
	}
}
