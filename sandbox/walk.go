package sandbox

// This file reads JSON in place. Benchmarks pour a million events into the Graph on the cores of the
// server that is measured, and decoding them into maps would cost more than sending them.

import (
	"encoding/json"
	"errors"
	"fmt"
)

// maxDepth is how deep lists and objects may nest; an event needs five levels.
const maxDepth = 100

var errTooDeep = errors.New("lists and objects nest too deep")

// walker reads JSON text from front to back. Each method begins at a value and ends behind it; after
// an error the walk is over.
type walker struct {
	json  []byte
	at    int
	depth int
}

// kind is the first byte of the next value, behind white space; 0 at the end.
func (w *walker) kind() byte {
	for ; w.at < len(w.json); w.at++ {
		switch c := w.json[w.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// object calls member behind each key; member has to read the value.
func (w *walker) object(member func(key []byte) error) error {
	return w.each('{', '}', func() error {
		key, err := w.str()
		if err != nil {
			return err
		}
		if err := w.expect(':'); err != nil {
			return err
		}
		return member(key)
	})
}

// list calls element before each element; element has to read it.
func (w *walker) list(element func() error) error { return w.each('[', ']', element) }

// each reads what stands between opening and closing, with commas in between.
func (w *walker) each(opening, closing byte, item func() error) error {
	if err := w.expect(opening); err != nil {
		return err
	}
	if w.depth++; w.depth > maxDepth {
		return errTooDeep
	}
	for more := w.kind() != closing; more; {
		if err := item(); err != nil {
			return err
		}
		if more = w.kind() == ','; more {
			w.at++
		}
	}
	w.depth--
	return w.expect(closing)
}

// skip reads any value and returns its bytes.
func (w *walker) skip() ([]byte, error) {
	first := w.kind()
	start := w.at
	var err error
	switch first {
	case '{':
		err = w.object(func([]byte) error { _, err := w.skip(); return err })
	case '[':
		err = w.list(func() error { _, err := w.skip(); return err })
	case '"':
		_, err = w.str()
	default:
		err = w.scalar()
	}
	if err != nil {
		return nil, err
	}
	return w.json[start:w.at], nil
}

// text reads the string or null behind key. What is anything else is skipped, and misfit then says so.
func (w *walker) text(misfit *string, key []byte) ([]byte, error) {
	switch w.kind() {
	case '"':
		return w.str()
	case 'n':
	default:
		*misfit = string(key) + " is not a string"
	}
	_, err := w.skip()
	return nil, err
}

// str reads a string and returns what it says. Only one with escapes is copied.
func (w *walker) str() ([]byte, error) {
	if err := w.expect('"'); err != nil {
		return nil, err
	}
	start, escaped := w.at, false
	for ; w.at < len(w.json); w.at++ {
		switch c := w.json[w.at]; {
		case c == '"':
			w.at++
			if escaped {
				return unescape(w.json[start-1 : w.at])
			}
			return w.json[start : w.at-1], nil
		case c == '\\':
			escaped = true
			w.at++ // the escaped byte is no end; whether it may be escaped, unescape says
		case c < ' ':
			return nil, w.wrong()
		}
	}
	w.at = len(w.json) // a backslash at the end led beyond it
	return nil, w.wrong()
}

func unescape(quoted []byte) ([]byte, error) {
	var s string
	err := json.Unmarshal(quoted, &s)
	return []byte(s), err
}

// scalar reads a number, true, false or null.
func (w *walker) scalar() error {
	start := w.at
	for w.at < len(w.json) && partOfScalar(w.json[w.at]) {
		w.at++
	}
	if !json.Valid(w.json[start:w.at]) {
		w.at = start
		return w.wrong()
	}
	return nil
}

func partOfScalar(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E'
}

// end checks that nothing follows.
func (w *walker) end() error {
	if w.kind() != 0 || w.at < len(w.json) {
		return w.wrong()
	}
	return nil
}

func (w *walker) expect(c byte) error {
	if w.kind() != c || w.at == len(w.json) {
		return w.wrong()
	}
	w.at++
	return nil
}

func (w *walker) wrong() error {
	if w.at >= len(w.json) {
		return errors.New("the JSON ends too early")
	}
	return fmt.Errorf("unexpected %q at byte %d of the JSON", w.json[w.at], w.at)
}
