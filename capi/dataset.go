package capi

import (
	"fmt"
	"io"
	"log/slog"
)

// Dataset is where a batch goes. Token and app secret are left out however a Dataset is printed,
// logged or marshalled.
type Dataset struct {
	ID    string // numeric
	Token string `json:"-"`
	// AppSecret is that of the token's app. If set, each request proves that we have it, which an app
	// with "Require app secret" asks for.
	AppSecret string `json:"-"`
	// TestEventCode shows the events under "Test events" in Meta's Events Manager, like TEST12345.
	// They count all the same (Meta, Conversions API for Business Messaging). Blank sends none.
	TestEventCode string
}

// String names the dataset without its secrets.
func (d Dataset) String() string { return "dataset " + d.ID }

// Format implements [fmt.Formatter] for every verb, since %d or %#v would print the fields.
func (d Dataset) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, d.String()) }

// LogValue implements [slog.LogValuer].
func (d Dataset) LogValue() slog.Value { return slog.StringValue(d.String()) }

func (d Dataset) credentials() Credentials {
	return Credentials{Token: d.Token, AppSecret: d.AppSecret}
}
