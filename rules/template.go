package rules

import "strings"

// template is a text with names in braces, such as "sku-{tap.id}".
type template struct {
	parts []templatePart
}

// templatePart is a literal, or else the name of a value.
type templatePart struct{ literal, name string }

// cartIDs is the one name that stands for several values.
const cartIDs = "cart.items.*.id"

// newTemplate splits a text at its braces; ok is false where a brace stays open.
func newTemplate(source string) (t template, ok bool) {
	rest := source
	for {
		literal, after, open := strings.Cut(rest, "{")
		if literal != "" {
			t.parts = append(t.parts, templatePart{literal: literal})
		}
		if !open {
			return t, true
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed {
			return t, false
		}
		t.parts = append(t.parts, templatePart{name: name})
		rest = tail
	}
}

func (t template) names() []string {
	var names []string
	for _, p := range t.parts {
		if p.name != "" {
			names = append(names, p.name)
		}
	}
	return names
}

// expand fills the template in: one text, or one for each item of the cart. A name that is empty in
// this message leaves nothing.
func (t template) expand(m *match) []string {
	texts := []string{""}
	for _, p := range t.parts {
		values := []string{p.literal}
		if p.name != "" {
			values = m.lookup(p.name)
		}
		var longer []string
		for _, text := range texts {
			for _, value := range values {
				longer = append(longer, text+value)
			}
		}
		texts = longer
	}
	return texts
}

// lookup returns the values behind a template's name; none where the message has none.
func (m *match) lookup(name string) []string {
	var value string
	switch name {
	case cartIDs:
		var ids []string
		for _, item := range m.facts.Cart.Items {
			if item.ID != "" {
				ids = append(ids, item.ID)
			}
		}
		return ids
	case "message.id":
		value = m.facts.Trigger
	case "message.text":
		value = m.heard.raw
	case "conversation.id":
		if len(m.facts.Conversations) > 0 {
			value = m.facts.Conversations[0]
		}
	case "tap.id":
		value = m.facts.Tap.ID
	case "tap.title":
		value = m.facts.Tap.Title
	case "ad.id":
		if m.facts.Click != nil {
			value = m.facts.Click.AdID
		}
	default:
		value = m.captures[name]
	}
	if value == "" {
		return nil
	}
	return []string{value}
}

// contentIDs fills in the rule's content ids.
func (m *match) contentIDs() []string {
	var ids []string
	for _, t := range m.rule.contentIDs {
		ids = append(ids, t.expand(m)...)
	}
	return ids
}
