package rules

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/reason"
)

// value says where an event's amount comes from.
type value struct {
	from      string // "amount", "message" or "cart"
	amount    decimal.Decimal
	currency  string // empty: the file's, else the account's, else the cart's or the text's own
	pick      string // "last", "first", "largest"; empty: the one distinct amount
	multiply  decimal.NullDecimal
	min, max  decimal.NullDecimal
	ifMissing string // "hold", "skip" or "send_without"
}

// found is an amount as it was read: clear if held is empty.
type found struct {
	amount   decimal.Decimal
	currency string
	held     reason.Code
}

// read returns the event's value, or why there is none: value_* holds the event, value_skipped drops
// it. An amount that is missing or ambiguous goes by if_missing; one out of range is always held.
func (v *value) read(m *match) (capi.Money, reason.Code) {
	if v == nil {
		if m.rule.Event == "Purchase" {
			return capi.Money{}, reason.ValueMissing
		}
		return capi.Money{}, reason.None
	}
	f := v.find(m)
	if f.held == reason.None && f.currency == "" {
		f.held = reason.ValueMissing
	}
	money, held := capi.Money{}, f.held
	if held == reason.None {
		money, held = v.finish(f)
	}
	if held == reason.ValueMissing || held == reason.ValueAmbiguous {
		switch v.ifMissing {
		case "skip":
			return capi.Money{}, reason.ValueSkipped
		case "send_without":
			return capi.Money{}, reason.None
		}
	}
	return money, held
}

func (v *value) find(m *match) found {
	currency := cmp.Or(v.currency, m.rule.currency)
	switch v.from {
	case "message":
		return v.fromMessage(m, currency)
	case "cart":
		f := m.facts.Cart.sum()
		if f.currency == "" {
			f.currency = currency
		}
		if v.currency != "" && v.currency != f.currency && f.held == reason.None {
			f.held = reason.ValueAmbiguous
		}
		return f
	}
	return found{amount: v.amount, currency: currency}
}

// finish multiplies (rounded half up to the currency's minor unit), checks the range and makes money.
func (v *value) finish(f found) (capi.Money, reason.Code) {
	amount := f.amount
	if v.multiply.Valid {
		digits, _ := capi.MinorDigits(f.currency)
		amount = amount.Mul(v.multiply.Decimal).Round(int32(digits))
	}
	switch {
	case !amount.IsPositive(),
		v.min.Valid && amount.LessThan(v.min.Decimal),
		v.max.Valid && amount.GreaterThan(v.max.Decimal):
		return capi.Money{}, reason.ValueOutOfRange
	}
	money, err := capi.MoneyFrom(amount, f.currency)
	switch {
	case errors.Is(err, capi.ErrAmount) && amount.GreaterThan(decimal.New(1, 9)):
		return capi.Money{}, reason.ValueOutOfRange
	case err != nil: // more decimals than the currency has
		return capi.Money{}, reason.ValueAmbiguous
	}
	return money, reason.None
}

// fromMessage reads the amount out of the customer's text.
func (v *value) fromMessage(m *match, currency string) found {
	if len(m.heard.figures()) == maxNumbers {
		return found{held: reason.ValueAmbiguous}
	}
	var all []found
	for _, n := range m.amounts() {
		all = append(all, n.read(m.rule.grouping, currency))
	}
	if len(all) == 0 {
		return found{held: reason.ValueMissing}
	}
	switch v.pick {
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
		case v.pick != "largest" || f.currency != best.currency:
			return found{held: reason.ValueAmbiguous}
		case f.amount.GreaterThan(best.amount):
			best = f
		}
	}
	return best
}

// amounts are the numbers of the text that count: what {money} holes took; else every marked amount,
// and a bare number right after a phrase or alone in the text.
func (m *match) amounts() []number {
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
	case n.marked && !slices.Contains(n.currencies, currency), n.kind != plain, how == ambiguous:
		f.held = reason.ValueAmbiguous
	case how == tooLarge:
		f.held = reason.ValueOutOfRange
	}
	return f
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
	if len(c.Items) == 0 {
		return found{held: reason.ValueMissing}
	}
	f := found{}
	for _, item := range c.Items {
		currency := strings.ToUpper(item.Currency)
		price, ok := plainDecimal(item.Price)
		if !ok || item.Quantity < 0 || f.currency != "" && currency != "" && currency != f.currency {
			return found{held: reason.ValueAmbiguous}
		}
		f.currency = cmp.Or(f.currency, currency)
		f.amount = f.amount.Add(price.Mul(decimal.NewFromInt(int64(item.Quantity))))
	}
	return f
}
