package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/clickthread/clickthread/reason"
)

// condition is a trigger: what a rule listens for. A nil match means that it does not fit.
type condition interface {
	match(*message) *match
	need() string // what it listens for, in a few words: "the customer to tap a button"
}

// message is what happened as conditions see it: the facts, and their texts prepared once.
type message struct {
	facts         *Facts
	text, caption *heard // nil where there is none
	cart          total
	effort        effort
	notes         notes
	run           run
}

func newMessage(f *Facts, ix *index) *message {
	msg, lexicon := &message{facts: f, effort: effort{maxEffort}}, &ix.customer
	if f.Ours {
		lexicon = &ix.ours
	}
	room := maxText
	if f.Text != "" {
		msg.text = hear(f.Text, room, lexicon)
		room -= min(room, len(f.Text))
	}
	if f.Caption != "" && room > 0 {
		msg.caption = hear(f.Caption, room, lexicon)
	}
	if f.Cart != nil {
		msg.cart = f.Cart.total()
	}
	return msg
}

func (m *message) texts() []*heard {
	return slices.DeleteFunc([]*heard{m.text, m.caption}, func(h *heard) bool { return h == nil })
}

// match is a rule's trigger that fits, with what its value and templates draw from.
type match struct {
	rule     *bound
	msg      *message
	facts    *Facts
	why      string
	heard    *heard    // the text that fit, nil for what is no text
	said     []mention // its positive phrases
	fit      fit       // its regular expression
	tests    tests     // of answers or parameters
	texts    func(name string) []string
	captures map[string]string // what filled holes
	groups   map[string]string // and named groups, nil while nobody asked
	unclear  string            // what is wrong with the amount, in words and without the customer's own
}

// anyOf is a list of triggers. The first that fits is the one that value and templates draw from.
type anyOf []condition

func (c anyOf) match(msg *message) *match {
	for _, one := range c {
		if m := one.match(msg); m != nil {
			return m
		}
	}
	return nil
}

func (c anyOf) need() string {
	var needs []string
	for _, one := range c {
		needs = append(needs, one.need())
	}
	return strings.Join(needs, ", or ")
}

// leaves are the triggers that a condition is made of: itself, unless it is a list of them.
func leaves(c condition) []condition {
	switch c := c.(type) {
	case nil:
		return nil
	case anyOf:
		return c
	}
	return []condition{c}
}

// taps is customer_taps: a reply button or a template's quick reply, a row of a list, or a flow.
type taps struct {
	kind        string // "button", "list" or "flow"
	ids, titles globs  // of buttons and lists; empty: anything
	names       globs  // of flows
	answers     tests
}

func (c *taps) match(msg *message) *match {
	tap := msg.facts.Tap
	switch {
	case tap == nil || tap.Kind != c.kind:
		return nil
	case tap.Kind == "flow":
		if !slices.ContainsFunc(tap.flowNames(), c.names.allow) || !c.answers.hold(tap.answer, msg) {
			return nil
		}
		return &match{why: "the customer finished the flow", tests: c.answers, texts: tap.answer}
	case !c.ids.allow(tap.ID) || !c.titles.allow(tap.Title):
		return nil
	}
	return &match{why: fmt.Sprintf("the customer tapped the %s %q", tap.Kind, tap.ID)}
}

func (c *taps) need() string {
	if c.kind == "flow" {
		return "the customer to finish a flow"
	}
	return "the customer to tap a " + c.kind
}

// flowNames are what a flow may be told by. Its own name does not travel with the answers; the
// flow_token does, which whoever sends the flow chooses (Meta, Flows: response messages).
func (t *Tap) flowNames() []string {
	return append(t.answer("flow_token"), t.Name)
}

// answer returns the texts of one field, none where it has none.
func (t *Tap) answer(field string) []string {
	switch answer := t.Answers[field].(type) {
	case nil:
		return nil
	case string:
		return []string{answer}
	case []any:
		var texts []string
		for _, element := range answer[:min(len(answer), maxAnswers)] {
			texts = append(texts, fmt.Sprint(element))
		}
		return texts
	default:
		return []string{fmt.Sprint(answer)}
	}
}

// carts is customer_orders: a cart from WhatsApp's catalog.
type carts struct {
	items    int64               // total quantity at least
	amount   decimal.NullDecimal // total at least
	contains globs               // one of these retailer ids is in it
}

func (c *carts) match(msg *message) *match {
	cart := msg.facts.Cart
	if cart == nil || msg.cart.quantity.LessThan(decimal.NewFromInt(c.items)) {
		return nil
	}
	if c.amount.Valid {
		// A total that cannot be read is not known to reach any amount.
		total := msg.cart.sum
		if total.held != reason.None || total.amount.LessThan(c.amount.Decimal) {
			return nil
		}
	}
	inCart := func(item CartItem) bool { return c.contains.allow(item.ID) }
	if len(c.contains) > 0 && (!msg.effort.spend(6*len(c.contains)*len(cart.Items)) || !slices.ContainsFunc(cart.Items, inCart)) {
		return nil
	}
	return &match{why: msg.cart.why}
}

func (c *carts) need() string { return "a cart from the catalog" }

// templateSent is we_send_template.
type templateSent struct {
	names, languages globs
	status           int // index in statuses
	parameters       tests
}

func (c *templateSent) match(msg *message) *match {
	t := msg.facts.Template
	// A message that was read was delivered, although the status of the delivery may never come.
	if t == nil || slices.Index(statuses, t.Status) < c.status || !c.names.allow(t.Name) || !c.languages.allow(t.Language) {
		return nil
	}
	if !c.parameters.hold(t.parameter, msg) {
		return nil
	}
	return &match{why: fmt.Sprintf("the template %q was %s", t.Name, statuses[c.status]), tests: c.parameters, texts: t.parameter}
}

func (c *templateSent) need() string { return "a template to be " + statuses[c.status] }

func (t *Template) parameter(name string) []string {
	if text, ok := t.Parameters[name]; ok {
		return []string{text}
	}
	return nil
}

// detects is meta_detects.
type detects struct{ event string }

func (c *detects) match(msg *message) *match {
	if d := msg.facts.Detected; d == nil || d.Event != c.event {
		return nil
	}
	return &match{why: "Meta detected a " + c.event}
}

func (c *detects) need() string { return "Meta to detect a " + c.event }
