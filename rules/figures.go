package rules

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind says what a number in a text may be.
type kind int

const (
	plain   kind = iota // an amount if it is marked, or stands where amounts stand
	unclear             // an amount that is not guessed: "2 mil", "100-200", "-50"
	other               // a date, an hour, a code, a percentage
)

// number is one number of a text, as written.
type number struct {
	index      int    // among all of the text
	digits     string // "1.299,90"
	start, end int    // place in the clean text, currency mark included
	marked     bool   // a currency mark stands beside it
	currencies []string
	kind       kind
	named      bool // a word before it says that it is an order number or the like
}

// figures returns all numbers of the text, in order.
func (h *heard) figures() []number {
	if h.scanned {
		return h.numbers
	}
	h.scanned = true
	for i := 0; i < len(h.clean) && len(h.numbers) < maxNumbers; {
		if !isDigit(rune(h.clean[i])) {
			i++
			continue
		}
		end := digitsEnd(h.clean, i)
		n := number{index: len(h.numbers), digits: h.clean[i:end], start: i, end: end}
		i = n.look(h.clean)
		h.numbers = append(h.numbers, n)
	}
	return h.numbers
}

// amountAt returns the index of the number that begins at a place and may be an amount.
func (h *heard) amountAt(at int) (int, bool) {
	i, found := slices.BinarySearchFunc(h.figures(), at, func(n number, at int) int { return n.start - at })
	return i, found && h.numbers[i].kind != other
}

// digitsEnd finds the end of digits with marks between them. A space belongs to the number only
// before exactly three digits, and a letter ends it.
func digitsEnd(text string, i int) int {
	from := i
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		rest := text[i+size:]
		switch {
		case isDigit(r):
		case strings.ContainsRune(".,'’", r) && rest != "" && isDigit(rune(rest[0])):
		case strings.ContainsRune(" \u00a0\u202f\u2009", r) && i-from <= 3 && thousand(rest):
			from = i + size // the next group may be followed by one more
		default:
			return i
		}
		i += size
	}
	return i
}

// thousand reports whether a text begins with exactly three digits that end a word.
func thousand(text string) bool {
	if len(text) < 3 || strings.IndexFunc(text[:3], func(r rune) bool { return !isDigit(r) }) >= 0 {
		return false
	}
	next, _ := utf8.DecodeRuneInString(text[3:])
	return text[3:] == "" || !wordRune(next)
}

// look judges the number by what stands around it, and returns where the next number may begin.
func (n *number) look(text string) int {
	after := n.end
	if codes, start := markBefore(text[:n.start]); codes != nil {
		n.marked, n.currencies, n.start = true, codes, start
	}
	n.lookBefore(text[:n.start])
	next := n.lookAfter(text[after:], after)
	switch bare := !n.marked; {
	case bare && looksLikeDate(n.digits):
		n.kind = other
	case bare && len(n.digits) > 1 && n.digits[0] == '0' && isDigit(rune(n.digits[1])):
		n.kind = other
	case bare && n.kind == plain && looksLikePhone(n.digits):
		n.kind = unclear
	case n.marked && n.kind == other:
		n.kind = unclear
	}
	return next
}

// looksLikePhone: nobody writes ten bare digits for a price, but everybody's telephone has as many.
func looksLikePhone(digits string) bool {
	groups, marks := splitNumber(digits)
	size := len(strings.Join(groups, ""))
	return size >= 10 && size <= maxDigits && (len(marks) == 0 || marks[0] == ' ')
}

// looksLikeDate sees "12.05.2026" and version numbers: one mark repeated that groups no thousands.
func looksLikeDate(digits string) bool {
	groups, marks := splitNumber(digits)
	return len(marks) > 1 && marks[0] == marks[len(marks)-1] && !grouped(groups, marks)
}

// lookBefore sees minus signs, codes ("A50", "#4512", "+55") and words such as "pedido".
func (n *number) lookBefore(before string) {
	last, size := utf8.DecodeLastRuneInString(before)
	previous, _ := utf8.DecodeLastRuneInString(before[:len(before)-size])
	switch {
	case size == 0:
	case last == '-' || last == '−':
		n.kind = unclear
		if wordRune(previous) && !n.marked {
			n.kind = other
		}
	case (last == '.' || last == ',') && !n.marked && !wordRune(previous):
		n.kind = unclear
	case strings.ContainsRune("#+@_/", last) || wordRune(last) && !n.marked && !standsAlone(last):
		n.kind = other
	}
	words := strings.TrimRight(before, " .:°º#\u00a0")
	word := words[strings.LastIndexFunc(words, func(r rune) bool { return !wordRune(r) })+1:]
	n.named = !n.marked && len(word) < 32 && slices.Contains(notAmounts, folded(word))
}

// lookAfter sees currency marks, multipliers, units, dates, hours and ranges.
func (n *number) lookAfter(after string, end int) int {
	if size := compound(after); size > 0 {
		n.kind = other
		n.end = end + size
		return n.end
	}
	word, size := wordAfter(after)
	glued := size == len(word)
	codes := codesOf(word, true)
	follows, _ := utf8.DecodeRuneInString(strings.TrimLeft(after[size:], " \u00a0"))
	switch {
	case strings.HasPrefix(after, "%"):
		n.kind = other
	case word == "":
	case slices.Contains(multipliers, folded(word)):
		n.kind, n.end = unclear, end+size
	case slices.Contains(centWords, folded(word)):
		n.addMark(unknownMark)
		n.end = end + size
	case len(codes) > 0 && (signs[strings.ToLower(word)] == "" || !isDigit(follows) || glued):
		n.addMark(codes)
		n.end = end + size
	case glued && !standsAlone([]rune(word)[0]):
		n.kind, n.end = other, end+size // "12h", "10x", "500ml"
	}
	if rangeFollows(after) {
		n.kind = unclear
	}
	return end
}

// addMark keeps the currencies that the marks on both sides allow; two that differ allow none.
func (n *number) addMark(codes []string) {
	if n.marked {
		codes = slices.DeleteFunc(codes, func(c string) bool { return !slices.Contains(n.currencies, c) })
	}
	n.marked, n.currencies = true, codes
}

// compound measures what makes a date, an hour, a telephone or a range of a number: "/05", ":30", "-8888".
func compound(after string) int {
	size := 0
	for size+1 < len(after) && strings.ContainsRune("-/:", rune(after[size])) && isDigit(rune(after[size+1])) {
		size++
		for size < len(after) && isDigit(rune(after[size])) {
			size++
		}
	}
	return size
}

// rangeFollows sees "100 - 200" and "100–200".
func rangeFollows(after string) bool {
	rest := strings.TrimLeftFunc(after, unicode.IsSpace)
	dash, size := utf8.DecodeRuneInString(rest)
	if dash != '-' && dash != '–' && dash != '—' {
		return false
	}
	next, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(rest[size:], unicode.IsSpace))
	return isDigit(next)
}
