package rules

import (
	"fmt"
	"testing"
	"time"

	"github.com/clickthread/clickthread/reason"
)

// everything is one set of all files that teach and test the format.
func everything(t testing.TB) *Set {
	t.Helper()
	s := &Set{}
	for _, pattern := range []string{"testdata/good.*.yaml", "testdata/examples/*.yaml"} {
		for _, path := range filesLike(t, pattern) {
			src := read(t, path)
			if withOrders(src) {
				continue
			}
			f := parse(t, string(src))
			set, problems := NewSet(Owner{ID: "shop", Currency: "BRL", Locale: "pt-BR"}, f)
			if set == nil {
				t.Fatal(problems)
			}
			for _, b := range set.rules {
				b.numbers = nil
				s.rules = append(s.rules, b)
			}
		}
	}
	for i, regex := range []string{`(a*)*b`, `(?P<x>.*)(?P<y>\d+)$`, `(?i)^\W*é|\bß\b`, `(?:\w+\s*)+$`} {
		f := parse(t, fmt.Sprintf("version: 1\nrules:\n- {id: regex-%d, mode: shadow, when: {customer_says: {regex: '%s'}}, send: ViewContent}\n", i, regex))
		s.rules = append(s.rules, &bound{Rule: f.rules[0], grouping: '.', zone: time.UTC, currency: "BRL"})
	}
	s.index = newIndex(s.rules)
	return s
}

// FuzzEval lets anything happen to rules that use the whole format.
func FuzzEval(f *testing.F) {
	set := everything(f)
	for _, seed := range []string{
		"paguei R$ 1.299,90 em 12/05", "quero comprar, Ref: AB-1234", "{money}", "pedido #4512 confirmado total: $ 850.50", "É ã 😀 1\u20e3", "\xff\x00", "a@b.co",
		"sinal de 1.299,90 em maio", "transferi 2 mil dos R$ 100-200", "valor valor valor não paguei", "ﷺ\u0301\u200d", "1 000 000,00 €", "مرحبا ١٢٣", "ราคา ๑๒ บาท",
	} {
		f.Add(seed, "R$ 10", false)
		f.Add("", seed, true)
	}
	f.Fuzz(func(t *testing.T, text, other string, ours bool) {
		click := &Click{Key: "k", Headline: other, URL: text, AdID: other}
		for _, facts := range []Facts{
			{Text: text, Caption: other, Ours: ours, Click: click, Quoted: []string{other, text}},
			{Tap: &Tap{Kind: "flow", Name: other, Answers: map[string]any{"flow_token": text, "budget": other, "size": []any{text, other, 1}}}, Click: click},
			{Tap: &Tap{Kind: "button", ID: text, Title: other}, Click: click},
			{Template: &Template{Name: "payment_confirmed", Status: "read", Parameters: map[string]string{"1": text, "2": other}}, Click: click},
			{Cart: &Cart{Items: []CartItem{{ID: text, Quantity: len(other), Price: other, Currency: text}}}, Click: click},
			{Detected: &Detected{Event: "Purchase", Amount: text, Currency: other}},
		} {
			began := time.Now()
			decisions := set.Eval(facts)
			if took := time.Since(began); took > time.Second {
				t.Fatalf("%d bytes take %s", len(text)+len(other), took)
			}
			for _, d := range decisions {
				switch {
				case d.Outcome == Fire && d.Event == "Purchase" && d.Value.Minor <= 0:
					t.Errorf("%s fires with %v", d.Rule.ID, d.Value)
				case d.Outcome == Fire && d.Claim == "":
					t.Errorf("%s fires without a claim", d.Rule.ID)
				case d.Outcome == Hold && d.Reason == reason.None:
					t.Errorf("%s is held without a reason", d.Rule.ID)
				}
			}
			if n := len(set.Explain(facts)); n != set.Len() {
				t.Errorf("%d rules of %d are explained", n, set.Len())
			}
			set.DedupeKeys(facts)
		}
	})
}
