package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/reason"
)

const threeRules = `version: 1
defaults: {currency: BRL}
rules:
- {id: first, when: {customer_says: "paguei {money}"}, send: Purchase, value: {from: message, if_missing: skip}}
- {id: tried, mode: shadow, when: {customer_says: paguei}, send: Purchase, value: {from: message}}
- {id: second, when: {customer_says: paguei}, send: Purchase, value: {from: message}, once: per_conversation}
- {id: third, when: {customer_says: paguei}, send: Purchase, value: {amount: 10}, once: always}
`

// line prints a decision for comparing.
func line(d Decision) string {
	return strings.Join(strings.Fields(fmt.Sprintln(d.Rule.ID, d.Outcome, d.Reason, d.Claim, d.ShadowedBy, d.Value)), " ")
}

// taken makes one claim taken.
func taken(key string) func(string) ClaimState {
	return func(asked string) ClaimState {
		if asked == key {
			return Taken
		}
		return Free
	}
}

// Ledger 16: one message, one event of each name; chosen before once-ness.
func TestOneMessageOneEventOfEachName(t *testing.T) {
	set := setOf(t, Owner{ID: "shop"}, threeRules)
	click := &Click{Key: "k"}
	for _, c := range []struct {
		name  string
		facts Facts
		want  []string
	}{
		{"the first wins and shadows", Facts{Text: "paguei R$ 50", Click: click}, []string{
			"first fire per_click:first:c1:k 50.00 BRL", "tried shadow shadow shadow:per_click:tried:c1:k 50.00 BRL",
			"second shadowed shadowed first", "third shadowed shadowed first",
		}},
		{"one that skips does not shadow, one that is held does (ledger 16)", Facts{Text: "paguei 2 mil", Click: click}, []string{
			"first skip value_skipped", "tried shadow value_ambiguous shadow:per_click:tried:c1:k",
			"second hold value_ambiguous per_conversation:second:c1", "third shadowed shadowed second",
		}},
		{"chosen before once-ness: a blocked rule shadows too", Facts{
			Text: "paguei", Click: click, Claimed: taken("per_conversation:second:merged"),
		}, []string{
			"tried shadow value_missing shadow:per_click:tried:c1:k",
			"second blocked once_claimed", "third shadowed shadowed second",
		}},
		{"without a click nothing is claimed", Facts{Text: "paguei R$ 50", NoClick: reason.ClickExpired}, []string{
			"first unattributed click_expired", "tried unattributed click_expired",
			"second shadowed shadowed first", "third shadowed shadowed first",
		}},
		{"nothing said, nothing decided", Facts{Text: "obrigado", Click: click}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.facts.Conversations = []string{"c1", "merged"}
			var got []string
			for _, d := range set.Eval(c.facts) {
				got = append(got, line(d))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("decisions differ (-want +got):\n%s", diff)
			}
		})
	}
}

// Ledger 14: stored claims decide for 400 days.
func TestClaimKeysNeverChange(t *testing.T) {
	at := time.Date(2026, 3, 10, 2, 30, 0, 0, time.UTC)
	for once, want := range map[Once]string{
		PerClick:        "per_click:lead:conv:k",
		PerConversation: "per_conversation:lead:conv",
		PerDay:          "per_day:lead:conv:2026-03-09",
		Always:          "always:lead:wamid",
	} {
		src := fmt.Sprintf("version: 1\ntimezone: America/Sao_Paulo\nrules:\n- {id: lead, when: {customer_says: oi}, send: LeadSubmitted, once: %s}\n", once)
		d := setOf(t, Owner{ID: "shop"}, src).Eval(Facts{
			Trigger: "wamid", Conversations: []string{"conv"}, At: at, Caption: "oi", Click: &Click{Key: "k"},
		})
		if len(d) != 1 || d[0].Claim != want {
			t.Errorf("%s: got %+v, want claim %s", once, d, want)
		}
	}
}

// Ledger 17: without an amount a Purchase is held.
func TestAPurchaseWithoutAValueIsHeld(t *testing.T) {
	f, problems := ParseFile("shop.yaml", []byte("version: 1\nrules:\n- id: paid\n  when: {customer_says: paguei}\n  send: Purchase\n"))
	if f == nil || len(problems) != 1 || !problems[0].Warning {
		t.Fatalf("want one warning, got %v", problems)
	}
	set, _ := NewSet(Owner{ID: "shop", Currency: "BRL"}, f)
	d := set.Eval(Facts{Text: "paguei R$ 10", Click: &Click{}})
	if len(d) != 1 || d[0].Outcome != Hold || d[0].Reason != reason.ValueMissing || d[0].Value != (capi.Money{}) {
		t.Errorf("got %+v", d)
	}
}

func TestWhyNamesTheRuleAndNotTheCustomersWords(t *testing.T) {
	set := setOf(t, Owner{ID: "shop"}, threeRules)
	d := set.Eval(Facts{Text: "Oi, sou a Fulana, PAGUEI  R$ 50", Click: &Click{}})
	if want := `the customer said "paguei {money}"`; len(d) == 0 || d[0].Why != want {
		t.Errorf("got %+v, want %s", d, want)
	}
}

func TestANilSetAndAnEmptyLibraryDecideNothing(t *testing.T) {
	var l Library
	if d := l.Set("shop").Eval(Facts{Text: "oi"}); d != nil || l.Set("shop").Len() != 0 || l.Set("shop").Hash() != "" {
		t.Errorf("got %v", d)
	}
	set := setOf(t, Owner{ID: "shop"}, threeRules)
	l.Swap(map[string]*Set{"shop": set})
	if l.Set("shop") != set || l.Set("other") != nil {
		t.Error("the library does not give back what was published")
	}
}

func TestHashSeesBytesAndSettingsAndNoOrder(t *testing.T) {
	a, b := parse(t, threeRules), parse(t, strings.ReplaceAll(threeRules, "id: ", "id: b-"))
	a.Path, b.Path = "a.yaml", "b.yaml"
	one, _ := NewSet(Owner{ID: "shop"}, a, b)
	two, _ := NewSet(Owner{ID: "shop"}, b, a)
	other, _ := NewSet(Owner{ID: "shop", Currency: "USD"}, a, b)
	if one.Hash() != two.Hash() || one.Hash() == other.Hash() || len(one.Hash()) != 64 {
		t.Errorf("hashes %s %s %s", one.Hash(), two.Hash(), other.Hash())
	}
	if !slices.IsSortedFunc(two.Sources(), func(a, b Source) int { return strings.Compare(a.Path, b.Path) }) {
		t.Error("sources are not by path")
	}
}

// Texts made to be slow are bounded: by size, and by how much of them is looked at.
func TestATextMadeToBeSlowIsHeld(t *testing.T) {
	set := setOf(t, Owner{ID: "shop", Currency: "BRL"}, threeRules)
	for _, text := range []string{"paguei 1 ", "paguei R$ 1 ", "paguei R$1-", "paguei 1/"} {
		for _, d := range set.Eval(Facts{Text: strings.Repeat(text, maxText), Click: &Click{}}) {
			if d.Outcome == Fire && d.Rule.ID != "third" {
				t.Errorf("%q again and again: %s", text, line(d))
			}
		}
	}
}

// manyRules makes n rules that begin with different words, and one that fits the benchmark's message.
func manyRules(n int) string {
	src := "version: 1\nrules:\n- {id: price, when: {customer_says: quanto custa}, send: LeadSubmitted}\n"
	for i := range n - 1 {
		src += fmt.Sprintf("- {id: r-%d, when: {customer_says: [produto%d agora, oferta%d]}, send: ViewContent}\n", i, i, i)
	}
	return src
}
