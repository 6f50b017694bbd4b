package rules

import "strings"

// template is a text with names in braces, such as "sku-{tap.id}".
type template struct {
	parts []templatePart
}

// templatePart is a literal, or else the name of a value.
type templatePart struct{ literal, name string }

// maxFill is how many bytes of a message one name takes: more than any id or amount has.
const maxFill = 1024

// maxContentIDs is how many templates one rule may make products of.
const maxContentIDs = 100

// maxNames is how many names one template may have.
const maxNames = 20

// cartIDs is a name that stands for several values.
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

// expand fills the template in: one text, or one for each value of a name that has several. A name
// that is empty in this message leaves nothing.
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

// whole fills a template in as one text, several values joined by commas. It is empty where a name has
// no value: half an id would be another's.
func (m *match) whole(t template) string {
	if len(t.parts) == 1 && t.parts[0].name != "" { // spares the copy
		return strings.Join(m.lookup(t.parts[0].name), ",")
	}
	var b strings.Builder
	for _, p := range t.parts {
		if p.name == "" {
			b.WriteString(p.literal)
			continue
		}
		values := m.lookup(p.name)
		if len(values) == 0 {
			return ""
		}
		b.WriteString(strings.Join(values, ","))
	}
	return b.String()
}

// lookup returns the values behind a template's name; none where the message has none.
func (m *match) lookup(name string) []string {
	f := m.facts
	var value string
	switch field, isFlow := strings.CutPrefix(name, "flow."); {
	case isFlow:
		return m.answers(field)
	case name == cartIDs:
		return m.msg.cart.ids
	case name == "message.id":
		value = f.Trigger
	case name == "message.text" && m.heard != nil:
		value = m.heard.raw
	case name == "conversation.id" && len(f.Conversations) > 0:
		value = f.Conversations[0]
	case name == "tap.id" && f.Tap != nil:
		value = f.Tap.ID
	case name == "tap.title" && f.Tap != nil:
		value = f.Tap.Title
	case name == "ad.id" && f.Click != nil:
		value = f.Click.AdID
	default:
		value = m.named(name)
	}
	if value == "" {
		return nil
	}
	return []string{cut(value, maxFill)}
}

// answers returns a flow's answer: one text, or with ".*" each of a list.
func (m *match) answers(field string) []string {
	if m.facts.Tap == nil {
		return nil
	}
	field, each := strings.CutSuffix(field, ".*")
	answers := m.facts.Tap.answer(field)
	if each || len(answers) == 0 {
		return answers
	}
	return []string{cut(strings.Join(answers, ","), maxFill)}
}

// ids are the product ids of a cart; a nil cart has none.
func (c *Cart) ids() []string {
	var ids []string
	for i := 0; c != nil && i < len(c.Items); i++ {
		if c.Items[i].ID != "" {
			ids = append(ids, c.Items[i].ID)
		}
	}
	return ids
}

// contentIDs fills in the rule's content ids.
func (m *match) contentIDs() []string {
	if m.msg.effort.over() {
		return nil
	}
	var ids []string
	for _, t := range m.rule.contentIDs {
		more := t.expand(m)
		size := 20 * len(more)
		for _, id := range more {
			size += len(id) / 4
		}
		if !m.msg.effort.spend(size) {
			return nil // some would be worse than none
		}
		ids = append(ids, more...)
	}
	return ids
}

func (m *match) user() User {
	return User{Email: strings.TrimSpace(m.whole(m.rule.email)), ExternalID: m.whole(m.rule.external)}
}
