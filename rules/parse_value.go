package rules

import (
	"slices"
	"strings"

	"github.com/shopspring/decimal"
	"go.yaml.in/yaml/v4"
)

// valueShape is what a rule may say about its amount.
var valueShape = shape{
	what: `"value"`, like: "value: {from: message} or value: {amount: 49.90}",
	keys:  []string{"amount", "from", "currency", "pick", "min", "max", "multiply", "if_missing"},
	later: []string{"first_of", "parameter"},
}

// value reads where the amount comes from, and checks it against what the rule listens to.
func (r *reader) value(n *yaml.Node, rule *Rule) *value {
	v := &value{ifMissing: "hold"}
	o, ok := r.object(n, valueShape)
	if !ok {
		return v
	}
	r.origin(o, v, rule.when)
	if n := o.values["currency"]; n != nil {
		v.currency = r.currency(n)
	}
	if n := o.values["pick"]; n != nil {
		v.pick, _ = r.oneOf(n, `"pick"`, []string{"last", "first", "largest"}, nil)
		if v.from != "" && v.from != "message" {
			r.errorf(o.keys["pick"], "", `"pick" chooses among the amounts of a message and needs "from: message"`)
		}
	}
	for key, target := range map[string]*decimal.NullDecimal{"min": &v.min, "max": &v.max, "multiply": &v.multiply} {
		if n := o.values[key]; n != nil {
			if d, ok := r.amount(n, `"`+key+`"`); ok {
				*target = decimal.NewNullDecimal(d)
			}
		}
	}
	if v.min.Valid && v.max.Valid && v.min.Decimal.GreaterThan(v.max.Decimal) {
		r.errorf(o.values["min"], "", "min %s is more than max %s", v.min.Decimal, v.max.Decimal)
	}
	if v.multiply.Valid && v.multiply.Decimal.IsZero() {
		r.errorf(o.values["multiply"], "", `"multiply" cannot be 0`)
	}
	if n := o.values["if_missing"]; n != nil {
		if word, ok := r.oneOf(n, `"if_missing"`, []string{"hold", "skip", "send_without"}, nil); ok {
			v.ifMissing = word
		}
		if rule.Event == "Purchase" && v.ifMissing == "send_without" {
			r.errorf(n, "use hold or skip", "a Purchase cannot be sent without a value")
		}
	}
	return v
}

// origin reads amount or from.
func (r *reader) origin(o object, v *value, when condition) {
	key, ok := r.only(o, `"value"`, "amount", "from")
	if !ok {
		if o.keys["amount"] == nil && o.keys["from"] == nil && len(o.keys) > 0 {
			r.errorf(o.node, "write {from: message}, {from: cart} or {amount: 49.90}", `"value" does not say where the amount comes from`)
		}
		return
	}
	n := o.values[key]
	if key == "amount" {
		v.from = key
		if v.amount, ok = r.amount(n, `"amount"`); ok && v.amount.IsZero() {
			r.errorf(n, "leave value: out for an event without one", "the amount is 0")
		}
		return
	}
	if strings.HasPrefix(n.Value, "{") {
		r.later(n, "from: "+n.Value)
		return
	}
	if v.from, ok = r.oneOf(n, `"from"`, []string{"message", "cart"}, []string{"order", "template", "last_amount_we_quoted"}); !ok {
		return
	}
	_, hears := when.(*says)
	_, orders := when.(*carts)
	if when != nil && v.from == "message" && !hears {
		r.errorf(n, "", `"from: message" needs a rule that listens to customer_says`)
	}
	if when != nil && v.from == "cart" && !orders {
		r.errorf(n, "", `"from: cart" needs a rule that listens to customer_orders`)
	}
}

// template reads a text with names in braces. The names must mean something for the rule's trigger.
func (r *reader) template(n *yaml.Node, when condition) template {
	text, ok := r.text(n, "a template")
	if !ok {
		return template{}
	}
	t, closed := newTemplate(text)
	if !closed {
		r.errorf(n, "", "%q opens a name with { and never closes it", text)
	}
	known := templateNames(when)
	for i, name := range t.names() {
		switch {
		case when == nil || slices.Contains(known, name):
			if name == cartIDs && slices.Contains(t.names()[:i], name) {
				r.errorf(n, "", "{%s} may stand only once in a template", cartIDs)
			}
		case notBuiltName(name):
			r.later(n, "{"+name+"}")
		default:
			hint := didYouMean(name, known)
			if strings.Contains(name, ".") { // most likely a name of another trigger, which no spelling mends
				hint = "known here: " + strings.Join(known, ", ")
			}
			r.errorf(n, hint, "{%s} has no meaning in this rule", name)
		}
	}
	return t
}

// templateNames lists what a template may name, given what the rule listens to.
func templateNames(when condition) []string {
	names := []string{"message.id", "conversation.id", "ad.id"}
	switch c := when.(type) {
	case *says:
		names = append(names, "message.text")
		for _, p := range c.positive() {
			for _, part := range p.parts {
				if part.hole != "" && !slices.Contains(names, part.hole) {
					names = append(names, part.hole)
				}
			}
		}
		if c.regex != nil {
			for _, name := range c.regex.SubexpNames() {
				if name != "" {
					names = append(names, name)
				}
			}
		}
	case *taps:
		names = append(names, "tap.id", "tap.title")
	case *carts:
		names = append(names, cartIDs)
	}
	return names
}

// notBuiltName reports whether the format has a name that this version does not fill in.
func notBuiltName(name string) bool {
	return slices.ContainsFunc([]string{"flow.", "order.", "metadata."}, func(prefix string) bool {
		return strings.HasPrefix(name, prefix)
	})
}
