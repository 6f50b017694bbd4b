package rules

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// This file reads the triggers that are no text.

func (r *reader) taps(n *yaml.Node) condition {
	c := &taps{}
	o, ok := r.object(n, "taps")
	if !ok {
		return c
	}
	if c.kind, ok = r.only(o, `"customer_taps"`, format["taps"].names()...); !ok {
		return c
	}
	if c.kind == "flow" {
		r.flow(o.values[c.kind], c)
		return c
	}
	tapped, ok := r.object(o.values[c.kind], "tapped")
	if !ok {
		return c
	}
	if len(tapped.node.Content) == 0 {
		r.errorf(tapped.node, "", "%q needs an id or a title", c.kind)
	}
	c.ids, c.titles = r.textsAt(tapped, "id"), r.textsAt(tapped, "title")
	return c
}

func (r *reader) flow(n *yaml.Node, c *taps) {
	o, ok := r.object(n, "flow")
	if !ok {
		return
	}
	if len(o.node.Content) == 0 {
		r.errorf(n, `for any flow write {name: "*"}`, `"flow" needs a name or answers`)
	}
	c.names = r.textsAt(o, "name")
	c.answers = r.tests(o.values["answers"])
}

func (r *reader) templateSent(n *yaml.Node) condition {
	c := &templateSent{}
	o, ok := r.object(n, "template")
	if !ok {
		return c
	}
	if len(o.node.Content) == 0 {
		r.errorf(n, `for any template write {name: "*"}`, `"we_send_template" says nothing to listen for`)
	}
	c.names, c.languages = r.textsAt(o, "name"), r.textsAt(o, "language")
	c.status = slices.Index(statuses, r.wordAt(o, "status", "sent", statuses))
	c.parameters = r.tests(o.values["parameters"])
	return c
}

func (r *reader) orders(n *yaml.Node) condition {
	c := &carts{}
	o, ok := r.object(n, "orders")
	if !ok {
		return c
	}
	if len(o.node.Content) == 0 {
		r.errorf(n, "for any cart write {at_least: {items: 1}}", `"customer_orders" says nothing to listen for`)
	}
	c.contains = r.textsAt(o, "contains")
	if o.values["at_least"] == nil {
		return c
	}
	least, ok := r.object(o.values["at_least"], "at_least")
	if !ok {
		return c
	}
	if len(least.node.Content) == 0 {
		r.errorf(least.node, "", `"at_least" needs items or amount`)
	}
	if items := r.amountAt(least, "items"); items.Valid && (!items.Decimal.IsInteger() || !items.Decimal.IsPositive()) {
		r.errorf(least.values["items"], "", `"items" must be a whole number of at least 1`)
	} else {
		c.items = items.Decimal.IntPart()
	}
	c.amount = r.amountAt(least, "amount")
	return c
}

// tests reads tests by the name of what they are about; none where the key is missing.
func (r *reader) tests(n *yaml.Node) tests {
	if n == nil {
		return nil
	}
	o, ok := r.object(n, "tests")
	if !ok {
		return nil
	}
	if len(o.order) == 0 {
		r.errorf(n, "write it like "+format["tests"].like, "nothing is tested here")
	}
	found := tests{}
	for _, name := range o.order {
		found[name] = r.test(o.values[name], `"`+name+`"`)
	}
	return found
}

// test reads a test: a text is what must be equal, a list what must be one of.
func (r *reader) test(n *yaml.Node, what string) *test {
	t := &test{}
	if n.Kind != yaml.MappingNode {
		t.equals = foldAll(r.texts(n, what))
		return t
	}
	o, ok := r.object(n, "test")
	if !ok {
		return t
	}
	if len(n.Content) == 0 {
		r.errorf(n, "write it like "+format["test"].like, "%s tests nothing", what)
	}
	if o.keys["equals"] != nil && o.keys["one_of"] != nil {
		r.errorf(o.keys["one_of"], "keep one of them", `"equals" and "one_of" say the same in two ways`)
	}
	t.equals = append(foldAll(r.textsAt(o, "equals")), foldAll(r.textsAt(o, "one_of"))...)
	t.not = foldAll(r.textsAt(o, "not"))
	t.contains, t.starts = foldAll(r.textsAt(o, "contains")), foldAll(r.textsAt(o, "starts_with"))
	t.least, t.most = r.amountAt(o, "at_least"), r.amountAt(o, "at_most")
	t.present = r.wordAt(o, "present", "", []string{"true", "false"})
	if n := o.values["regex"]; n != nil {
		t.regex = r.regex(n)
	}
	if t.present == "false" && t.positive() {
		r.errorf(o.keys["present"], "remove one of them", "nothing can be absent and pass another test")
	}
	return t
}

func foldAll(texts []string) []string {
	var all []string
	for _, text := range texts {
		all = append(all, folded(strings.TrimSpace(text)))
	}
	return all
}
