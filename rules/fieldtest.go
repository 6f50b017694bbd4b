package rules

import (
	"slices"
	"strings"

	"github.com/shopspring/decimal"
	"golang.org/x/text/unicode/norm"
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
func (ts tests) hold(texts func(name string) []string) bool {
	for name, t := range ts {
		if !t.holds(texts(name)) {
			return false
		}
	}
	return true
}

// holds reports whether the test holds for one of several texts. Only "not" and "present: false" hold
// where there is none.
func (t *test) holds(texts []string) bool {
	if t == nil {
		return true
	}
	texts = slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return text == "" })
	unwanted := func(text string) bool { return len(t.not) > 0 && t.not.allow(folded(text)) }
	switch {
	case t.present == "false" && len(texts) > 0, t.present == "true" && len(texts) == 0:
		return false
	case slices.ContainsFunc(texts, unwanted):
		return false
	}
	return !t.positive() || slices.ContainsFunc(texts, t.fits)
}

// positive reports whether the test asks for more than that something is there, or is not.
func (t *test) positive() bool {
	return t.equals != nil || t.contains != nil || t.starts != nil || t.regex != nil || t.least.Valid || t.most.Valid
}

func (t *test) fits(text string) bool {
	text = cut(text, maxText)
	plain := folded(text)
	return t.equals.allow(plain) &&
		anyHolds(t.contains, plain, strings.Contains) &&
		anyHolds(t.starts, plain, strings.HasPrefix) &&
		(t.regex == nil || t.regex.find(norm.NFC.String(text)) != nil) &&
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
