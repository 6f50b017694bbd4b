package rules

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
)

// holes are what a phrase may leave open. Each but money, which is read by figures, is one pattern on
// the clean text; it must end where a word ends.
var holes = map[string]*regexp.Regexp{
	"money":    nil,
	"number":   regexp.MustCompile(`^\d+(?:[.,']\d+)*`),
	"date":     regexp.MustCompile(`^(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[/.-]\d{1,2}(?:[/.-]\d{2,4})?)`),
	"email":    regexp.MustCompile(`^[\p{L}\d._%+-]{1,64}@[\p{L}\d-]+(?:\.[\p{L}\d-]+)+`),
	"order_no": regexp.MustCompile(`^#? ?[A-Za-z\d-]*\d[A-Za-z\d-]*`),
}

// holeNames lists them for messages.
func holeNames() []string { return []string{"money", "number", "date", "email", "order_no"} }

// phrase is compiled from what the merchant wrote: whole words and marks, with holes between them.
type phrase struct {
	source string
	parts  []part
	key    string // see heardAs
}

// part is a folded word or mark, or else the name of a hole.
type part struct{ word, hole string }

// span is one place where a phrase occurs.
type span struct {
	from, to int // tokens, to exclusive
	money    []int
	captures map[string]string
}

// newPhrase compiles a phrase. The error names an unknown hole, or says that no word is left.
func newPhrase(source string) (*phrase, error) {
	p := &phrase{source: source}
	rest := source
	for rest != "" {
		literal, after, open := strings.Cut(rest, "{")
		for _, t := range tokenize(clean(cut(literal, maxText))) {
			p.parts = append(p.parts, part{word: t.text})
		}
		if !open {
			break
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed {
			return nil, fmt.Errorf("%q opens a hole with { and never closes it", source)
		}
		if _, known := holes[name]; !known {
			return nil, fmt.Errorf("unknown hole {%s}; %s", name, didYouMean(name, holeNames()))
		}
		p.parts = append(p.parts, part{hole: name})
		rest = tail
	}
	switch {
	case len(p.parts) == 0:
		return nil, fmt.Errorf("%q has no word to listen for (emoji and spaces are not heard)", source)
	case len(p.parts) > maxPhrase:
		return nil, fmt.Errorf("the phrase has %d words; %d is the limit", len(p.parts), maxPhrase)
	}
	p.key = p.heardAs()
	return p, nil
}

// heardAs is the same for phrases that are heard alike, and short: it is looked up often.
func (p *phrase) heardAs() string {
	var b strings.Builder
	for _, part := range p.parts {
		b.WriteString(part.word + "{" + part.hole + "}") // no word holds a brace
	}
	if b.Len() <= sha256.Size {
		return b.String()
	}
	sum := sha256.Sum256([]byte(b.String()))
	return string(sum[:]) + "{" // no short one is as long
}

// literals returns the words that the phrase begins with, else the longest run of words without a
// hole, as places among the parts.
func (p *phrase) literals() (from, to int) {
	for i := 0; i < len(p.parts); i++ {
		start := i
		for i < len(p.parts) && p.parts[i].hole == "" {
			i++
		}
		if i-start > to-from {
			from, to = start, i
		}
		if to > 0 && from == 0 {
			break
		}
	}
	return from, to
}

// at matches the phrase from token i on, where so many words of it are known to be.
func (p *phrase) at(h *heard, i, words int) (span, bool) {
	s := span{from: i}
	i += words
	for _, want := range p.parts[words:] {
		if i >= len(h.tokens) {
			return span{}, false
		}
		if want.hole == "" {
			if h.tokens[i].text != want.word {
				return span{}, false
			}
			i++
			continue
		}
		end, ok := s.fill(h, i, want.hole)
		if !ok {
			return span{}, false
		}
		i = end
	}
	s.to = i
	return s, true
}

// fill matches a hole at token i and returns the token after it.
func (s *span) fill(h *heard, i int, name string) (int, bool) {
	next := h.hole(hole{name, i})
	if next == i {
		return 0, false
	}
	at, end := h.tokens[i].at, h.tokens[next-1].end
	if name == "money" {
		n, _ := h.amountAt(at)
		s.money = append(s.money, n)
	}
	if s.captures == nil {
		s.captures = map[string]string{}
	}
	s.captures[name] = h.clean[at:end]
	if name == "order_no" { // "#4512" and "4512" are one order
		s.captures[name] = strings.TrimLeft(s.captures[name], "# ")
	}
	return next, true
}

// hole is one at a token.
type hole struct {
	name string
	at   int
}

// maxHole is how many bytes may fill a hole that is no money.
const maxHole = 256

// hole returns the token after those that fill a hole, its own where nothing does.
func (h *heard) hole(k hole) int {
	at := h.tokens[k.at].at
	if k.name == "money" {
		n, ok := h.amountAt(at)
		if !ok {
			return k.at
		}
		return h.wordsTo(k.at, h.numbers[n].end)
	}
	if next, known := h.holes[k]; known {
		return next
	}
	digit := isDigit(rune(h.tokens[k.at].text[0]))
	if k.name != "email" && k.name != "order_no" && !digit {
		return k.at
	}
	if h.fills++; h.fills > maxFills {
		return k.at
	}
	end := at + len(holes[k.name].FindString(cut(h.clean[at:], maxHole)))
	if h.holes == nil {
		h.holes = map[hole]int{}
	}
	h.holes[k] = h.wordsTo(k.at, end)
	return h.holes[k]
}

// wordsTo returns the token at which a place of the text ends that begins with another, which is
// returned where it ends inside a word.
func (h *heard) wordsTo(from, end int) int {
	next := from
	for next < len(h.tokens) && h.tokens[next].at < end {
		next++
	}
	if next > from && h.tokens[next-1].end != end {
		return from
	}
	return next
}
