package rules

import (
	"cmp"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/clickthread/clickthread/reason"
)

// maxQuoted is how many texts of the business are looked at for an amount that it quoted.
const maxQuoted = 20

// inText reads an amount out of a text that should say nothing else: a parameter, a group of a regular
// expression, an answer.
func (o *origin) inText(text string, grouping rune, currency string) found {
	if text == "" {
		return found{held: reason.ValueMissing}
	}
	m := &match{heard: hear(text, nil)}
	return o.choose(m.heard, m.amounts(), grouping, currency)
}

// quoted reads the newest text of the business that names an amount. Only an amount with a currency
// counts: the numbers of a shop's sentences are more often hours and sizes than prices.
func (o *origin) quoted(m *match, currency string) found {
	texts := m.facts.Quoted
	for _, text := range texts[:min(len(texts), maxQuoted)] {
		h := hear(text, nil)
		marked := slices.DeleteFunc(slices.Clone(h.figures()), func(n number) bool { return !n.marked })
		if len(marked) > 0 {
			return o.choose(h, marked, m.rule.grouping, currency)
		}
	}
	return found{held: reason.ValueMissing}
}

// choose picks one of a text's amounts: the one distinct amount, or by pick.
func (o *origin) choose(h *heard, amounts []number, grouping rune, currency string) found {
	switch {
	case h != nil && len(h.figures()) == maxNumbers:
		return found{held: reason.ValueAmbiguous, why: "the text is full of numbers"}
	case len(amounts) == 0:
		return found{held: reason.ValueMissing}
	}
	all := make([]found, len(amounts))
	for i, n := range amounts {
		all[i] = n.read(grouping, currency)
	}
	switch o.pick {
	case "first":
		return all[0]
	case "last":
		return all[len(all)-1]
	}
	best := all[0]
	for _, f := range all {
		switch {
		case f.held != reason.None:
			return f
		case f.amount.Equal(best.amount) && f.currency == best.currency:
		case o.pick != "largest" || f.currency != best.currency:
			return found{held: reason.ValueAmbiguous, why: "there are several amounts, and \"pick\" does not say which"}
		case f.amount.GreaterThan(best.amount):
			best = f
		}
	}
	return best
}

// amounts are the numbers of the text that count: what {money} holes took; else every marked amount,
// and a bare number right after a phrase or alone in the text.
func (m *match) amounts() []number {
	if m.heard == nil {
		return nil
	}
	numbers := m.heard.figures()
	var bound []int
	for _, s := range m.spans {
		bound = append(bound, s.money...)
	}
	slices.Sort(bound)
	var amounts []number
	for i, n := range numbers {
		counts := n.marked || n.kind != other && !n.named && (len(numbers) == 1 || m.followsPhrase(n))
		if len(bound) > 0 {
			_, counts = slices.BinarySearch(bound, i)
		}
		if counts {
			amounts = append(amounts, n)
		}
	}
	return amounts
}

// followsPhrase reports whether nothing but spaces stand between a phrase and the number.
func (m *match) followsPhrase(n number) bool {
	return slices.ContainsFunc(m.spans, func(s span) bool {
		end := m.heard.tokens[s.to-1].end
		return end <= n.start && strings.TrimSpace(m.heard.clean[end:n.start]) == ""
	})
}

// read turns a written number into an amount of the rule's currency. A rule without a currency takes
// the one that the text names.
func (n number) read(grouping rune, currency string) found {
	if n.marked && currency == "" && len(n.currencies) == 1 {
		currency = n.currencies[0]
	}
	amount, how := readNumber(n.digits, grouping)
	f := found{amount: amount, currency: currency}
	switch {
	case n.marked && currency == "":
		f.held, f.why = reason.ValueAmbiguous, "its sign stands for several currencies, and the rule names none"
	case n.marked && !slices.Contains(n.currencies, currency):
		f.held, f.why = reason.ValueAmbiguous, otherCurrency
	case n.kind != plain:
		f.held, f.why = reason.ValueAmbiguous, "what stands beside it makes something else of it"
	case how == ambiguous:
		f.held, f.why = reason.ValueAmbiguous, "its marks may stand for thousands or for decimals; \"locale\" says how the file's customers write"
	case how == tooLarge:
		f.held, f.why = reason.ValueOutOfRange, tooMuch
	}
	return f
}

// tooMuch is why an amount is out of every range.
const tooMuch = "it is more than anything costs"

// plainAmount is an amount as it comes over a wire, with its currency.
func plainAmount(text, currency string) found {
	if text == "" {
		return found{held: reason.ValueMissing}
	}
	amount, ok := plainDecimal(text)
	if !ok {
		return found{held: reason.ValueAmbiguous, why: "it is not written as a plain decimal"}
	}
	return found{amount: amount, currency: strings.ToUpper(currency)}
}

// quantity is how many pieces the cart holds. Counted in decimals, so that no wire number overflows it.
func (c *Cart) quantity() decimal.Decimal {
	sum := decimal.Zero
	for _, item := range c.Items {
		sum = sum.Add(decimal.NewFromInt(int64(item.Quantity)))
	}
	return sum
}

// sum is price by quantity over all items. Two currencies, or a price that is no number, are ambiguous.
func (c *Cart) sum() found {
	if c == nil || len(c.Items) == 0 {
		return found{held: reason.ValueMissing}
	}
	f := found{}
	for _, item := range c.Items {
		currency := strings.ToUpper(item.Currency)
		price, ok := plainDecimal(item.Price)
		switch {
		case !ok || item.Quantity < 0:
			return found{held: reason.ValueAmbiguous, why: "a price or quantity of the cart cannot be read"}
		case f.currency != "" && currency != "" && currency != f.currency:
			return found{held: reason.ValueAmbiguous, why: "the cart is in two currencies"}
		}
		f.currency = cmp.Or(f.currency, currency)
		f.amount = f.amount.Add(price.Mul(decimal.NewFromInt(int64(item.Quantity))))
	}
	return f
}
