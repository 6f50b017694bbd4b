package rules

import (
	"cmp"
	"errors"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/reason"
)

// value says where an event's amount comes from, and what it must be.
type value struct {
	origins   []origin // the first that finds an amount counts
	multiply  decimal.NullDecimal
	min, max  decimal.NullDecimal
	ifMissing string // "hold", "skip" or "send_without"
}

// origin is one place that an amount may come from.
type origin struct {
	from      string // "amount", one of origins, or "capture"
	amount    decimal.Decimal
	capture   template // from: "{amount}"
	parameter string   // from: template
	currency  string   // empty: the file's, else the account's, else the cart's or the text's own
	pick      string   // one of picks; empty: the one distinct amount
}

// found is an amount as it was read: clear if held is empty.
type found struct {
	amount   decimal.Decimal
	currency string
	held     reason.Code
	why      string // what is not clear, in words; may be empty
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
	f := found{held: reason.ValueAmbiguous}
	if m.msg.effort.spend(perRule) {
		f = v.find(m)
	}
	if f.held == reason.None && f.currency == "" {
		f.held, f.why = reason.ValueMissing, "neither the text, the rule file nor the account says in which currency"
	}
	money, held := capi.Money{}, f.held
	if m.unclear = f.why; held == reason.None {
		money, held, m.unclear = v.finish(f)
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

// find asks one origin after the other. An amount that is there and not clear ends the search, because
// the next one would be a guess.
func (v *value) find(m *match) found {
	f := found{held: reason.ValueMissing}
	for _, o := range v.origins {
		if f = o.find(m); f.held != reason.ValueMissing {
			return f
		}
	}
	return f
}

func (o *origin) find(m *match) found {
	currency := cmp.Or(o.currency, m.rule.currency)
	switch o.from {
	case "message":
		if d := m.facts.Detected; d != nil {
			return o.fits(plainAmount(d.Amount, d.Currency), currency)
		}
		return o.choose(m, m.heard, m.amounts(), currency)
	case "cart":
		if m.facts.Cart == nil {
			return found{held: reason.ValueMissing}
		}
		return o.fits(m.msg.cart.sum, currency)
	case "template":
		if t := m.facts.Template; t != nil {
			return o.inText(m, t.Parameters[o.parameter], currency)
		}
		return found{held: reason.ValueMissing}
	case "capture":
		return o.inText(m, m.whole(o.capture), currency)
	case "last_amount_we_quoted":
		return o.quoted(m, currency)
	}
	return found{amount: o.amount, currency: currency}
}

// otherCurrency is why an amount does not count.
const otherCurrency = "it is in another currency than the rule's"

// fits gives an amount that knows its currency the rule's where it has none; one that contradicts what
// the rule says is ambiguous.
func (o *origin) fits(f found, currency string) found {
	if f.held != reason.None {
		return f
	}
	f.currency = cmp.Or(f.currency, currency)
	if o.currency != "" && o.currency != f.currency {
		f.held, f.why = reason.ValueAmbiguous, otherCurrency
	}
	return f
}

// quotes reports whether the amount may be one that the business wrote before.
func (v *value) quotes() bool {
	return v != nil && slices.ContainsFunc(v.origins, func(o origin) bool { return o.from == "last_amount_we_quoted" })
}

// finish multiplies (rounded half up to the currency's minor unit), checks the range and makes money, or says
// what is wrong.
func (v *value) finish(f found) (money capi.Money, held reason.Code, why string) {
	amount := f.amount
	if v.multiply.Valid {
		digits, _ := capi.MinorDigits(f.currency)
		amount = amount.Mul(v.multiply.Decimal).Round(int32(digits))
	}
	switch {
	case !amount.IsPositive():
		return capi.Money{}, reason.ValueOutOfRange, "it is not above zero"
	case v.min.Valid && amount.LessThan(v.min.Decimal):
		return capi.Money{}, reason.ValueOutOfRange, "it is below min"
	case v.max.Valid && amount.GreaterThan(v.max.Decimal):
		return capi.Money{}, reason.ValueOutOfRange, "it is above max"
	}
	money, err := capi.MoneyFrom(amount, f.currency)
	switch {
	case errors.Is(err, capi.ErrAmount) && amount.GreaterThan(decimal.New(1, 9)):
		return capi.Money{}, reason.ValueOutOfRange, tooMuch
	case err != nil:
		return capi.Money{}, reason.ValueAmbiguous, "it has more decimals than its currency"
	}
	return money, reason.None, ""
}
