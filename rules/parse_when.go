package rules

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/shopspring/decimal"
	"go.yaml.in/yaml/v4"
)

// The shapes of what a rule may listen for.
var (
	whenShape = shape{
		what: `"when"`, like: `when: {customer_says: "quanto custa"}`,
		keys:  []string{"customer_says", "customer_taps", "customer_orders"},
		later: []string{"we_say", "we_send_template", "meta_detects", "order", "any"},
	}
	saysShape = shape{
		what: `"customer_says"`, like: `customer_says: ["quanto custa", "how much"]`,
		keys: []string{"any", "all", "none", "exactly", "starts_with", "regex", "in"},
	}
	tapsShape = shape{
		what: `"customer_taps"`, like: `customer_taps: {button: {id: "buy_*"}}`,
		keys:  []string{"button", "list"},
		later: []string{"flow"},
	}
	tappedShape = shape{
		what: "a tapped button or list", like: `{id: "buy_*"} or {title: "Comprar"}`,
		keys: []string{"id", "title"},
	}
	ordersShape = shape{
		what: `"customer_orders"`, like: "customer_orders: {at_least: {items: 1}}",
		keys: []string{"at_least", "contains"},
	}
	atLeastShape = shape{
		what: `"at_least"`, like: "at_least: {items: 1}",
		keys: []string{"items", "amount"},
	}
)

// when reads a rule's trigger, nil if there is none that can be used.
func (r *reader) when(n *yaml.Node) condition {
	o, ok := r.object(n, whenShape)
	if !ok {
		return nil
	}
	key, ok := r.only(o, `"when"`, whenShape.keys...)
	if !ok {
		return nil
	}
	switch value := o.values[key]; key {
	case "customer_says":
		return r.says(value)
	case "customer_taps":
		return r.taps(value)
	default:
		return r.orders(value)
	}
}

func (r *reader) says(n *yaml.Node) condition {
	c := &says{in: "both"}
	if n.Kind != yaml.MappingNode {
		c.any = r.phrases(n, `"customer_says"`)
		return c
	}
	o, ok := r.object(n, saysShape)
	if !ok {
		return c
	}
	targets := map[string]*[]*phrase{
		"any": &c.any, "all": &c.all, "none": &c.none, "exactly": &c.exactly, "starts_with": &c.starts,
	}
	for _, key := range saysShape.keys {
		value := o.values[key]
		switch {
		case value == nil:
		case key == "regex":
			c.regex = r.regex(value)
		case key == "in":
			c.in, _ = r.oneOf(value, `"in"`, []string{"text", "caption", "both"}, nil)
		default:
			*targets[key] = r.phrases(value, `"`+key+`"`)
		}
	}
	listens := slices.ContainsFunc([]string{"any", "all", "exactly", "starts_with", "regex"}, func(key string) bool { return o.keys[key] != nil })
	if !listens {
		r.errorf(n, "add any: with what to listen for", `"customer_says" says nothing to listen for`)
	}
	return c
}

func (r *reader) phrases(n *yaml.Node, what string) []*phrase {
	var phrases []*phrase
	for _, element := range r.list(n, what) {
		text, ok := r.text(element, what)
		switch {
		case !ok:
		case strings.HasPrefix(text, "@"):
			r.later(element, "words: "+text)
		default:
			p, err := newPhrase(text)
			if err != nil {
				r.errorf(element, "", "%v", err)
				continue
			}
			phrases = append(phrases, p)
		}
	}
	return phrases
}

// regex reads a regular expression in RE2 syntax, whose cost grows with the text alone.
func (r *reader) regex(n *yaml.Node) *regexp.Regexp {
	text, ok := r.text(n, `"regex"`)
	if !ok {
		return nil
	}
	if size := utf8.RuneCountInString(text); size > maxRegex {
		r.errorf(n, "", "the regular expression has %d characters; %d is the limit", size, maxRegex)
		return nil
	}
	re, err := regexp.Compile(text)
	if err != nil {
		r.errorf(n, "the syntax is RE2, which has no look-around and no back-references", "%s",
			strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return nil
	}
	return re
}

func (r *reader) taps(n *yaml.Node) condition {
	c := &taps{}
	o, ok := r.object(n, tapsShape)
	if !ok {
		return c
	}
	if c.kind, ok = r.only(o, `"customer_taps"`, tapsShape.keys...); !ok {
		return c
	}
	tapped, ok := r.object(o.values[c.kind], tappedShape)
	if !ok {
		return c
	}
	if len(tapped.node.Content) == 0 {
		r.errorf(tapped.node, "", "%q needs an id or a title", c.kind)
	}
	if id := tapped.values["id"]; id != nil {
		c.ids = r.texts(id, `"id"`)
	}
	if title := tapped.values["title"]; title != nil {
		c.titles = r.texts(title, `"title"`)
	}
	return c
}

func (r *reader) orders(n *yaml.Node) condition {
	c := &carts{}
	o, ok := r.object(n, ordersShape)
	if !ok {
		return c
	}
	if len(o.node.Content) == 0 {
		r.errorf(n, "for any cart write {at_least: {items: 1}}", `"customer_orders" says nothing to listen for`)
	}
	if contains := o.values["contains"]; contains != nil {
		c.contains = r.texts(contains, `"contains"`)
	}
	if o.values["at_least"] == nil {
		return c
	}
	least, ok := r.object(o.values["at_least"], atLeastShape)
	if !ok {
		return c
	}
	if len(least.node.Content) == 0 {
		r.errorf(least.node, "", `"at_least" needs items or amount`)
	}
	if items := least.values["items"]; items != nil {
		if d, ok := r.amount(items, `"items"`); ok && (!d.IsInteger() || !d.IsPositive()) {
			r.errorf(items, "", `"items" must be a whole number of at least 1`)
		} else {
			c.items = d.IntPart()
		}
	}
	if amount := least.values["amount"]; amount != nil {
		if d, ok := r.amount(amount, `"amount"`); ok {
			c.amount = decimal.NewNullDecimal(d)
		}
	}
	return c
}
