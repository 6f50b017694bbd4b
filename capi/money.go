package capi

import (
	"errors"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"
	"golang.org/x/text/currency"
)

// Money is an amount in minor units with its ISO 4217 code: 129990 BRL is R$ 1.299,90, 500 JPY is
// 500 yen. The zero value means "no amount".
type Money struct {
	Minor    int64
	Currency string
}

// ErrCurrency says that a currency code is not in ISO 4217.
var ErrCurrency = errors.New("not an ISO 4217 currency code")

// ErrAmount says that an amount does not fit the currency's minor units or the range we accept.
var ErrAmount = errors.New("amount out of range")

// maxMinor keeps amounts far below where a float64 on the other side would lose a minor unit (2^53).
const maxMinor = 1_000_000_000_000_000

// maxExponent bounds a decimal's power of ten before any arithmetic: 1e9999 is six bytes to receive
// and ten thousand digits to compute with and print.
const maxExponent = 30

// MinorDigits tells how many digits the minor unit of an ISO 4217 code has (BRL 2, JPY 0, KWD 3).
func MinorDigits(code string) (int, bool) {
	unit, err := currency.ParseISO(code)
	if err != nil || unit.String() != strings.ToUpper(code) {
		return 0, false
	}
	scale, _ := currency.Standard.Rounding(unit)
	return scale, true
}

// MoneyFrom turns a decimal amount in major units into minor units. It never rounds: more decimals
// than the currency has is ErrAmount, as is more than 10^15 minor units.
func MoneyFrom(amount decimal.Decimal, code string) (Money, error) {
	digits, ok := MinorDigits(code)
	if !ok {
		return Money{}, fmt.Errorf("%w: %q", ErrCurrency, code)
	}
	if exp := amount.Exponent(); exp > maxExponent || exp < -maxExponent {
		return Money{}, fmt.Errorf("%w: a power of ten of %d", ErrAmount, exp)
	}
	minor := amount.Shift(int32(digits))
	if !minor.IsInteger() || minor.Abs().GreaterThan(decimal.NewFromInt(maxMinor)) {
		return Money{}, fmt.Errorf("%w: %s %s", ErrAmount, amount, code)
	}
	return Money{Minor: minor.IntPart(), Currency: strings.ToUpper(code)}, nil
}

// Decimal is the amount in major units with all the currency's digits: "1299.90".
func (m Money) Decimal() string {
	digits, _ := MinorDigits(m.Currency)
	return decimal.New(m.Minor, int32(-digits)).StringFixed(int32(digits))
}

// IsZero reports whether there is no amount at all.
func (m Money) IsZero() bool { return m == Money{} }

// String prints "1299.90 BRL".
func (m Money) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Decimal() + " " + m.Currency
}
