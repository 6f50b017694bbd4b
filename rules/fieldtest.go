package rules

import (
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// test is what the format says of one text: of an answer, a parameter, a headline. All that is given
// must hold. Texts are compared as phrases are: case and accents do not matter.
type test struct {
	equals, not      globs // folded
	contains, starts []string
	regex            *pattern
	least, most      decimal.NullDecimal
	present          string // "true", "false" or empty
}

// tests are tests by the name of what they are about.
type tests map[string]*test

// hold reports whether every test holds for the texts that its name has.
func (ts tests) hold(texts func(name string) []string, msg *message) bool {
	for name, t := range ts {
		if !t.holds(texts(name), msg) {
			return false
		}
	}
	return true
}

// holds reports whether the test holds for one of several texts. Only "not" and "present: false" hold
// where there is none.
func (t *test) holds(texts []string, msg *message) bool {
	if t == nil {
		return true
	}
	texts = slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return text == "" })
	for _, text := range texts {
		if !msg.effort.spend(t.cost(text)) {
			return false
		}
	}
	unwanted := func(text string) bool { return len(t.not) > 0 && t.not.allow(msg.notes.plain(text).folded) }
	switch {
	case t.present == "false" && len(texts) > 0, t.present == "true" && len(texts) == 0:
		return false
	case slices.ContainsFunc(texts, unwanted):
		return false
	}
	return !t.positive() || slices.ContainsFunc(texts, func(text string) bool { return t.fits(text, msg) })
}

// cost is how many steps it takes to compare a text with what the test says, but for the regular
// expression, which counts its own.
func (t *test) cost(text string) int {
	size := min(len(text), maxText)
	return 40 + size/16 + (len(t.equals)+len(t.not)+len(t.contains)+len(t.starts))*(2+size/32)
}

// positive reports whether the test asks for more than that something is there, or is not.
func (t *test) positive() bool {
	return t.equals != nil || t.contains != nil || t.starts != nil || t.regex != nil || t.least.Valid || t.most.Valid
}

func (t *test) fits(text string, msg *message) bool {
	plain := msg.notes.plain(text)
	return t.equals.allow(plain.folded) &&
		anyHolds(t.contains, plain.folded, strings.Contains) &&
		anyHolds(t.starts, plain.folded, strings.HasPrefix) &&
		(t.regex == nil || t.regex.on(plain.nfc, &msg.effort, &msg.run).ok) &&
		t.inRange(text)
}

func anyHolds(parts []string, text string, holds func(text, part string) bool) bool {
	return len(parts) == 0 || slices.ContainsFunc(parts, func(part string) bool { return holds(text, part) })
}

// inRange compares numbers. What is no plain decimal is not known to reach any.
func (t *test) inRange(text string) bool {
	if !t.least.Valid && !t.most.Valid {
		return true
	}
	d, ok := plainDecimal(strings.TrimSpace(text))
	return ok && (!t.least.Valid || d.GreaterThanOrEqual(t.least.Decimal)) && (!t.most.Valid || d.LessThanOrEqual(t.most.Decimal))
}
