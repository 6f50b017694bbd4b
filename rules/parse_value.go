package rules

import (
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// value reads where the amount comes from, and checks it against what the rule listens to.
func (r *reader) value(n *yaml.Node, rule *Rule) *value {
	v := &value{}
	o, ok := r.object(n, "value")
	if !ok {
		return v
	}
	v.origins = r.origins(o, rule.when)
	v.min, v.max, v.multiply = r.amountAt(o, "min"), r.amountAt(o, "max"), r.amountAt(o, "multiply")
	if v.min.Valid && v.max.Valid && v.min.Decimal.GreaterThan(v.max.Decimal) {
		r.errorf(o.values["min"], "", "min %s is more than max %s", v.min.Decimal, v.max.Decimal)
	}
	if v.multiply.Valid && v.multiply.Decimal.IsZero() {
		r.errorf(o.values["multiply"], "", `"multiply" cannot be 0`)
	}
	v.ifMissing = r.wordAt(o, "if_missing", "hold", ifMissings)
	if rule.Event == "Purchase" && v.ifMissing == "send_without" {
		r.errorf(o.values["if_missing"], "use hold or skip", "a Purchase cannot be sent without a value")
	}
	return v
}

// origins reads the one place that the amount comes from, or several in order.
func (r *reader) origins(o object, when condition) []origin {
	if len(o.keys) > 0 && o.keys["amount"] == nil && o.keys["from"] == nil && o.keys["first_of"] == nil {
		r.errorf(o.node, "write {from: message}, {from: cart} or {amount: 49.90}", `"value" does not say where the amount comes from`)
		return nil
	}
	key, ok := r.only(o, `"value"`, "amount", "from", "first_of")
	switch {
	case !ok:
		return nil
	case key == "first_of":
		return r.firstOf(o, when)
	}
	return []origin{r.origin(o, key, when)}
}

func (r *reader) firstOf(o object, when condition) []origin {
	for _, key := range []string{"pick", "parameter"} {
		if o.keys[key] != nil {
			r.errorf(o.keys[key], "", `%q belongs into an element of "first_of"`, key)
		}
	}
	n := o.values["first_of"]
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.errorf(n, "write each like "+format["origin"].like, `"first_of" must be a list`)
		return nil
	}
	currency := r.currencyAt(o)
	var found []origin
	for _, element := range n.Content {
		inner, ok := r.object(element, "origin")
		if !ok {
			continue
		}
		if key, ok := r.only(inner, `an element of "first_of"`, "amount", "from"); ok {
			one := r.origin(inner, key, when)
			one.currency = cmp.Or(one.currency, currency)
			found = append(found, one)
		}
	}
	return found
}

func (r *reader) currencyAt(o object) string {
	if o.values["currency"] == nil {
		return ""
	}
	return r.currency(o.values["currency"])
}

// origin reads amount or from, and what belongs to it.
func (r *reader) origin(o object, key string, when condition) origin {
	one := origin{currency: r.currencyAt(o), pick: r.wordAt(o, "pick", "", picks), parameter: r.textAt(o, "parameter")}
	n := o.values[key]
	if key == "amount" {
		one.from = key
		if d := r.amountAt(o, key); d.Valid {
			if one.amount = d.Decimal; d.Decimal.IsZero() {
				r.errorf(n, "leave value: out for an event without one", "the amount is 0")
			}
		}
	} else {
		r.from(n, &one, when)
	}
	if o.keys["parameter"] != nil && one.from != "template" {
		r.errorf(o.keys["parameter"], "", `"parameter" is of a template and needs "from: template"`)
	}
	if o.keys["parameter"] == nil && one.from == "template" {
		r.errorf(n, `add "parameter: 2"`, `"from: template" does not say which parameter holds the amount`)
	}
	if o.keys["pick"] != nil && slices.Contains([]string{"amount", "cart"}, one.from) {
		r.errorf(o.keys["pick"], "", `"pick" chooses among the amounts of a text and needs one, as in "from: message"`)
	}
	return one
}

func (r *reader) from(n *yaml.Node, one *origin, when condition) {
	if strings.HasPrefix(n.Value, "{") && n.Kind == yaml.ScalarNode {
		one.from, one.capture = "capture", r.template(n, when)
		return
	}
	var ok bool
	if one.from, ok = r.oneOf(n, `"from"`, origins, []string{"order"}); !ok || when == nil {
		return
	}
	needs := map[string]struct {
		heard bool
		by    string
	}{
		"message":  {listens[*says](when) || listens[*detects](when), "customer_says, we_say or meta_detects"},
		"cart":     {listens[*carts](when), "customer_orders"},
		"template": {listens[*templateSent](when), "we_send_template"},
	}
	if need, asked := needs[one.from]; asked && !need.heard {
		r.errorf(n, "", `"from: %s" needs a rule that listens to %s`, one.from, need.by)
	}
}

// listens reports whether one of a rule's triggers is of a kind.
func listens[C condition](when condition) bool {
	return slices.ContainsFunc(leaves(when), func(c condition) bool {
		_, ok := c.(C)
		return ok
	})
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
	if len(t.names()) > maxNames {
		r.errorf(n, "", "the template has %d names; %d is the limit", len(t.names()), maxNames)
		return t
	}
	for i, name := range t.names() {
		r.filled(n, name, t.names()[:i], when)
	}
	return t
}

// filled checks a name of a template, and those before it, against what the rule listens to.
func (r *reader) filled(n *yaml.Node, name string, before []string, when condition) {
	known := templateNames(when)
	lists := slices.IndexFunc(before, isList)
	switch {
	case notBuiltName(name):
		r.later(n, "{"+name+"}")
	case when != nil && !slices.Contains(known, name) && (!listensToFlow(when) || !isFlowField(name)):
		hint := didYouMean(name, known)
		if strings.Contains(name, ".") { // most likely a name of another trigger, which no spelling mends
			hint = "known here: " + strings.Join(known, ", ")
		}
		r.errorf(n, hint, "{%s} has no meaning in this rule", name)
	case !isList(name) || lists < 0:
	case name == before[lists]:
		r.errorf(n, "", "{%s} may stand only once in a template", name)
	default:
		r.errorf(n, "keep one of them", "{%s} and {%s} are two lists, and a template makes one", before[lists], name)
	}
}

// templateNames lists what a template may name, given what the rule listens to; a name that only some
// of several triggers have is empty where another one fits.
func templateNames(when condition) []string {
	names := []string{"message.id", "conversation.id", "ad.id"}
	for _, c := range leaves(when) {
		switch c := c.(type) {
		case *says:
			names = append(append(names, "message.text"), c.captures()...)
		case *taps:
			if c.kind != "flow" {
				names = append(names, "tap.id", "tap.title")
			}
			names = append(names, c.answers.captures()...)
		case *templateSent:
			names = append(names, c.parameters.captures()...)
		case *carts:
			names = append(names, cartIDs)
		}
	}
	slices.Sort(names[3:])
	return append(names[:3], slices.Compact(names[3:])...)
}

// captures are the names of holes and groups.
func (c *says) captures() []string {
	var names []string
	for _, p := range c.positive() {
		for _, part := range p.parts {
			if part.hole != "" {
				names = append(names, part.hole)
			}
		}
	}
	return append(names, c.regex.captures()...)
}

// captures are the names of groups; a nil pattern has none.
func (p *pattern) captures() []string {
	if p == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.re.SubexpNames()), func(name string) bool { return name == "" })
}

// captures are the names of groups in the tests' regular expressions.
func (ts tests) captures() []string {
	var names []string
	for _, t := range ts {
		names = append(names, t.regex.captures()...)
	}
	return names
}

func listensToFlow(when condition) bool {
	return slices.ContainsFunc(leaves(when), func(c condition) bool {
		t, ok := c.(*taps)
		return ok && t.kind == "flow"
	})
}

func isFlowField(name string) bool {
	field, ok := strings.CutPrefix(name, "flow.")
	return ok && strings.TrimSuffix(field, ".*") != ""
}

// isList reports whether a name stands for several values: each gives a text of its own.
func isList(name string) bool { return strings.Contains(name, "*") }

// notBuiltName reports whether the format has a name that this version does not fill in.
func notBuiltName(name string) bool {
	return strings.HasPrefix(name, "order.") || strings.HasPrefix(name, "metadata.")
}
