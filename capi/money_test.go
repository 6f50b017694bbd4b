package capi

import (
	"errors"
	"testing"

	"github.com/shopspring/decimal"
)

func TestMoneyKeepsEveryMinorUnit(t *testing.T) {
	for _, c := range []struct {
		amount, currency string
		minor            int64
		prints           string
		err              error
	}{
		{"1299.90", "BRL", 129990, "1299.90 BRL", nil},
		{"1299.9", "brl", 129990, "1299.90 BRL", nil},
		{"500", "JPY", 500, "500 JPY", nil},
		{"500.5", "JPY", 0, "", ErrAmount},
		{"1.234", "KWD", 1234, "1.234 KWD", nil},
		{"12990", "CLP", 12990, "12990 CLP", nil},
		{"150000", "PYG", 150000, "150000 PYG", nil},
		{"0.005", "USD", 0, "", ErrAmount},
		{"99999999999999999999", "USD", 0, "", ErrAmount},
		{"1e9999", "USD", 0, "", ErrAmount},
		{"1e-9999", "USD", 0, "", ErrAmount},
		{"10", "XX1", 0, "", ErrCurrency},
		{"10", "", 0, "", ErrCurrency},
	} {
		got, err := MoneyFrom(decimal.RequireFromString(c.amount), c.currency)
		if !errors.Is(err, c.err) || got.Minor != c.minor || got.String() != c.prints {
			t.Errorf("%s %s = %d %q %v, want %d %q %v", c.amount, c.currency, got.Minor, got, err, c.minor, c.prints, c.err)
		}
	}
}
