package rules

import (
	"slices"
	"strings"
	"unicode"

	"github.com/shopspring/decimal"
	"golang.org/x/text/language"
	textmessage "golang.org/x/text/message"
	textnumber "golang.org/x/text/number"
)

// This file reads one written number. Money is never guessed: what can be read in two ways is
// ambiguous, and the event is held for a person.

// reading says how a written number came out.
type reading int

const (
	readable reading = iota
	ambiguous
	tooLarge
)

// maxDigits is what an amount may have; more is a telephone or document number, or a slip.
const maxDigits = 15

// groupingMark is the mark that a locale puts between thousands, from CLDR: '.' for pt-BR, ',' for en,
// ' ' for fr, `'` for de-CH. It is 0 if the locale is not a language tag.
func groupingMark(locale string) rune {
	tag, err := language.Parse(locale)
	if err != nil {
		return 0
	}
	for _, r := range textmessage.NewPrinter(tag).Sprint(textnumber.Decimal(1234567)) {
		if !unicode.IsDigit(r) {
			return plainMark(r)
		}
	}
	return ','
}

// plainMark makes one mark of all spaces, and one of both apostrophes.
func plainMark(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case r == '’':
		return '\''
	}
	return r
}

// readNumber reads digits with marks between them, as scanned by figures ("1.299,90"). Two kinds of
// mark: the last is the decimal. One mark repeated groups. One mark alone groups before three digits
// if it is the locale's grouping mark, is the decimal before one or two, and else is ambiguous.
func readNumber(text string, grouping rune) (decimal.Decimal, reading) {
	groups, marks := splitNumber(text)
	whole, cents := groups, ""
	last := len(marks) - 1
	switch {
	case len(strings.Join(groups, "")) > maxDigits:
		return decimal.Zero, tooLarge
	case len(marks) == 0:
	case len(marks) == 1 && len(groups[1]) < 3, slices.Index(marks, marks[last]) == last && last > 0:
		if marks[last] != '.' && marks[last] != ',' {
			return decimal.Zero, ambiguous
		}
		whole, marks, cents = groups[:last+1], marks[:last], groups[last+1]
	case len(marks) == 1 && marks[0] != grouping:
		return decimal.Zero, ambiguous
	}
	if len(cents) > 3 || !grouped(whole, marks) {
		return decimal.Zero, ambiguous
	}
	amount, err := decimal.NewFromString(strings.Join(whole, "") + "." + cents + "0")
	if err != nil {
		return decimal.Zero, ambiguous
	}
	return amount, readable
}

// splitNumber takes "1.299,90" apart: 1, 299, 90 and the two marks.
func splitNumber(text string) (groups []string, marks []rune) {
	from := 0
	for i, r := range text {
		if isDigit(r) {
			continue
		}
		groups = append(groups, text[from:i])
		marks = append(marks, plainMark(r))
		from = i + len(string(r))
	}
	return append(groups, text[from:]), marks
}

// grouped reports whether the groups are thousands with one kind of mark, or lakhs and crores
// ("1,23,456").
func grouped(groups []string, marks []rune) bool {
	if len(marks) == 0 {
		return true
	}
	if slices.ContainsFunc(marks, func(r rune) bool { return r != marks[0] }) {
		return false
	}
	first, middle, end := groups[0], groups[1:len(groups)-1], groups[len(groups)-1]
	if len(first) > 3 || first[0] == '0' || len(end) != 3 {
		return false
	}
	all := func(size int) bool {
		return !slices.ContainsFunc(middle, func(g string) bool { return len(g) != size })
	}
	return all(3) || marks[0] == ',' && len(first) < 3 && all(2)
}

// plainDecimal reads a number as wires and rule files write it: digits, at most one point. Exponents
// are refused because they make numbers of any size from a few bytes.
func plainDecimal(text string) (decimal.Decimal, bool) {
	whole, fraction, point := strings.Cut(text, ".")
	if whole == "" || point && fraction == "" || len(text) > maxDigits+7 || len(whole) > maxDigits {
		return decimal.Zero, false
	}
	if strings.IndexFunc(whole+fraction, func(r rune) bool { return !isDigit(r) }) >= 0 {
		return decimal.Zero, false
	}
	d, err := decimal.NewFromString(text)
	return d, err == nil
}
