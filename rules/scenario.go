package rules

import (
	"cmp"
	"slices"
	"strconv"
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

// stepKinds are the keys of which a step has exactly one.
var stepKinds = []string{"ad_click", "customer", "we", "tap", "cart", "status", "wait", "expect"}

// step is one line of a chat. What it is about is in one of the fields after repeat, by kind.
type step struct {
	kind     string // one of stepKinds
	repeat   int    // how often, at least 1
	click    Click
	text     string // of customer and we
	template *Template
	tap      *Tap
	cart     *Cart
	status   string
	wait     time.Duration
	expect   expectation
}

func (r *reader) scenarios(n *yaml.Node, f *File) {
	if n.Kind != yaml.SequenceNode {
		r.errorf(n, "begin each with - name:", `"tests" must be a list of tests`)
		return
	}
	played := 0
	for _, element := range n.Content {
		s := r.scenario(element, f)
		if s == nil {
			continue
		}
		f.tests = append(f.tests, s)
		for _, step := range s.steps {
			played += step.repeat
		}
	}
	if played > maxPlayed {
		r.errorf(n, "", "the tests have %d steps in all, counting each as often as it is repeated; %d is the limit", played, maxPlayed)
	}
}

func (r *reader) scenario(n *yaml.Node, f *File) *scenario {
	o, ok := r.object(n, "scenario")
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
			step := r.step(element, f)
			if step.kind == "status" && !slices.ContainsFunc(s.steps, sendsTemplate) {
				r.errorf(element, "send one with we: {template: ...} before", "no template was sent that could have a status")
			}
			s.steps = append(s.steps, step)
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

// Bounds of what a file's tests may make the engine do.
const (
	maxRepeat = 100    // of one step
	maxPlayed = 10_000 // steps in all
)

func sendsTemplate(s step) bool { return s.template != nil }

func (r *reader) step(n *yaml.Node, f *File) step {
	s := step{repeat: 1}
	o, ok := r.object(n, "step")
	if !ok {
		return s
	}
	if n := o.values["repeat"]; n != nil {
		if times := r.amountAt(o, "repeat"); times.Valid {
			s.repeat = int(times.Decimal.IntPart())
			if !times.Decimal.IsInteger() || s.repeat < 1 || s.repeat > maxRepeat {
				r.errorf(n, "", `"repeat" must be a whole number from 1 to %d`, maxRepeat)
				s.repeat = 1
			}
		}
	}
	if s.kind, ok = r.only(o, "a step", stepKinds...); !ok {
		return s
	}
	switch n := o.values[s.kind]; s.kind {
	case "ad_click":
		s.click = r.click(n)
	case "customer":
		s.text, _ = r.text(n, `"customer"`)
	case "we":
		r.we(n, &s)
	case "tap":
		s.tap = r.tap(n)
	case "cart":
		s.cart = r.cart(n)
	case "status":
		s.status, _ = r.oneOf(n, `"status"`, statuses, nil)
	case "wait":
		s.wait = r.duration(n, `"wait"`)
	case "expect":
		s.expect = r.expectation(n, f)
	}
	return s
}

// we reads what the business writes, or a template that it sends.
func (r *reader) we(n *yaml.Node, s *step) {
	if n.Kind == yaml.ScalarNode {
		s.text, _ = r.text(n, `"we"`)
		return
	}
	o, ok := r.object(n, "sent")
	if !ok {
		return
	}
	if o.keys["template"] == nil {
		r.errorf(n, "write it like "+format["sent"].like, `"we" sends neither a text nor a template`)
	}
	s.template = &Template{Name: r.textAt(o, "template"), Language: r.textAt(o, "language"), Status: "sent", Parameters: map[string]string{}}
	for i, text := range r.textsAt(o, "params") {
		s.template.Parameters[strconv.Itoa(i+1)] = text
	}
}

func (r *reader) click(n *yaml.Node) Click {
	c := Click{SourceType: "ad"}
	if n.Kind == yaml.ScalarNode {
		if n.Value != "true" {
			r.errorf(n, "write ad_click: true, or leave the step out", `"ad_click" cannot be %q`, n.Value)
		}
		return c
	}
	o, ok := r.object(n, "click")
	if !ok {
		return c
	}
	c.AdID, c.Headline, c.URL = r.textAt(o, "source_id"), r.textAt(o, "headline"), r.textAt(o, "url")
	c.SourceType = r.wordAt(o, "source_type", "ad", []string{"ad", "post"})
	c.NoClid = r.wordAt(o, "clid", "true", []string{"true", "false"}) == "false"
	return c
}

func (r *reader) tap(n *yaml.Node) *Tap {
	t := &Tap{}
	o, ok := r.object(n, "tap")
	if !ok {
		return t
	}
	if t.Kind, ok = r.only(o, `"tap"`, "button", "list", "flow"); !ok {
		return t
	}
	id, title := r.textAt(o, t.Kind), r.textAt(o, "title")
	if t.Kind != "flow" {
		t.ID, t.Title = id, title
		if o.keys["answers"] != nil {
			r.errorf(o.keys["answers"], "", "only a flow has answers")
		}
		return t
	}
	t.Name, t.Answers = "flow", map[string]any{"flow_token": id}
	if answers := o.values["answers"]; answers != nil {
		r.answers(answers, t.Answers)
	}
	return t
}

// answers reads what the customer fills in: a text each, or a list of them.
func (r *reader) answers(n *yaml.Node, answers map[string]any) {
	o, ok := r.object(n, "answers")
	if !ok {
		return
	}
	for _, field := range o.order {
		if n := o.values[field]; n.Kind == yaml.SequenceNode {
			list := []any{}
			for _, text := range r.textsAt(o, field) {
				list = append(list, text)
			}
			answers[field] = list
		} else {
			answers[field] = r.textAt(o, field)
		}
	}
}

func (r *reader) cart(n *yaml.Node) *Cart {
	c := &Cart{}
	o, ok := r.object(n, "cart")
	if !ok {
		return c
	}
	currency := r.currencyAt(o)
	items := o.values["items"]
	if items == nil || items.Kind != yaml.SequenceNode {
		r.errorf(cmp.Or(items, n), "write it like "+format["cart"].like, `"cart" has no list of items`)
		return c
	}
	for _, element := range items.Content {
		c.Items = append(c.Items, r.item(element, currency))
	}
	return c
}

func (r *reader) item(n *yaml.Node, currency string) CartItem {
	item := CartItem{Quantity: 1, Currency: currency}
	o, ok := r.object(n, "item")
	if !ok {
		return item
	}
	item.ID, item.Price = r.textAt(o, "id"), r.textAt(o, "price")
	if o.values["currency"] != nil {
		item.Currency = r.currencyAt(o)
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
