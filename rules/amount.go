package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/shopspring/decimal"

	"github.com/clickthread/clickthread/reason"
)

// inText reads an amount out of a text that should say nothing else: a parameter, a group of a regular
// expression, an answer.
func (o *origin) inText(m *match, text, currency string) found {
	switch {
	case text == "":
		return found{held: reason.ValueMissing}
	case len(text) >= maxFill: // the rest of it may be cut off
		return found{held: reason.ValueAmbiguous}
	}
	h := m.msg.notes.look(text, &m.msg.effort)
	return o.choose(m, h, (&match{heard: h, msg: m.msg}).amounts(), currency)
}

// quoted reads the newest text of the business that names an amount. Only an amount with a currency
// counts: the numbers of a shop's sentences are more often hours and sizes than prices.
func (o *origin) quoted(m *match, currency string) found {
	h := m.msg.notes.quote(m.facts.Quoted)
	if h == nil {
		return found{held: reason.ValueMissing}
	}
	marked := slices.DeleteFunc(slices.Clone(h.figures()), func(n number) bool { return !n.marked })
	return o.choose(m, h, marked, currency)
}

// choose picks one of a text's amounts: the one distinct amount, or by pick.
func (o *origin) choose(m *match, h *heard, amounts []number, currency string) found {
	switch {
	case h != nil && !h.whole:
		return found{held: reason.ValueAmbiguous, why: "the text is too long to be read as a whole"}
	case h != nil && (len(h.figures()) == maxNumbers || !m.msg.effort.spend(10*len(amounts))):
		return found{held: reason.ValueAmbiguous, why: "the text is full of numbers"}
	case len(amounts) == 0:
		return found{held: reason.ValueMissing}
	}
	read := h.amounts(m.rule.grouping)
	first, last := amounts[0], amounts[len(amounts)-1]
	switch o.pick {
	case "first":
		return first.as(read, currency)
	case "last":
		return last.as(read, currency)
	}
	best := first.as(read, currency)
	for _, n := range amounts {
		f := n.as(read, currency)
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
	places := 0
	for _, s := range m.said {
		places += len(s.spans)
	}
	if !m.msg.effort.spend(20*len(numbers) + places*(1+len(numbers)/4)) {
		return nil
	}
	var bound []int
	for _, said := range m.said {
		for _, s := range said.spans {
			bound = append(bound, s.money...)
		}
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
	// The end of the word before the number, which is the end of every phrase that it follows.
	end := len(strings.TrimRightFunc(m.heard.clean[:n.start], unicode.IsSpace))
	follows := func(s span) bool { return m.heard.tokens[s.to-1].end == end }
	return slices.ContainsFunc(m.said, func(s mention) bool { return slices.ContainsFunc(s.spans, follows) })
}

// amount is a number as a locale reads it.
type amount struct {
	decimal decimal.Decimal
	how     reading
}

// amounts reads all numbers of the text, once for each grouping mark that rules have.
func (h *heard) amounts(grouping rune) []amount {
	if read, done := h.read[grouping]; done {
		return read
	}
	var read []amount
	for _, n := range h.figures() {
		value, how := readNumber(n.digits, grouping)
		read = append(read, amount{value, how})
	}
	if h.read == nil {
		h.read = map[rune][]amount{}
	}
	h.read[grouping] = read
	return read
}

// as makes an amount of the rule's currency of a number, given how all are read. A rule without a
// currency takes the one that the text names.
func (n number) as(read []amount, currency string) found {
	if n.marked && currency == "" && len(n.currencies) == 1 {
		currency = n.currencies[0]
	}
	a := read[n.index]
	f := found{amount: a.decimal, currency: currency}
	switch {
	case n.marked && currency == "":
		f.held, f.why = reason.ValueAmbiguous, "its sign stands for several currencies, and the rule names none"
	case n.marked && !slices.Contains(n.currencies, currency):
		f.held, f.why = reason.ValueAmbiguous, otherCurrency
	case n.kind != plain:
		f.held, f.why = reason.ValueAmbiguous, "what stands beside it makes something else of it"
	case a.how == ambiguous:
		f.held, f.why = reason.ValueAmbiguous, "its marks may stand for thousands or for decimals; \"locale\" says how the file's customers write"
	case a.how == tooLarge:
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

// total is a cart added up, once for all rules.
type total struct {
	quantity decimal.Decimal
	sum      found
	ids      []string
	why      string // a rule fits
}

func (c *Cart) total() total {
	quantity := c.quantity()
	return total{quantity, c.sum(), c.ids(), fmt.Sprintf("the customer sent a cart of %s items", quantity)}
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
