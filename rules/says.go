package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// says is customer_says and we_say. All that is given must hold in one text: one of any, every one of
// all, none of none, and so on.
type says struct {
	any, all, none, exactly, starts []*phrase
	regex                           *pattern
	ours                            bool   // the business has to say it
	in                              string // "text", "caption" or "both"
}

// positive are the phrases of which at least one must occur.
func (c *says) positive() []*phrase { return slices.Concat(c.any, c.all, c.exactly, c.starts) }

func (c *says) hasPhrase() bool { return len(c.any)+len(c.all)+len(c.exactly)+len(c.starts) > 0 }

func (c *says) match(msg *message) *match {
	if msg.facts.Ours != c.ours {
		return nil
	}
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
	m := &match{heard: h}
	for _, p := range c.none {
		if len(h.hits[p.key]) > 0 {
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
	m.explain(c)
	return m
}

// takeOne keeps every accepted place of the phrases; no phrases ask for nothing.
func (m *match) takeOne(phrases []*phrase, accept func(span) bool) bool {
	found := len(phrases) == 0
	for _, p := range phrases {
		for _, s := range m.heard.hits[p.key] {
			if !accept(s) {
				continue
			}
			found = true
			s.phrase = p // as this rule writes it
			m.spans = append(m.spans, s)
			for hole, text := range s.captures {
				if m.captures[hole] == "" {
					m.capture(hole, text)
				}
			}
		}
	}
	return found
}

func (m *match) takeGroups(p *pattern) bool {
	groups := p.find(m.heard.raw)
	for i, name := range p.re.SubexpNames() {
		if groups != nil && name != "" {
			m.capture(name, groups[i])
		}
	}
	return groups != nil
}

func (m *match) capture(name, text string) {
	if m.captures == nil {
		m.captures = map[string]string{}
	}
	m.captures[name] = text
}

func (m *match) explain(c *says) {
	var said []string
	for _, s := range m.spans {
		if quoted := strconv.Quote(s.phrase.source); !slices.Contains(said, quoted) {
			said = append(said, quoted)
		}
	}
	if len(said) == 0 {
		m.why = c.who() + "'s text fits the regular expression"
		return
	}
	m.why = c.who() + " said " + strings.Join(said, " and ")
}

func (c *says) who() string {
	if c.ours {
		return "the business"
	}
	return "the customer"
}

func (c *says) need() string {
	if p := c.positive(); len(p) > 0 {
		return fmt.Sprintf("%s to say %q", c.who(), p[0].source)
	}
	return c.who() + " to write what fits a regular expression"
}
