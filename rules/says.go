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
		if m := c.hear(msg.text, msg); m != nil {
			return m
		}
	}
	if c.in != "text" && msg.caption != nil {
		return c.hear(msg.caption, msg)
	}
	return nil
}

func (c *says) hear(h *heard, msg *message) *match {
	if !msg.effort.spend(6 * (len(c.any) + len(c.all) + len(c.none) + len(c.exactly) + len(c.starts))) {
		return nil
	}
	for _, p := range c.none {
		if len(h.hits[p.key]) > 0 {
			return nil
		}
	}
	m := match{heard: h}
	ok := m.takeOne(c.any, anywhere) && m.takeOne(c.exactly, alone) && m.takeOne(c.starts, first)
	for i := range c.all {
		ok = ok && m.takeOne(c.all[i:i+1], anywhere)
	}
	if ok && c.regex != nil {
		m.fit = c.regex.on(h.raw, &msg.effort, &msg.run)
		ok = m.fit.ok
	}
	if !ok {
		return nil
	}
	msg.effort.spend(16 * len(m.said))
	m.explain(c)
	return &m
}

// mention is a phrase as a rule writes it, and where a text holds it.
type mention struct {
	phrase *phrase
	spans  []span
}

// place is where a phrase must stand: anywhere in a text, at its beginning, or as the whole of it.
type place int

const (
	anywhere place = iota
	first
	alone
)

// takeOne keeps every accepted place of the phrases; no phrases ask for nothing.
func (m *match) takeOne(phrases []*phrase, where place) bool {
	found := len(phrases) == 0
	for _, p := range phrases {
		spans := m.heard.hits[p.key]
		if len(spans) > 0 && where != anywhere { // they are in order, and two never begin at one word
			if spans[0].from != 0 || where == alone && spans[0].to != len(m.heard.tokens) {
				continue
			}
			spans = spans[:1]
		}
		if len(spans) == 0 {
			continue
		}
		if found = true; m.said == nil {
			m.said = make([]mention, 0, len(phrases))
		}
		m.said = append(m.said, mention{p, spans})
		for hole, text := range spans[0].captures {
			if m.captures[hole] == "" {
				m.capture(hole, text)
			}
		}
	}
	return found
}

// capture keeps what filled a hole.
func (m *match) capture(name, text string) {
	if m.captures == nil {
		m.captures = map[string]string{}
	}
	m.captures[name] = text
}

// maxTold is how many phrases of one rule an explanation names.
const maxTold = 5

func (m *match) explain(c *says) {
	var told []string
	for _, s := range m.said {
		if len(told) == maxTold {
			break
		}
		if quoted := strconv.Quote(s.phrase.source); !slices.Contains(told, quoted) {
			told = append(told, quoted)
		}
	}
	if len(told) == 0 {
		m.why = c.who() + "'s text fits the regular expression"
		return
	}
	m.why = c.who() + " said " + strings.Join(told, " and ")
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
