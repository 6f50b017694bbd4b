package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/clickthread/clickthread/reason"
)

// paid is a file with one Purchase rule on "paguei" with the value from the message.
func paid(currency, locale, more string) string {
	src := "version: 1\n"
	if locale != "" {
		src += "locale: " + locale + "\n"
	}
	value := "{from: message"
	if currency != "" {
		value += ", currency: " + currency
	}
	return src + "rules:\n- id: paid\n  when: {customer_says: [paguei, \"transferi {money}\"]}\n  send: Purchase\n  value: " + value + more + "}\n"
}

// hearOne returns what the one rule comes to on a text.
func hearOne(t *testing.T, src, text string) Decision {
	t.Helper()
	decisions := setOf(t, Owner{ID: "shop"}, src).Eval(Facts{Text: text, Click: &Click{Key: "c"}})
	if len(decisions) != 1 {
		t.Fatalf("%q: %d decisions", text, len(decisions))
	}
	return decisions[0]
}

func TestMoneyIsReadExactlyOrHeld(t *testing.T) {
	const held = "value_ambiguous"
	for _, c := range []struct{ text, currency, locale, want string }{
		{"R$ 1.299,90", "BRL", "pt-BR", "1299.90 BRL"},
		{"R$1299,9", "BRL", "pt-BR", "1299.90 BRL"},
		{"1.299", "BRL", "pt-BR", "1299.00 BRL"},
		{"1.299", "BRL", "en", held},
		{"1.299", "BRL", "", held},
		{"1,299", "USD", "en", "1299.00 USD"},
		{"1,299", "BRL", "pt-BR", held},
		{"$1,299.00", "USD", "en", "1299.00 USD"},
		{"$1,299.00", "MXN", "es-MX", "1299.00 MXN"},
		{"$ 850.50", "MXN", "es-MX", "850.50 MXN"},
		{"1 299,90 €", "EUR", "fr", "1299.90 EUR"},
		{"1 299,90 €", "EUR", "en", "1299.90 EUR"},
		{"1\u202f299 €", "EUR", "fr", "1299.00 EUR"},
		{"1 299 €", "EUR", "en", held},
		{"CHF 1'299.90", "CHF", "de-CH", "1299.90 CHF"},
		{"CHF 1’299", "CHF", "de-CH", "1299.00 CHF"},
		{"₹1,23,456.00", "INR", "en-IN", "123456.00 INR"},
		{"1.234.567,89", "BRL", "", "1234567.89 BRL"},
		{"1,234,567", "USD", "", "1234567.00 USD"},
		{"89", "BRL", "", "89.00 BRL"},
		{"R$ 0,50", "BRL", "pt-BR", "0.50 BRL"},
		{"12.3456", "BRL", "", held},
		{"12345678901234567890", "BRL", "", "value_out_of_range"},
		{"R$ 12345678901234567890", "BRL", "", "value_out_of_range"},
		{"Rp 1jt", "IDR", "id", held},
		{"2 mil", "BRL", "pt-BR", held},
		{"R$ 2 mil", "BRL", "pt-BR", held},
		{"50k", "BRL", "pt-BR", held},
		{"R$ 0,00", "BRL", "pt-BR", "value_out_of_range"},
		{"R$ -50", "BRL", "pt-BR", held},
		{"-50", "BRL", "pt-BR", held},
		{"R$ 100-200", "BRL", "pt-BR", held},
		{"R$ 100 - 200", "BRL", "pt-BR", held},
		{"R$ 1.29.9", "BRL", "pt-BR", held},
		{"R$ 1.299,90,10", "BRL", "pt-BR", held},
		{"R$ 1.299,905", "BRL", "pt-BR", held},
		{"¥1,299", "JPY", "ja", "1299 JPY"},
		{"12,50", "JPY", "ja", held},
		{"CLP 12.990", "CLP", "es-CL", "12990 CLP"},
		{"BHD 1,250.125", "BHD", "en", "1250.125 BHD"},
		{"BHD 0.125", "BHD", "en", held},
		{"Gs. 150.000", "PYG", "es-PY", "150000 PYG"},
		{"KWD 1,299.345", "KWD", "en", "1299.345 KWD"},
		{"50 reais", "BRL", "pt-BR", "50.00 BRL"},
		{"50 reais", "", "", "50.00 BRL"},
		{"50 dólares", "BRL", "pt-BR", held},
		{"US$ 50", "BRL", "pt-BR", held},
		{"$ 50", "", "", held},
		{"50", "", "", "value_missing"},
		{"R$ 50 USD", "BRL", "", held},
		{"11987654321", "BRL", "pt-BR", held},
		{"１２３", "BRL", "pt-BR", "123.00 BRL"},
		{"R$\u200b 5\u200d0", "BRL", "pt-BR", "50.00 BRL"},
		{"50,00.", "BRL", "pt-BR", "50.00 BRL"},
		{"R$ 50 e 90 centavos", "BRL", "pt-BR", held},
	} {
		t.Run(fmt.Sprintf("%s %s %s", c.text, c.currency, c.locale), func(t *testing.T) {
			d := hearOne(t, paid(c.currency, c.locale, ""), "paguei "+c.text)
			if got := outcome(d); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// outcome is the value of what fires, or the reason of what does not.
func outcome(d Decision) string {
	if d.Outcome == Fire {
		return d.Value.String()
	}
	return string(d.Reason)
}

func TestWhichNumberOfATextCounts(t *testing.T) {
	for _, c := range []struct{ name, text, more, want string }{
		{"the number right after the phrase", "pedido 4512: paguei 89 às 12:30", "", "89.00 BRL"},
		{"the only number of the text", "paguei, deu 89 certinho", "", "89.00 BRL"},
		{"an order number is no amount", "paguei o pedido 4512", "", "value_missing"},
		{"nor is one with a hash", "paguei o #4512", "", "value_missing"},
		{"nor a date", "paguei dia 12/05/2026", "", "value_missing"},
		{"nor a date with points", "paguei dia 12.05.2026", "", "value_missing"},
		{"nor an hour", "paguei às 12:30", "", "value_missing"},
		{"nor an hour in letters", "paguei as 12h30", "", "value_missing"},
		{"nor a percentage", "paguei com 10% de desconto", "", "value_missing"},
		{"two bare numbers, neither after the phrase", "paguei, 2 camisas de 40", "", "value_missing"},
		{"a marked amount beside other numbers", "paguei as 2 camisas do pedido 4512 R$ 80", "", "80.00 BRL"},
		{"two amounts", "paguei, era R$ 100 e ficou R$ 80", "", "value_ambiguous"},
		{"the same amount twice", "paguei R$ 80, 80 reais", "", "80.00 BRL"},
		{"the last of two", "paguei, era R$ 100 e ficou R$ 80", ", pick: last", "80.00 BRL"},
		{"the first of two", "paguei, era R$ 100 e ficou R$ 80", ", pick: first", "100.00 BRL"},
		{"the largest of two", "paguei, era R$ 100 e ficou R$ 80", ", pick: largest", "100.00 BRL"},
		{"the largest, one of them unreadable", "paguei R$ 100, ou R$ 2 mil", ", pick: largest", "value_ambiguous"},
		{"a hole binds its amount", "transferi R$ 80 dos R$ 100", "", "80.00 BRL"},
		{"readable or not", "transferi 2 mil dos R$ 100", "", "value_ambiguous"},
		{"two holes bind two", "transferi R$ 80 e depois transferi R$ 20", "", "value_ambiguous"},
		{"a part of it", "paguei R$ 99,99", ", multiply: 0.3", "30.00 BRL"},
		{"below min", "paguei R$ 4,99", ", min: 5", "value_out_of_range"},
		{"min itself", "paguei R$ 5", ", min: 5, max: 10", "5.00 BRL"},
		{"above max", "paguei R$ 10,01", ", min: 5, max: 10", "value_out_of_range"},
		{"nothing to read", "paguei", "", "value_missing"},
		{"nothing to read, and the rule skips then", "paguei", ", if_missing: skip", "value_skipped"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := outcome(hearOne(t, paid("BRL", "pt-BR", c.more), c.text)); got != c.want {
				t.Errorf("%q: got %s, want %s", c.text, got, c.want)
			}
		})
	}
}

func TestCartValue(t *testing.T) {
	const src = "version: 1\nrules:\n- id: cart\n  when: {customer_orders: {at_least: {items: 1}}}\n  send: AddToCart\n  value: {from: cart}\n"
	set := setOf(t, Owner{ID: "shop", Currency: "BRL"}, src)
	for _, c := range []struct {
		name  string
		items []CartItem
		want  string
	}{
		{"price by quantity", []CartItem{{"a", 2, "150", "MXN"}, {"b", 1, "99.5", "MXN"}}, "399.50 MXN"},
		{"no currency on the wire: the account's", []CartItem{{"a", 1, "10", ""}}, "10.00 BRL"},
		{"two currencies", []CartItem{{"a", 1, "10", "MXN"}, {"b", 1, "10", "BRL"}}, "value_ambiguous"},
		{"a price that is no number", []CartItem{{"a", 1, "1e9", "MXN"}}, "value_ambiguous"},
		{"free", []CartItem{{"a", 1, "0", "MXN"}}, "value_out_of_range"},
		{"more than money", []CartItem{{"a", 1 << 62, "99999999999", "MXN"}}, "value_out_of_range"},
	} {
		t.Run(c.name, func(t *testing.T) {
			decisions := set.Eval(Facts{Cart: &Cart{Items: c.items}, Click: &Click{}})
			if len(decisions) != 1 || outcome(decisions[0]) != c.want {
				t.Errorf("got %+v, want %s", decisions, c.want)
			}
		})
	}
}

func FuzzMoney(f *testing.F) {
	for _, seed := range []string{"R$ 1.299,90", "1 299,90 €", "CHF 1'299.90", "₹1,23,456.00", "Rp 1jt", "2 mil", "12/05", "-50", "$$$1", "1.1.1,1", "US$5 0", "１２", "\xff1"} {
		f.Add(seed)
	}
	set, _ := NewSet(Owner{ID: "shop", Currency: "BRL", Locale: "pt-BR"}, parse(f, paid("", "", "")))
	f.Fuzz(func(t *testing.T, text string) {
		for _, d := range set.Eval(Facts{Text: "paguei " + text, Click: &Click{}}) {
			if d.Outcome == Fire && (d.Value.Minor <= 0 || d.Value.Currency != "BRL") {
				t.Errorf("%q fires with %v", text, d.Value)
			}
			if d.Outcome == Fire && !strings.ContainsAny(clean(text), "123456789") {
				t.Errorf("%q fires with %v, made of nothing", text, d.Value)
			}
			if d.Outcome == Hold && d.Reason == reason.None {
				t.Errorf("%q is held without a reason", text)
			}
		}
	})
}
