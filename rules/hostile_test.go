package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clickthread/clickthread/reason"
)

// Rules and messages that are made to be slow, within all limits of a rule file. The promise is that no
// message takes 5 ms, whatever rules its account has.

// fastest is the best of a few runs: what the machine does besides says nothing about the code. It stops
// as soon as the limit was kept.
func fastest(limit time.Duration, run func()) time.Duration {
	best := time.Hour
	for range 50 {
		began := time.Now()
		run()
		if best = min(best, time.Since(began)); best < limit {
			break
		}
	}
	return best
}

// tried is n rules that all do all of their work: each is in shadow mode, so none shadows another.
func tried(n int, rule func(i int) string) string {
	var src strings.Builder
	src.WriteString("rules:\n")
	for i := range n {
		fmt.Fprintf(&src, "- {id: r-%d, mode: shadow, send: ViewContent, %s}\n", i, rule(i))
	}
	return src.String()
}

// same is a rule that stands n times.
func same(n int, rule string) string { return tried(n, func(int) string { return rule }) }

// long repeats a text until it is as long as the longest message.
func long(part string) string { return strings.Repeat(part, 64<<10/len(part)+1)[:64<<10] }

// quoted is a list of n texts as YAML.
func quoted(n int, text func(i int) string) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("%q", text(i)))
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// someHoles are holes in an order of its own for every i.
func someHoles(i int) string {
	text := ""
	for range 6 {
		text += "{" + holeNames()[i%5] + "}"
		i /= 5
	}
	return text
}

// hostile is a rule file, and what happens to it.
type hostile struct {
	rules string
	facts Facts
}

// hostileTexts are about what a message says.
func hostileTexts() map[string]hostile {
	repeats := "words: {l: " + quoted(49, func(i int) string { return strings.Repeat("a ", i+1) }) + "}\n"
	absent := "words: {l: " + quoted(49, func(i int) string { return strings.Repeat("a ", 150) + fmt.Sprint(i) }) + "}\n"
	withHoles := func(before string) string {
		return tried(1000, func(i int) string {
			return "when: {customer_says: " + quoted(10, func(j int) string { return before + someHoles(i*10+j) }) + "}"
		})
	}
	deep := same(1, "when: {customer_says: '{order_no} "+strings.Repeat("a1 ", 199)+"'}")
	return map[string]hostile{
		"a phrase that repeats itself":           {repeats + same(1000, "when: {customer_says: '@l'}"), Facts{Text: long("a ")}},
		"phrases that are nearly said":           {absent + same(1000, "when: {customer_says: {any: a, none: '@l'}}"), Facts{Text: long("a ")}},
		"everything must be said":                {repeats + same(1000, "when: {customer_says: {all: '@l'}}"), Facts{Text: long("a ")}},
		"holes after a word":                     {withHoles("a "), Facts{Text: long("a 1 ")}},
		"holes and nothing else":                 {withHoles(""), Facts{Text: long("1 ")}},
		"holes in one endless word":              {withHoles(""), Facts{Text: long("a1-")}},
		"holes in one endless number":            {withHoles(""), Facts{Text: long("1.")}},
		"addresses without an end":               {withHoles("{email}"), Facts{Text: long("a@a.")}},
		"a long phrase behind a hole":            {deep, Facts{Text: long("a1 ")}},
		"a hundred amounts, a thousand times":    {same(1000, "when: {customer_says: a}, value: {from: message, pick: largest}"), Facts{Text: "a " + strings.Repeat("R$ 1 ", 99)}},
		"a thousand amounts behind their word":   {same(1000, "when: {customer_says: 'a {money}'}, value: {from: message}"), Facts{Text: long("a R$ 1 ")}},
		"a part of an amount, a thousand times":  {same(1000, "when: {customer_says: 'a {money}'}, value: {from: message, multiply: 0.333}"), Facts{Text: "a R$ 1.299,33"}},
		"twenty long texts of the business":      {same(1000, "when: {customer_says: a}, value: {from: last_amount_we_quoted}"), Facts{Text: "a", Quoted: slices.Repeat([]string{long("oi ")}, 20)}},
		"the whole message as a key":             {same(1000, "when: {customer_says: a}, dedupe: '{message.text}'"), Facts{Text: "a" + long(" É")}},
		"the whole message as products":          {same(1000, "when: {customer_says: a}, content_ids: "+quoted(9, func(int) string { return "{message.text}{message.text}" })), Facts{Text: "a" + long(" É")}},
		"a text and a caption":                   {same(1000, "when: {customer_says: a}"), Facts{Text: long("á "), Caption: long("á ")}},
		"keywords":                               {keywordRules(1000, "quanto custa {money} "), Facts{Text: long("quanto custa 1 ")}},
		"an if about the ad, a thousand times":   {same(1000, "when: {customer_says: a}, if: {ad: {headline: {contains: [x, y], regex: '(a|b)*c'}}}"), Facts{Text: "a", Click: &Click{Headline: long("ab")}}},
		"an amount in an if, a thousand times":   {same(1000, "when: {customer_says: a}, if: {amount: {at_least: 5}}, value: {from: message}"), Facts{Text: "a " + strings.Repeat("R$ 1 ", 99)}},
		"groups of a regular expression":         {same(1000, `when: {customer_says: {regex: '(?P<a>a+)(?P<b>.*)'}}, content_ids: ["{a}", "{b}"]`), Facts{Text: long("a")}},
		"groups of many regular expressions":     {same(1000, `when: {customer_says: {regex: '(?P<a>\S+) (?P<b>.*)'}}, value: {from: "{b}"}`), Facts{Text: "a R$ 10"}},
		"a parameter of a template":              {same(1000, "when: {we_send_template: {name: x}}, value: {from: template, parameter: 1}"), Facts{Template: &Template{Name: "x", Status: "sent", Parameters: map[string]string{"1": long("R$ 1 ")}}}},
		"a parameter and a test of it, too long": {same(1000, "when: {we_send_template: {parameters: {1: {contains: b}}}}"), Facts{Template: &Template{Name: "x", Status: "sent", Parameters: map[string]string{"1": long("á")}}}},
	}
}

// hostileThings are about carts and forms.
func hostileThings() map[string]hostile {
	var items []CartItem
	var answers []any
	for i := range 3000 {
		items = append(items, CartItem{ID: fmt.Sprint(i), Quantity: 1, Price: "10.5", Currency: "BRL"})
		answers = append(answers, fmt.Sprint(i))
	}
	flow := func(answer any) Facts {
		return Facts{Tap: &Tap{Kind: "flow", Name: "flow", Answers: map[string]any{"a": answer}}}
	}
	const form = "when: {customer_taps: {flow: {answers: {a: %s}}}}"
	return map[string]hostile{
		"a large cart":                    {same(1000, `when: {customer_orders: {at_least: {amount: 1}}}, value: {from: cart}, content_ids: ["{cart.items.*.id}"]`), Facts{Cart: &Cart{items}}},
		"a product that is not in it":     {same(1000, "when: {customer_orders: {contains: ['*x*', y]}}"), Facts{Cart: &Cart{items}}},
		"a long answer":                   {same(1000, fmt.Sprintf(form, "[x, '*y*z']")), flow(long("É"))},
		"a regular expression for it":     {same(1000, fmt.Sprintf(form, "{regex: '(a|b|ab)*c'}")), flow(long("ab"))},
		"an answer of many":               {same(1000, fmt.Sprintf(form, "{not: x, contains: [a, b]}")), flow(answers)},
		"an answer of many, as products":  {same(1000, fmt.Sprintf(form, "{not: x}")+`, content_ids: ["{flow.a.*}", "{flow.a}"]`), flow(answers)},
		"an answer that must be a number": {same(1000, fmt.Sprintf(form, "{at_least: 5, at_most: 6}")), flow(answers)},
	}
}

// regexes are as many rules as asked, each with a regular expression of its own.
func regexes(n int, regex string) string {
	return tried(n, func(i int) string { return fmt.Sprintf("when: {customer_says: {regex: '%s%d'}}", regex, i) })
}

func hostileRegexes() map[string]hostile {
	cases := map[string]hostile{}
	parts := []string{"a", "pedido ", "12345678 ", "é ", "ab"}
	for i, regex := range []string{
		`(?:(?:a?){7}){30}b`, `(?:a|b|ab|aa)*c`, `.*.*.*x`, `(a*)*b`, `(?i)pedido\s+`, `\d{9}`, `(?:\w+\s*)+$x`, `\bx\b|\by\b`, `[^a]*[^b]*[^c]*q`,
	} {
		for _, part := range parts {
			cases[fmt.Sprintf("%s on %s", regex, part)] = hostile{regexes(1, regex), Facts{Text: long(part)}}
		}
		for _, part := range []string{parts[i%len(parts)], parts[(i+1)%len(parts)]} {
			cases[fmt.Sprintf("%s on %s, a thousand times", regex, part)] = hostile{regexes(1000, regex), Facts{Text: long(part)}}
		}
	}
	return cases
}

func TestNoMessageTakesFiveMilliseconds(t *testing.T) {
	const limit = 5 * time.Millisecond
	for _, cases := range []map[string]hostile{hostileTexts(), hostileThings(), hostileRegexes()} {
		for name, c := range cases {
			src := strings.TrimPrefix(c.rules, "version: 1\n")
			set := setOf(t, Owner{ID: "shop", Currency: "BRL"}, "version: 1\n"+src)
			if c.facts.Click == nil {
				c.facts.Click = &Click{Key: "k"}
			}
			if took := fastest(limit, func() { set.Eval(c.facts) }); took >= limit {
				t.Errorf("%s: %s", name, took)
			}
		}
	}
}

// A text alone, with hardly a rule, is prepared in less.
func TestNoTextTakesFiveMilliseconds(t *testing.T) {
	set := setOf(t, Owner{ID: "shop", Currency: "BRL"}, threeRules)
	for _, part := range []string{
		"quanto custa ", "a ", "É ã ", "😀", "paguei 1 ", "R$ 1 ", "a\u0301", "a\u0301\u0301\u0301", "Ω ", "多", "1", "1.", "a-", "\u200b", "\xff", "ﷺ", "1\u20e3", "\u1100\u1161", "a ,", "#1 ",
	} {
		const limit = 5 * time.Millisecond
		if took := fastest(limit, func() { set.Eval(Facts{Text: long(part), Click: &Click{}}) }); took >= limit {
			t.Errorf("%q again and again: %s", part, took)
		}
	}
}

// What is bounded is bounded far beyond what people do: beside a thousand regular expressions, or a
// thousand rules that all fit, the last one is heard too.
func TestOrdinaryMessagesAreHeardInFull(t *testing.T) {
	said := strings.Repeat("Oi! Vi o anúncio do vestido azul, pedido 123456 de 12/05. ", 2)
	for name, c := range map[string]struct{ rules, text string }{
		"a thousand regular expressions":   {regexes(1000, `(?i)ref\s+(?P<sku>[A-Z]{2}-)`), said + "Ref AB-999"},
		"a thousand that begin anywhere":   {regexes(1000, `\d{4}-`), said + "1234-999"},
		"a thousand rules that fit":        {same(1000, "when: {customer_says: [pedido, vestido azul]}, value: {from: message}"), said},
		"one that looks through all of it": {regexes(1, `.*\s.*-`), strings.Repeat(said, 3) + "x-0"},
	} {
		set := setOf(t, Owner{ID: "shop", Currency: "BRL"}, "version: 1\n"+c.rules)
		last := set.Rules()[set.Len()-1].ID
		decisions := set.Eval(Facts{Text: c.text, Click: &Click{}})
		if len(decisions) == 0 || decisions[len(decisions)-1].Rule.ID != last {
			t.Errorf("%s: %d decisions, and none of the last rule", name, len(decisions))
		}
	}
}

// A message that is too much is not read by halves: money is held, and the rules whose turn does not
// come say so.
func TestWhatIsNotLookedAtIsNotGuessed(t *testing.T) {
	set := setOf(t, Owner{ID: "shop", Currency: "BRL"}, paid("", "", ""))
	for _, text := range []string{
		"paguei R$ 50 " + long("bom dia "),
		long(" ")[:maxText-len("paguei R$ 1")] + "paguei R$ 1299",
	} {
		if d := set.Eval(Facts{Text: text, Click: &Click{}}); len(d) != 1 || d[0].Reason != reason.ValueAmbiguous {
			t.Errorf("%d bytes: %+v", len(text), d)
		}
	}

	set = setOf(t, Owner{ID: "shop", Currency: "BRL"}, `version: 1
rules:
- {id: group, when: {customer_says: {regex: 'total (?P<total>.*)'}}, send: Purchase, value: {from: "{total}"}}
`)
	for text, want := range map[string]reason.Code{
		"total R$ 1299": reason.None,
		long(" ")[:maxText-len("total R$ 12")] + "total R$ 1299": reason.ValueMissing,
		"total " + long(" ")[:2000] + "R$ 1299":                  reason.ValueAmbiguous,
	} {
		if d := set.Eval(Facts{Text: text, Click: &Click{}}); len(d) != 1 || d[0].Reason != want {
			t.Errorf("%d bytes: %+v", len(text), d)
		}
	}

	set = setOf(t, Owner{ID: "shop"}, "version: 1\n"+regexes(100, "(a*)*b")+"- {id: end, when: {customer_says: {regex: 'a'}}, send: LeadSubmitted}\n")
	facts := Facts{Text: long("a"), Click: &Click{}}
	if d := set.Eval(facts); len(d) != 0 {
		t.Fatalf("%d rules fit", len(d))
	}
	if e := set.Explain(facts)[0]; e.Rule.ID != "end" || !strings.Contains(e.Why, "too long to look through") {
		t.Errorf("%s: %s", e.Rule.ID, e.Why)
	}
}
