package capi

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
)

// Dataset is where a batch goes. The token is left out however a Dataset is printed, logged or
// marshalled.
type Dataset struct {
	ID    string // numeric
	Token string `json:"-"`
	// TestEventCode shows the events under "Test events" in Meta's Events Manager, like TEST12345.
	// They count all the same (Meta, Conversions API for Business Messaging). Blank sends none.
	TestEventCode string
}

// String names the dataset without its token.
func (d Dataset) String() string { return "dataset " + d.ID }

// Format implements [fmt.Formatter] for every verb, since %d or %#v would print the fields.
func (d Dataset) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, d.String()) }

// LogValue implements [slog.LogValuer].
func (d Dataset) LogValue() slog.Value { return slog.StringValue(d.String()) }

// redact blanks the token where an answer repeats it, as a proxy's error page may. A shorter token
// than 8 bytes is no secret, and blanking it could damage the answer.
func (d Dataset) redact(answer []byte) []byte {
	if len(d.Token) < 8 {
		return answer
	}
	return bytes.ReplaceAll(answer, []byte(d.Token), []byte("****"))
}
