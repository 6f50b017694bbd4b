package rules

import (
	"fmt"
	"strings"
	"testing"
)

// Ledger 15: check warns of sales that may be told twice.
func TestPurchasesHeardInTwoWaysAreWarnedOf(t *testing.T) {
	const said = "- {id: said, when: {customer_says: \"paguei {order_no}\"}, send: Purchase, value: {amount: 1}%s}\n"
	const sent = "- {id: sent, when: {we_say: \"pedido {order_no}\"}, send: Purchase, value: {amount: 1}%s}\n"
	const dedupe = `, dedupe: "{order_no}"`
	for _, c := range []struct {
		name, rules, want string
	}{
		{"in two ways", fmt.Sprintf(said+sent, "", ""), `shop.yaml:4: warning: rule "sent" may tell Meta of a sale that rule "said" has told of already; give both the same dedupe:, such as "{order_no}"`},
		{"one of them dedupes alone", fmt.Sprintf(said+sent, dedupe, ""), `shop.yaml:4: warning: rule "sent"`},
		{"both dedupe", fmt.Sprintf(said+sent, dedupe, dedupe), ""},
		{"one is only tried", fmt.Sprintf(said+sent, "", ", mode: shadow"), ""},
		{"in one way", fmt.Sprintf(said+strings.Replace(said, "id: said", "id: again", 1), "", ""), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, problems := NewSet(Owner{ID: "shop", Currency: "BRL"}, parse(t, "version: 1\nrules:\n"+c.rules))
			if set == nil {
				t.Fatal(problems)
			}
			got := ""
			for _, p := range problems {
				got += p.String()
			}
			if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestAListThatIsUsedTooOftenIsRefused(t *testing.T) {
	src := "version: 1\nwords:\n  many: ["
	for i := range 100 {
		src += fmt.Sprintf("word%d, ", i)
	}
	src += "last]\nrules:\n"
	for i := range 600 {
		src += fmt.Sprintf("- {id: r-%d, when: {customer_says: \"@many\"}, send: ViewContent}\n", i)
	}
	set, problems := NewSet(Owner{ID: "shop"}, parse(t, src))
	if set != nil || len(problems) != 1 || !strings.Contains(problems[0].Message, "60600 phrases in all; 50000 is the limit") {
		t.Errorf("got %v", problems)
	}
}

// A regular expression sees as much of a text as it can look through in the time that one message gets.
func TestARegexSeesTheBeginningOfALongText(t *testing.T) {
	set := setOf(t, Owner{ID: "shop"}, "version: 1\nrules:\n- {id: r, when: {customer_says: {regex: 'valor'}}, send: LeadSubmitted}\n")
	for text, want := range map[string]int{
		strings.Repeat("a", 4000) + " valor":  1,
		strings.Repeat("a", 60000) + " valor": 0,
	} {
		if got := len(set.Eval(Facts{Text: text, Click: &Click{}})); got != want {
			t.Errorf("%d bytes: %d rules fit, want %d", len(text), got, want)
		}
	}
}

func TestASetSaysWhatItHears(t *testing.T) {
	for rule, want := range map[string]Hears{
		"when: {customer_says: oi}":   {},
		"when: {we_say: {regex: oi}}": {OurTexts: true},
		"when: {customer_says: oi}, value: {first_of: [{amount: 1}, {from: last_amount_we_quoted}]}": {Quotes: true},
		`when: {customer_says: oi}, dedupe: "{message.id}"`:                                          {Dedupes: true},
		"mode: off, when: {we_say: oi}":                                                              {},
		"when: {any: [{we_send_template: {name: x}}, {meta_detects: Purchase}]}":                     {Templates: true, Detections: true},
		"when: {customer_says: oi}, wait: 1h, cancel_if: [{we_send_template: {name: sorry}}]":        {Templates: true},
	} {
		set := setOf(t, Owner{ID: "shop"}, "version: 1\nrules:\n- {id: a, "+rule+", send: ViewContent}\n")
		if got := set.Hears(); got != want {
			t.Errorf("%s: got %+v, want %+v", rule, got, want)
		}
	}
	if (*Set)(nil).Hears() != (Hears{}) {
		t.Error("a nil set hears nothing")
	}
}
