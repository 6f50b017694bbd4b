package account

import (
	"fmt"
	"io"
	"log/slog"
)

// masked is all that any way of printing a Secret gives.
const masked = "****"

// Secret is a token or key that prints as **** everywhere: fmt, log/slog, JSON, text, YAML.
// Only Reveal gives the text, so that "who can see it" is one search.
type Secret string

// Reveal returns the secret itself. Call it only where it goes on the wire.
func (s Secret) Reveal() string { return string(s) }

// String masks the secret; an empty one prints as empty, so that "is it set?" stays answerable.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// Format masks the secret for every fmt verb, %x and %q among them.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText masks the secret for JSON, YAML and text encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue masks the secret for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
