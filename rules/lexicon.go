package rules

import (
	"cmp"
	"slices"
)

// lexicon finds all phrases of a set in one pass over a text: an Aho-Corasick automaton whose letters
// are folded words. What it costs grows with the text, not with the number of phrases.
type lexicon struct {
	words  map[string]int32 // a word's letter
	next   map[edge]int32
	states []state // 0 is where every word begins
	loose  []*phrase
}

// edge leads from a state by a letter.
type edge struct{ state, letter int32 }

// state is a run of words that some phrase begins with.
type state struct {
	depth  int
	fail   int32 // the longest proper suffix that is a state too
	output int32 // the nearest suffix at which phrases end, 0 if there is none
	ends   []anchor
	by     edge
}

// anchor is a phrase whose longest run of words ends here; the run begins at a part of it, from.
type anchor struct {
	phrase *phrase
	from   int
	words  int
}

// newLexicon builds the automaton. Phrases that are heard alike stand in it once.
func newLexicon(phrases []*phrase) lexicon {
	l := lexicon{words: map[string]int32{}, next: map[edge]int32{}, states: make([]state, 1)}
	seen := map[string]bool{}
	for _, p := range phrases {
		if !seen[p.key] {
			seen[p.key] = true
			l.add(p)
		}
	}
	l.link()
	return l
}

func (l *lexicon) add(p *phrase) {
	from, to := p.literals()
	if from == to {
		l.loose = append(l.loose, p)
		return
	}
	at := int32(0)
	for _, part := range p.parts[from:to] {
		letter, known := l.words[part.word]
		if !known {
			letter = int32(len(l.words))
			l.words[part.word] = letter
		}
		by := edge{at, letter}
		if _, known := l.next[by]; !known {
			l.next[by] = int32(len(l.states))
			l.states = append(l.states, state{depth: l.states[at].depth + 1, by: by})
		}
		at = l.next[by]
	}
	l.states[at].ends = append(l.states[at].ends, anchor{p, from, to - from})
}

// link fills in where to go on when a run of words breaks, the short runs first.
func (l *lexicon) link() {
	order := make([]int32, len(l.states)-1)
	for i := range order {
		order[i] = int32(i + 1)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(l.states[a].depth, l.states[b].depth) })
	for _, i := range order {
		s := &l.states[i]
		if s.depth > 1 {
			s.fail = l.step(l.states[s.by.state].fail, s.by.letter)
		}
		s.output = s.fail
		if len(l.states[s.fail].ends) == 0 {
			s.output = l.states[s.fail].output
		}
	}
}

// step follows a letter from the longest suffix of a state that has it.
func (l *lexicon) step(at, letter int32) int32 {
	for {
		if to, ok := l.next[edge{at, letter}]; ok {
			return to
		}
		if at == 0 {
			return 0
		}
		at = l.states[at].fail
	}
}

// search is one text on its way through a lexicon.
type search struct {
	heard      *heard
	hits       map[string][]span
	finds      int // how often words led to a phrase
	tries      int // how often one that begins with a hole was tried
	everywhere []*phrase
	floats     map[*phrase]bool // those of them that words led to
}

// find returns the places where phrases occur in the text. A nil lexicon knows none.
func (l *lexicon) find(h *heard) map[string][]span {
	if l == nil || len(l.states) <= 1 && len(l.loose) == 0 {
		return nil
	}
	s := &search{heard: h, everywhere: slices.Clone(l.loose)}
	at := int32(0)
	for i, t := range h.tokens {
		letter, known := l.words[t.text]
		if !known {
			at = 0
			continue
		}
		at = l.step(at, letter)
		for end := at; end != 0 && s.finds < maxFinds; end = l.states[end].output {
			s.take(l.states[end].ends, i+1-l.states[end].depth)
		}
	}
	s.floating()
	return s.hits
}

// take tries the phrases whose words end here and begin at token i.
func (s *search) take(ends []anchor, i int) {
	for _, a := range ends {
		if s.finds++; s.finds > maxFinds {
			return
		}
		switch {
		case a.from == 0:
			s.try(a.phrase, i, a.words)
		case !s.floats[a.phrase]:
			if s.floats == nil {
				s.floats = map[*phrase]bool{}
			}
			s.floats[a.phrase] = true
			s.everywhere = append(s.everywhere, a.phrase)
		}
	}
}

// floating tries phrases that begin with a hole: where their words stand says little of where they
// begin, because a hole may take several words.
func (s *search) floating() {
	for _, p := range s.everywhere {
		for i := 0; i < len(s.heard.tokens) && len(s.hits[p.key]) < maxSpans; i++ {
			if s.heard.fills > maxFills || s.tries > maxTries {
				return
			}
			s.tries++
			s.try(p, i, 0)
		}
	}
}

// try looks for a phrase at token i, of which the first words are known to be there.
func (s *search) try(p *phrase, i, words int) {
	if len(s.hits[p.key]) == maxSpans {
		return
	}
	if found, ok := p.at(s.heard, i, words); ok {
		if s.hits == nil {
			s.hits = map[string][]span{}
		}
		s.hits[p.key] = append(s.hits[p.key], found)
	}
}
