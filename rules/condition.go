package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/clickthread/clickthread/reason"
)

// condition is the trigger of a rule: says, taps or carts. A nil match means that it does not fit.
type condition interface {
	match(*message) *match
}

// message is a message as conditions see it: the facts, and its texts prepared once.
type message struct {
	facts         *Facts
	text, caption *heard // nil where there is none
}

func (m *message) texts() []*heard {
	return slices.DeleteFunc([]*heard{m.text, m.caption}, func(h *heard) bool { return h == nil })
}

// match is a rule's trigger that fits a message, with what its value and templates draw from.
type match struct {
	rule     *bound
	facts    *Facts
	why      string
	heard    *heard            // the text that fit, nil for taps and carts
	spans    []span            // where positive phrases occur in it
	captures map[string]string // what filled holes and named groups
}

// says is customer_says. All that is given must hold in one text: one of any, every one of all, none
// of none, and so on.
type says struct {
	any, all, none, exactly, starts []*phrase
	regex                           *regexp.Regexp
	in                              string // "text", "caption" or "both"
}

// positive are the phrases of which at least one must occur.
func (c *says) positive() []*phrase { return slices.Concat(c.any, c.all, c.exactly, c.starts) }

func (c *says) hasPhrase() bool { return len(c.any)+len(c.all)+len(c.exactly)+len(c.starts) > 0 }

func (c *says) match(msg *message) *match {
	if c.in != "caption" && msg.text != nil {
		if m := c.hear(msg.text); m != nil {
			return m
		}
	}
	if c.in != "text" && msg.caption != nil {
		return c.hear(msg.caption)
	}
	return nil
}

func (c *says) hear(h *heard) *match {
	m := &match{heard: h, captures: map[string]string{}}
	for _, p := range c.none {
		if len(h.hits[p]) > 0 {
			return nil
		}
	}
	anywhere := func(span) bool { return true }
	whole := func(s span) bool { return s.from == 0 && s.to == len(h.tokens) }
	first := func(s span) bool { return s.from == 0 }
	ok := m.takeOne(c.any, anywhere) && m.takeOne(c.exactly, whole) && m.takeOne(c.starts, first)
	for _, p := range c.all {
		ok = ok && m.takeOne([]*phrase{p}, anywhere)
	}
	if !ok || c.regex != nil && !m.takeGroups(c.regex) {
		return nil
	}
	m.explain()
	return m
}

// takeOne keeps every accepted place of the phrases; no phrases ask for nothing.
func (m *match) takeOne(phrases []*phrase, accept func(span) bool) bool {
	found := len(phrases) == 0
	for _, p := range phrases {
		for _, s := range m.heard.hits[p] {
			if !accept(s) {
				continue
			}
			found = true
			m.spans = append(m.spans, s)
			for hole, text := range s.captures {
				if m.captures[hole] == "" {
					m.captures[hole] = text
				}
			}
		}
	}
	return found
}

func (m *match) takeGroups(re *regexp.Regexp) bool {
	groups := re.FindStringSubmatch(m.heard.raw)
	for i, name := range re.SubexpNames() {
		if groups != nil && name != "" {
			m.captures[name] = groups[i]
		}
	}
	return groups != nil
}

func (m *match) explain() {
	var said []string
	for _, s := range m.spans {
		if quoted := fmt.Sprintf("%q", s.phrase.source); !slices.Contains(said, quoted) {
			said = append(said, quoted)
		}
	}
	if len(said) == 0 {
		m.why = "the customer's text fits the regular expression"
		return
	}
	m.why = "the customer said " + strings.Join(said, " and ")
}

// taps is customer_taps: a reply button or a template's quick reply, or a row of a list.
type taps struct {
	kind        string // "button" or "list"
	ids, titles globs  // empty: anything
}

func (c *taps) match(msg *message) *match {
	tap := msg.facts.Tap
	if tap == nil || tap.Kind != c.kind || !c.ids.allow(tap.ID) || !c.titles.allow(tap.Title) {
		return nil
	}
	return &match{why: fmt.Sprintf("the customer tapped the %s %q", tap.Kind, tap.ID)}
}

// carts is customer_orders: a cart from WhatsApp's catalog.
type carts struct {
	items    int64               // total quantity at least
	amount   decimal.NullDecimal // total at least
	contains globs               // one of these retailer ids is in it
}

func (c *carts) match(msg *message) *match {
	cart := msg.facts.Cart
	if cart == nil || cart.quantity().LessThan(decimal.NewFromInt(c.items)) {
		return nil
	}
	if c.amount.Valid {
		// A total that cannot be read is not known to reach any amount.
		total := cart.sum()
		if total.held != reason.None || total.amount.LessThan(c.amount.Decimal) {
			return nil
		}
	}
	inCart := func(item CartItem) bool { return c.contains.allow(item.ID) }
	if len(c.contains) > 0 && !slices.ContainsFunc(cart.Items, inCart) {
		return nil
	}
	return &match{why: fmt.Sprintf("the customer sent a cart of %s items", cart.quantity())}
}

// globs are exact texts in which * stands for anything; a list means any of.
type globs []string

// allow reports whether one of the globs fits; no globs allow everything.
func (g globs) allow(text string) bool {
	return len(g) == 0 || slices.ContainsFunc(g, func(pattern string) bool { return glob(pattern, text) })
}

func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(text, first) || !strings.HasSuffix(text[len(first):], last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, middle := range parts[1 : len(parts)-1] {
		_, rest, found := strings.Cut(text, middle)
		if !found {
			return false
		}
		text = rest
	}
	return true
}
