package rules

import (
	"fmt"
	"strings"
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
		`held: the customer said "quanto custa", but the rule needs an amount with a currency and found none`,
		`tried: only records it, because the customer said "quanto custa"`,
		`shadowed: the customer said "quanto custa", but the rule "fires" comes first and sends LeadSubmitted already`,
		`at-night: the customer said "quanto custa", but not from 22:00 to 23:00`,
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
		`lead: the customer said "oi", but the rule already fired as often as its 'once' allows: once in each conversation`:           {Text: "oi", Click: &Click{}, Claimed: taken("per_conversation:lead:")},
	} {
		if diff := cmp.Diff([]string{want}, explain(set, facts)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if (*Set)(nil).Explain(Facts{}) != nil {
		t.Error("a nil set explains nothing")
	}
}

// Where once or dedupe is in the way, the sentence says which, and whether a clear amount would help.
func TestExplainWhatIsTaken(t *testing.T) {
	for rule, want := range map[string]string{
		`once: per_click`:        "the rule already fired as often as its 'once' allows: once for each ad click",
		`once: per_day`:          "the rule already fired as often as its 'once' allows: once a day in each conversation",
		`once: always`:           "the rule already fired as often as its 'once' allows: once for each message",
		`dedupe: "{order_no}"`:   "an event with the same 'dedupe' was recorded already",
		`once: per_conversation`: "the rule already fired as often as its 'once' allows: once in each conversation",
	} {
		set := setOf(t, Owner{ID: "shop"}, "version: 1\nrules:\n- {id: r, when: {customer_says: \"oi {order_no}\"}, send: LeadSubmitted, "+rule+"}\n")
		facts := Facts{Text: "oi 4512", Click: &Click{}, Claimed: func(string) ClaimState { return Taken }}
		if got := explain(set, facts)[0]; got != `r: the customer said "oi {order_no}", but `+want {
			t.Errorf("%s: %s", rule, got)
		}
		facts.Claimed = func(string) ClaimState { return HeldForValue }
		if got := explain(set, facts)[0]; !strings.HasSuffix(got, "; that event is held until an amount is clear, and this one is not") {
			t.Errorf("%s, held: %s", rule, got)
		}
		if d := set.Eval(facts)[0]; d.Taken == "" || d.Claim != "" {
			t.Errorf("%s: what is taken is %q, and the claim %q", rule, d.Taken, d.Claim)
		}
	}
}

// An amount that is not clear is told about in words that help to mend the rule or the file.
func TestExplainWhatIsWrongWithAnAmount(t *testing.T) {
	const ambiguous, missing, outOfRange = "the amount can be read in more than one way, and money is never guessed",
		"the rule needs an amount with a currency and found none", "the amount is zero, or outside the rule's min and max"
	for _, c := range []struct{ value, text, want string }{
		{`{from: message, currency: BRL}`, "paguei", missing},
		{`{from: message}`, "paguei 50", missing + ": neither the text, the rule file nor the account says in which currency"},
		{`{from: message}`, "paguei $ 50", ambiguous + ": its sign stands for several currencies, and the rule names none"},
		{`{from: message, currency: BRL}`, "paguei US$ 50", ambiguous + ": it is in another currency than the rule's"},
		{`{from: message, currency: BRL}`, "paguei R$ 1.299", ambiguous + `: its marks may stand for thousands or for decimals; "locale" says how the file's customers write`},
		{`{from: message, currency: BRL}`, "paguei R$ 50 de R$ 90", ambiguous + `: there are several amounts, and "pick" does not say which`},
		{`{from: message, currency: BRL}`, "paguei 2 mil", ambiguous + ": what stands beside it makes something else of it"},
		{`{from: message, currency: BRL}`, "paguei 50 e" + strings.Repeat(" 7 e", maxNumbers), ambiguous + ": the text is full of numbers"},
		{`{from: message, currency: JPY}`, "paguei 50,25", ambiguous + ": it has more decimals than its currency"},
		{`{from: message, currency: BRL}`, "paguei R$ 0", outOfRange + ": it is not above zero"},
		{`{from: message, currency: BRL, min: 10}`, "paguei R$ 5", outOfRange + ": it is below min"},
		{`{from: message, currency: BRL, max: 10}`, "paguei R$ 50", outOfRange + ": it is above max"},
		{`{from: message, currency: BRL}`, "paguei R$ 99999999999999999999", outOfRange + ": it is more than anything costs"},
		{`{from: message, currency: BRL, if_missing: skip}`, "paguei R$ 50 de R$ 90", `no clear amount was found, and the rule says to skip then: there are several amounts, and "pick" does not say which`},
	} {
		rule := "version: 1\nrules:\n- {id: r, when: {customer_says: paguei}, send: Purchase, value: " + c.value + "}\n"
		facts := Facts{Text: c.text, Click: &Click{}}
		if got := explain(setOf(t, Owner{ID: "shop"}, rule), facts)[0]; got != `r: the customer said "paguei", but `+c.want {
			t.Errorf("%s %q: %s", c.value, c.text, got)
		}
		tried := strings.Replace(rule, "{id", "{mode: shadow, id", 1)
		if got := explain(setOf(t, Owner{ID: "shop"}, tried), facts)[0]; !strings.HasSuffix(c.value, "skip}") &&
			got != `r: only records it, because the customer said "paguei"; it would be held: `+c.want {
			t.Errorf("tried, %s %q: %s", c.value, c.text, got)
		}
	}
	cart := setOf(t, Owner{ID: "shop"}, "version: 1\nrules:\n- {id: r, when: {customer_orders: {at_least: {items: 1}}}, send: AddToCart, value: {from: cart}}\n")
	for want, items := range map[string][]CartItem{
		": the cart is in two currencies":                  {{Quantity: 1, Price: "5", Currency: "BRL"}, {Quantity: 1, Price: "5", Currency: "USD"}},
		": a price or quantity of the cart cannot be read": {{Quantity: 1, Price: "five", Currency: "BRL"}},
	} {
		if got := explain(cart, Facts{Cart: &Cart{Items: items}, Click: &Click{}})[0]; !strings.HasSuffix(got, ambiguous+want) {
			t.Error(got)
		}
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
