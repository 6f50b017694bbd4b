package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/clickthread/clickthread/reason"
)

// Explanation says for one rule what became of it and why, in words for the person who wrote it and
// without the customer's own.
type Explanation struct {
	Rule     *Rule
	Decision *Decision // nil where the trigger does not fit
	Why      string

	near int // how close it came to sending
}

// nearness of what matched; every one is nearer than any miss.
var nearness = map[Outcome]int{
	Fire: 108, Hold: 107, ShadowFire: 106, Blocked: 105, Unattributed: 104, ShadowedBy: 103, Skip: 102, Unmet: 101,
}

// miss is why a trigger does not fit. near grows from 0, something else altogether, to 99.
type miss struct {
	why  string
	near int
}

// Explain says for every rule why it did or did not match: what fires first, then what else matched, then
// the nearest miss.
func (s *Set) Explain(f Facts) []Explanation {
	if s == nil {
		return nil
	}
	decisions, msg := s.eval(&f)
	list := make([]Explanation, len(s.rules))
	for i, b := range s.rules {
		at := slices.IndexFunc(decisions, func(d Decision) bool { return d.Rule == b.Rule })
		if at < 0 {
			m := b.miss(msg)
			if msg.effort.over() && b.hears(f.Number) && b.fits(&f, &s.index) {
				m = miss{"it would take too long to look through the whole message for every rule, and this one's turn did not come", 99}
			}
			list[i] = Explanation{Rule: b.Rule, Why: m.why, near: m.near}
			continue
		}
		d := &decisions[at]
		list[i] = Explanation{Rule: b.Rule, Decision: d, Why: d.Words(), near: nearness[d.Outcome]}
	}
	slices.SortStableFunc(list, func(a, b Explanation) int { return cmp.Compare(b.near, a.near) })
	return list
}

// fits reports whether a rule's trigger fits when no other rule is tried.
func (b *bound) fits(f *Facts, ix *index) bool {
	return b.Mode != Off && b.when.match(newMessage(f, ix)) != nil
}

// Words says a decision as a sentence without a full stop. Like Why it holds none of the customer's own.
func (d *Decision) Words() string {
	switch d.Outcome {
	case Fire:
		return "sends it, because " + d.Why
	case ShadowFire:
		if d.Reason != reason.Shadow {
			return "only records it, because " + d.Why + "; it would be held: " + d.inTheWay()
		}
		return "only records it, because " + d.Why
	case Unmet:
		return d.Why
	case ShadowedBy:
		return d.Why + ", but the rule \"" + d.ShadowedBy + "\" comes first and sends " + d.Event + " already"
	}
	return d.Why + ", but " + d.inTheWay()
}

// inTheWay is the decision's reason, with what it knows besides.
func (d *Decision) inTheWay() string {
	words := d.Reason.Words()
	switch {
	case d.Outcome == Blocked && strings.HasPrefix(strings.TrimPrefix(d.Taken, Shadow.key("")), "dedupe:"):
		words = "an event with the same 'dedupe' was recorded already"
	case d.Outcome == Blocked:
		words += ": " + d.Rule.Once.words()
	case d.unclear != "":
		words += ": " + d.unclear
	}
	if d.awaited {
		words += "; that event is held until an amount is clear, and this one is not"
	}
	return words
}

// words says how often a rule may fire.
func (o Once) words() string {
	switch o {
	case PerClick:
		return "once for each ad click"
	case PerConversation:
		return "once in each conversation"
	case PerDay:
		return "once a day in each conversation"
	}
	return "once for each message"
}

// miss says why a rule's trigger does not fit; of several triggers, the nearest.
func (b *bound) miss(msg *message) miss {
	if b.Mode == Off {
		return miss{"it is off", -1}
	}
	if !b.hears(msg.facts.Number) {
		return miss{"its file is for another phone number", -1}
	}
	nearest := miss{"it listens for nothing", -1}
	for _, c := range leaves(b.when) {
		if m := missOf(c, msg); m.near > nearest.near {
			nearest = m
		}
	}
	return nearest
}

func missOf(c condition, msg *message) miss {
	f := msg.facts
	switch c := c.(type) {
	case *says:
		if f.Ours == c.ours && len(msg.texts()) > 0 {
			return c.miss(msg)
		}
	case *taps:
		if f.Tap != nil {
			return c.miss(f.Tap)
		}
	case *carts:
		if f.Cart != nil {
			return miss{"the cart holds too little, or other products", 60}
		}
	case *templateSent:
		if f.Template != nil {
			return c.miss(f.Template)
		}
	case *detects:
		if f.Detected != nil {
			return miss{"Meta detected something else", 40}
		}
	}
	return miss{"it waits for " + c.need(), 0}
}

func (c *taps) miss(tap *Tap) miss {
	switch {
	case tap.Kind != c.kind:
		return miss{fmt.Sprintf("the customer tapped a %s, and it waits for a %s", tap.Kind, c.kind), 10}
	case c.kind == "flow" && slices.ContainsFunc(tap.flowNames(), c.names.allow):
		return miss{"the answers do not fit", 70}
	}
	return miss{"the customer tapped another " + c.kind, 40}
}

func (c *templateSent) miss(t *Template) miss {
	switch {
	case !c.names.allow(t.Name):
		return miss{"it was another template", 30}
	case !c.languages.allow(t.Language):
		return miss{"the template was in another language", 70}
	case slices.Index(statuses, t.Status) < c.status:
		return miss{fmt.Sprintf("the template was %s, and it waits for %s", t.Status, statuses[c.status]), 80}
	}
	return miss{"the template's parameters do not fit", 70}
}

// miss says which part of a text trigger is not there.
func (c *says) miss(msg *message) miss {
	texts := msg.texts()
	said := func(p *phrase) bool {
		return slices.ContainsFunc(texts, func(h *heard) bool { return len(h.hits[p.key]) > 0 })
	}
	for _, p := range c.none {
		if said(p) {
			return miss{fmt.Sprintf("%s also said %q, which it excludes", c.who(), p.source), 95}
		}
	}
	nearest := miss{c.who() + "'s text does not fit the regular expression", 20}
	if c.hasPhrase() && slices.ContainsFunc(c.positive(), said) {
		nearest = miss{c.who() + " said only a part of what it asks for, or not where it asks for it", 90}
	}
	for _, p := range c.positive() {
		if said(p) {
			continue
		}
		if m := p.miss(texts, c.who()); m.near > nearest.near {
			nearest = m
		}
	}
	return nearest
}

// miss says how much of a phrase was heard.
func (p *phrase) miss(texts []*heard, who string) miss {
	var present []string
	words := 0
	for _, part := range p.parts {
		if part.hole != "" {
			continue
		}
		words++
		if slices.ContainsFunc(texts, func(h *heard) bool { return h.has(part.word) }) {
			present = append(present, part.word)
		}
	}
	switch {
	case len(present) == 0:
		return miss{fmt.Sprintf("%s did not say %q", who, p.source), 21}
	case len(present) == words:
		return miss{fmt.Sprintf("%s did not say %q in one piece", who, p.source), 85}
	}
	return miss{
		fmt.Sprintf("of %q %s said only %q", p.source, who, strings.Join(present, " ")),
		21 + 60*len(present)/words,
	}
}

func (h *heard) has(word string) bool {
	return slices.ContainsFunc(h.tokens, func(t token) bool { return t.text == word })
}
