package rules

import (
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// scenario is one test of a rule file: a chat, and what it must come to.
type scenario struct {
	name    string
	line    int
	account string
	at      time.Time // zero: a Wednesday, 12:00
	steps   []step
	expect  expectation
}

// step is one line of a chat. Exactly one of the fields after kind is set, by kind.
type step struct {
	kind   string // "ad_click", "customer", "tap", "cart", "wait", "expect"
	click  Click
	text   string
	tap    *Tap
	cart   *Cart
	wait   time.Duration
	expect expectation
}

// The shapes of tests.
var (
	scenarioShape = shape{
		what: "a test", like: `- name: a lead, chat: [...], expect: [...]`,
		keys: []string{"name", "account", "at", "chat", "expect", "because"},
	}
	stepShape = shape{
		what: "a step of a chat", like: `- customer: "quanto custa?"`,
		keys:  []string{"ad_click", "customer", "tap", "cart", "wait", "expect"},
		later: []string{"we", "order", "webhook", "status"},
	}
	clickShape = shape{
		what: `"ad_click"`, like: "ad_click: true",
		keys: []string{"source_id", "source_type", "clid", "headline", "url"},
	}
	tapShape = shape{
		what: `"tap"`, like: "tap: {button: buy_123}",
		keys:  []string{"button", "list", "title"},
		later: []string{"flow", "answers"},
	}
	cartShape = shape{
		what: `"cart"`, like: "cart: {currency: BRL, items: [{id: SKU1, qty: 2, price: 150.00}]}",
		keys: []string{"currency", "items"},
	}
	itemShape = shape{
		what: "an item of a cart", like: "{id: SKU1, qty: 2, price: 150.00}",
		keys: []string{"id", "qty", "price", "currency"},
	}
)

func (r *reader) scenarios(n *yaml.Node, f *File) {
	if n.Kind != yaml.SequenceNode {
		r.errorf(n, "begin each with - name:", `"tests" must be a list of tests`)
		return
	}
	for _, element := range n.Content {
		if s := r.scenario(element, f); s != nil {
			f.tests = append(f.tests, s)
		}
	}
}

func (r *reader) scenario(n *yaml.Node, f *File) *scenario {
	o, ok := r.object(n, scenarioShape)
	if !ok {
		return nil
	}
	s := &scenario{name: "test on line " + strconv.Itoa(n.Line), line: n.Line}
	if n := o.values["name"]; n != nil {
		s.name, _ = r.text(n, `"name"`)
	}
	if n := o.values["account"]; n != nil {
		s.account, _ = r.text(n, `"account"`)
	}
	if n := o.values["at"]; n != nil {
		if text, ok := r.text(n, `"at"`); ok {
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				r.errorf(n, `write it like "2026-05-04T10:00:00+02:00"`, "%q is not a time with its offset", text)
			}
			s.at = at
		}
	}
	if chat := o.values["chat"]; chat == nil || chat.Kind != yaml.SequenceNode {
		r.errorf(n, `write it like chat: [{ad_click: true}, {customer: "oi"}]`, "the test has no chat that is a list of steps")
	} else {
		for _, element := range chat.Content {
			s.steps = append(s.steps, r.step(element, f))
		}
	}
	if expect := o.values["expect"]; expect == nil {
		r.errorf(n, "add expect: with events, nothing or held", "the test expects nothing in particular")
	} else {
		s.expect = r.expectation(expect, f)
	}
	if because := o.values["because"]; because != nil {
		s.expect.because = r.reason(because)
	}
	return s
}

func (r *reader) step(n *yaml.Node, f *File) step {
	var s step
	o, ok := r.object(n, stepShape)
	if !ok {
		return s
	}
	if s.kind, ok = r.only(o, "a step", stepShape.keys...); !ok {
		return s
	}
	switch n := o.values[s.kind]; s.kind {
	case "ad_click":
		s.click = r.click(n)
	case "customer":
		s.text, _ = r.text(n, `"customer"`)
	case "tap":
		s.tap = r.tap(n)
	case "cart":
		s.cart = r.cart(n)
	case "wait":
		s.wait = r.wait(n)
	case "expect":
		s.expect = r.expectation(n, f)
	}
	return s
}

func (r *reader) click(n *yaml.Node) Click {
	c := Click{SourceType: "ad"}
	if n.Kind == yaml.ScalarNode {
		if n.Value != "true" {
			r.errorf(n, "write ad_click: true, or leave the step out", `"ad_click" cannot be %q`, n.Value)
		}
		return c
	}
	o, ok := r.object(n, clickShape)
	if !ok {
		return c
	}
	for key, target := range map[string]*string{
		"source_id": &c.AdID, "source_type": &c.SourceType, "headline": &c.Headline, "url": &c.URL,
	} {
		if n := o.values[key]; n != nil {
			*target, _ = r.text(n, `"`+key+`"`)
		}
	}
	if n := o.values["clid"]; n != nil {
		clid, _ := r.oneOf(n, `"clid"`, []string{"true", "false"}, nil)
		c.NoClid = clid == "false"
	}
	return c
}

func (r *reader) tap(n *yaml.Node) *Tap {
	t := &Tap{}
	o, ok := r.object(n, tapShape)
	if !ok {
		return t
	}
	if t.Kind, ok = r.only(o, `"tap"`, "button", "list"); !ok {
		return t
	}
	t.ID, _ = r.text(o.values[t.Kind], "the id of what is tapped")
	if n := o.values["title"]; n != nil {
		t.Title, _ = r.text(n, `"title"`)
	}
	return t
}

func (r *reader) cart(n *yaml.Node) *Cart {
	c := &Cart{}
	o, ok := r.object(n, cartShape)
	if !ok {
		return c
	}
	currency := ""
	if n := o.values["currency"]; n != nil {
		currency = r.currency(n)
	}
	items := o.values["items"]
	if items == nil || items.Kind != yaml.SequenceNode {
		r.errorf(n, "write it like "+cartShape.like, `"cart" has no list of items`)
		return c
	}
	for _, element := range items.Content {
		c.Items = append(c.Items, r.item(element, currency))
	}
	return c
}

func (r *reader) item(n *yaml.Node, currency string) CartItem {
	item := CartItem{Quantity: 1, Currency: currency}
	o, ok := r.object(n, itemShape)
	if !ok {
		return item
	}
	if n := o.values["id"]; n != nil {
		item.ID, _ = r.text(n, `"id"`)
	}
	if n := o.values["price"]; n != nil {
		item.Price, _ = r.text(n, `"price"`)
	}
	if n := o.values["currency"]; n != nil {
		item.Currency = r.currency(n)
	}
	if n := o.values["qty"]; n != nil {
		text, _ := r.text(n, `"qty"`)
		qty, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			r.errorf(n, "", `"qty" must be a whole number, not %q`, text)
		}
		item.Quantity = int(qty)
	}
	return item
}

// wait reads durations such as 47h, 90m or 6d, up to 400 days.
func (r *reader) wait(n *yaml.Node) time.Duration {
	text, ok := r.text(n, `"wait"`)
	if !ok {
		return 0
	}
	short, inDays := strings.CutSuffix(text, "d")
	if inDays {
		short += "h"
	}
	d, err := time.ParseDuration(short)
	if err != nil || d <= 0 || d > 9600*time.Hour || inDays && d > 400*time.Hour {
		r.errorf(n, "write it like 90m, 47h or 6d, at most 400d", "%q is not a time to wait", text)
		return 0
	}
	if inDays {
		d *= 24
	}
	return d
}
