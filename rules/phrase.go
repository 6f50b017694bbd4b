package rules

import (
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
	key    string // the same for phrases that are heard alike
}

// part is a folded word or mark, or else the name of a hole.
type part struct{ word, hole string }

// span is one place where a phrase occurs.
type span struct {
	phrase   *phrase
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
	if len(p.parts) == 0 {
		return nil, fmt.Errorf("%q has no word to listen for (emoji and spaces are not heard)", source)
	}
	for _, part := range p.parts {
		p.key += part.word + "{" + part.hole + "}" // no word holds a brace
	}
	return p, nil
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

// at matches the phrase from token i on.
func (p *phrase) at(h *heard, i int) (span, bool) {
	s := span{phrase: p, from: i}
	for _, want := range p.parts {
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
func (s *span) fill(h *heard, i int, hole string) (int, bool) {
	if h.fills++; h.fills > maxFills {
		return 0, false
	}
	at := h.tokens[i].at
	end := at
	if hole == "money" {
		n, ok := h.amountAt(at)
		if !ok {
			return 0, false
		}
		s.money = append(s.money, n)
		end = h.figures()[n].end
	} else {
		end += len(holes[hole].FindString(h.clean[at:]))
	}
	next := i
	for next < len(h.tokens) && h.tokens[next].at < end {
		next++
	}
	if next == i || h.tokens[next-1].end != end {
		return 0, false // nothing found, or it ends inside a word
	}
	if s.captures == nil {
		s.captures = map[string]string{}
	}
	s.captures[hole] = h.clean[at:end]
	if hole == "order_no" { // "#4512" and "4512" are one order
		s.captures[hole] = strings.TrimLeft(s.captures[hole], "# ")
	}
	return next, true
}
