package rules

import (
	"fmt"
	"regexp"
	"slices"
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
		for _, t := range tokenize(clean(cut(literal))) {
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
	return p, nil
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
	return next, true
}

// index finds the rules that a message may concern.
type index struct {
	byWord map[string][]*phrase // phrases that begin with a word
	inner  map[string][]*phrase // phrases that begin with a hole, by their first word
	loose  []*phrase            // phrases of holes only
	owners map[*phrase][]int    // rules whose trigger a phrase is
	regexs []int                // rules to try on every text: their trigger is a regular expression
	taps   []int
	carts  []int
}

func newIndex(rules []*bound) index {
	ix := index{byWord: map[string][]*phrase{}, inner: map[string][]*phrase{}, owners: map[*phrase][]int{}}
	for i, b := range rules {
		if b.Mode == Off {
			continue
		}
		switch when := b.when.(type) {
		case *says:
			if when.regex != nil && !when.hasPhrase() {
				ix.regexs = append(ix.regexs, i)
			}
			for _, p := range when.positive() {
				ix.owners[p] = append(ix.owners[p], i)
			}
			for _, p := range slices.Concat(when.positive(), when.none) {
				ix.add(p)
			}
		case *taps:
			ix.taps = append(ix.taps, i)
		case *carts:
			ix.carts = append(ix.carts, i)
		}
	}
	return ix
}

func (ix *index) add(p *phrase) {
	word := slices.IndexFunc(p.parts, func(part part) bool { return part.hole == "" })
	switch word {
	case -1:
		ix.loose = append(ix.loose, p)
	case 0:
		ix.byWord[p.parts[0].word] = append(ix.byWord[p.parts[0].word], p)
	default:
		ix.inner[p.parts[word].word] = append(ix.inner[p.parts[word].word], p)
	}
}

// find returns every place where a phrase of the index occurs in the text.
func (ix *index) find(h *heard) map[*phrase][]span {
	hits := map[*phrase][]span{}
	try := func(p *phrase, i int) {
		if len(hits[p]) == maxSpans {
			return
		}
		if s, ok := p.at(h, i); ok {
			hits[p] = append(hits[p], s)
		}
	}
	everywhere := slices.Clone(ix.loose)
	seen := map[string]bool{}
	for i, t := range h.tokens {
		for _, p := range ix.byWord[t.text] {
			try(p, i)
		}
		if inner := ix.inner[t.text]; inner != nil && !seen[t.text] {
			seen[t.text] = true
			everywhere = append(everywhere, inner...)
		}
	}
	for _, p := range everywhere {
		for i := range h.tokens {
			try(p, i)
		}
	}
	return hits
}

// candidates returns the rules worth trying on a message, in order, each once.
func (ix *index) candidates(msg *message) []int {
	var rules []int
	for _, h := range msg.texts() {
		for p := range h.hits {
			rules = append(rules, ix.owners[p]...)
		}
		rules = append(rules, ix.regexs...)
	}
	if msg.facts.Tap != nil {
		rules = append(rules, ix.taps...)
	}
	if msg.facts.Cart != nil {
		rules = append(rules, ix.carts...)
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}
