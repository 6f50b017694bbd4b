package whatsapp

// Scalars of the wire, read forgivingly: an id that arrives as a number, or a time that arrives as
// text, is no reason to lose a message.

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// text is a string; a number counts as its own digits, null as empty. It is always valid UTF-8
// without NUL, which PostgreSQL would refuse.
type text string

// UnmarshalJSON reads a JSON string or number.
func (t *text) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case 'n':
		return nil
	case '"':
		s, err := unquote(data)
		*t = text(s)
		return err
	case '{', '[', 't', 'f':
		// This type lets encoding/json add the field's name.
		return &json.UnmarshalTypeError{Value: kindOf(data[0]), Type: reflect.TypeFor[string]()}
	}
	*t = text(data)
	return nil
}

func unquote(data []byte) (string, error) {
	if inner := data[1 : len(data)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner), nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return "", err
	}
	return strings.ReplaceAll(s, "\x00", "\uFFFD"), nil
}

func kindOf(first byte) string {
	switch first {
	case '{':
		return "object"
	case '[':
		return "array"
	}
	return "bool"
}

// integer is a whole number, also as a string; anything else is 0.
type integer int64

// UnmarshalJSON never fails.
func (n *integer) UnmarshalJSON(data []byte) error {
	i, _ := strconv.ParseInt(unquoted(data), 10, 64)
	*n = integer(i)
	return nil
}

// unixTime is a time in unix seconds: text on messages and statuses, a number on automatic events.
// What is no time in years 1970 to 9999 is the zero time.
type unixTime struct{ time.Time }

const endOfYear9999 = 253402300799

// UnmarshalJSON never fails.
func (t *unixTime) UnmarshalJSON(data []byte) error {
	*t = unixTime{}
	if s, err := strconv.ParseInt(unquoted(data), 10, 64); err == nil && s > 0 && s <= endOfYear9999 {
		t.Time = time.Unix(s, 0).UTC()
	}
	return nil
}

// amount is a plain decimal number, also as a string, kept exactly as written. Anything else is
// empty, exponents included: no price has one, and 1e999999999 would stall decimal arithmetic.
type amount string

// UnmarshalJSON never fails.
func (a *amount) UnmarshalJSON(data []byte) error {
	*a = ""
	s := unquoted(data)
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if len(s) <= 32 && isDigits(whole) && (!point || isDigits(fraction)) {
		*a = amount(s)
	}
	return nil
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// unquoted drops the quotes of a JSON string that has no escapes, as no number has.
func unquoted(data []byte) string {
	return string(bytes.Trim(data, `"`))
}

// flag is a boolean; anything else is false.
type flag bool

// UnmarshalJSON never fails.
func (f *flag) UnmarshalJSON(data []byte) error {
	*f = string(data) == "true"
	return nil
}
