package rules

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const explained = `version: 1
defaults: {currency: BRL}
rules:
- {id: off, mode: off, when: {customer_says: quanto custa}, send: LeadSubmitted}
- {id: tap, when: {customer_taps: {button: {id: buy}}}, send: ViewContent}
- {id: part, when: {customer_says: "quanto custa o frete"}, send: LeadSubmitted}
- {id: apart, when: {customer_says: "vestido quanto"}, send: LeadSubmitted}
- {id: excluded, when: {customer_says: {any: "quanto custa", none: "não quero"}}, send: LeadSubmitted}
- {id: far, when: {customer_says: "boa tarde"}, send: LeadSubmitted}
- {id: whole, when: {customer_says: {exactly: "quanto custa"}}, send: LeadSubmitted}
- {id: regex, when: {customer_says: {regex: '\d{9}'}}, send: LeadSubmitted}
- {id: at-night, when: {customer_says: "quanto custa"}, if: {hours: {from: "22:00", to: "23:00"}}, send: LeadSubmitted}
- {id: fires, when: {customer_says: "quanto custa"}, send: LeadSubmitted}
- {id: shadowed, when: {customer_says: "quanto custa"}, send: LeadSubmitted}
- {id: held, when: {customer_says: "quanto custa"}, send: Purchase, value: {from: message}}
- {id: tried, mode: shadow, when: {customer_says: "quanto custa"}, send: LeadSubmitted}
`

// explain prints "rule: why" in the order of the answer.
func explain(set *Set, f Facts) []string {
	var lines []string
	for _, e := range set.Explain(f) {
		lines = append(lines, fmt.Sprintf("%s: %s", e.Rule.ID, e.Why))
	}
	return lines
}

func TestExplainBeginsWithWhatFiresAndGoesOnWithTheNearestMiss(t *testing.T) {
	set := setOf(t, Owner{ID: "shop"}, explained)
	got := explain(set, Facts{Text: "não quero. Quanto custa o vestido?", Click: &Click{Key: "k"}})
	want := []string{
		`fires: sends it, because the customer said "quanto custa"`,
		`at-night: the customer said "quanto custa", but not from 22:00 to 23:00`,
		`shadowed: the customer said "quanto custa", but the rule "fires" comes first and sends LeadSubmitted already`,
		`held: the customer said "quanto custa", but the rule needs an amount with a currency and found none`,
		`tried: only records it, because the customer said "quanto custa"`,
		`excluded: the customer also said "não quero", which it excludes`,
		`whole: the customer said only a part of what it asks for, or not where it asks for it`,
		`apart: the customer did not say "vestido quanto" in one piece`,
		`part: of "quanto custa o frete" the customer said only "quanto custa o"`,
		`far: the customer did not say "boa tarde"`,
		`regex: the customer's text does not fit the regular expression`,
		`tap: it waits for the customer to tap a button`,
		`off: it is off`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestExplainOnceAndNoClick(t *testing.T) {
	set := setOf(t, Owner{ID: "shop"}, "version: 1\nrules:\n- {id: lead, when: {customer_says: oi}, send: LeadSubmitted, once: per_conversation}\n")
	for want, facts := range map[string]Facts{
		`lead: the customer said "oi", but no ad click is known for this conversation, so Meta has nothing to attribute the event to`: {Text: "oi"},
		`lead: the customer said "oi", but the rule already fired as often as its 'once' allows`:                                      {Text: "oi", Click: &Click{}, Claimed: taken("per_conversation:lead:")},
	} {
		if diff := cmp.Diff([]string{want}, explain(set, facts)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if (*Set)(nil).Explain(Facts{}) != nil {
		t.Error("a nil set explains nothing")
	}
}

func TestExplainWhatIsNoText(t *testing.T) {
	set := setOf(t, Owner{ID: "shop"}, `version: 1
rules:
- id: read
  when: {any: [{we_send_template: {name: receipt, language: pt, status: read, parameters: {2: paid}}}, {meta_detects: Purchase}]}
  send: LeadSubmitted
- {id: form, when: {customer_taps: {flow: {name: lead, answers: {budget: {at_least: 100}}}}}, send: ViewContent}
- {id: cart, when: {customer_orders: {at_least: {items: 3}}}, send: AddToCart}
`)
	template := func(name, language, status, paid string) Facts {
		return Facts{Template: &Template{Name: name, Language: language, Status: status, Parameters: map[string]string{"2": paid}}}
	}
	flow := func(token string) Facts {
		return Facts{Tap: &Tap{Kind: "flow", Answers: map[string]any{"flow_token": token, "budget": 99}}}
	}
	for _, c := range []struct {
		facts Facts
		want  string
	}{
		{template("other", "pt", "read", "paid"), "read: it was another template"},
		{template("receipt", "es", "read", "paid"), "read: the template was in another language"},
		{template("receipt", "pt", "sent", "paid"), "read: the template was sent, and it waits for read"},
		{template("receipt", "pt", "read", "not"), "read: the template's parameters do not fit"},
		{Facts{Detected: &Detected{Event: "LeadSubmitted"}}, "read: Meta detected something else"},
		{flow("lead"), "form: the answers do not fit"},
		{flow("other"), "form: the customer tapped another flow"},
		{Facts{Tap: &Tap{Kind: "list"}}, "form: the customer tapped a list, and it waits for a flow"},
		{Facts{Cart: &Cart{Items: []CartItem{{Quantity: 1}}}}, "cart: the cart holds too little, or other products"},
	} {
		if got := explain(set, c.facts); got[0] != c.want {
			t.Errorf("got %q, want %q", got[0], c.want)
		}
	}
}
