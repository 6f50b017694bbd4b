package rules

import (
	"slices"
	"strings"

	"github.com/shopspring/decimal"
	"go.yaml.in/yaml/v4"

	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/reason"
)

// expectation is what must have come of the chat so far.
type expectation struct {
	line    int
	kind    string // "events", "nothing" or "held"
	events  []wanted
	because reason.Code // some decision must have it; empty: not asked
}

// wanted is an expected event. What a test does not mention is not compared.
type wanted struct {
	event, rule, currency string
	mode                  Mode // Live unless the test says otherwise
	value                 decimal.NullDecimal
	contentIDs            []string
	eventID               string
}

func (r *reader) expectation(n *yaml.Node, f *File) expectation {
	e := expectation{line: n.Line, kind: "events"}
	if n.Kind == yaml.ScalarNode {
		e.kind, _ = r.oneOf(n, `"expect"`, []string{"nothing", "held"}, nil)
		return e
	}
	for _, element := range r.list(n, `"expect"`) {
		if element.Kind == yaml.ScalarNode {
			e.events = append(e.events, wanted{event: r.event(element), mode: Live})
			continue
		}
		if element.Kind != yaml.MappingNode || len(element.Content) != 2 {
			r.errorf(element, "write it like - "+format["wanted"].like, "an expected event must be one name")
			continue
		}
		e.events = append(e.events, r.wanted(r.event(element.Content[0]), element.Content[1], f))
	}
	return e
}

func (r *reader) wanted(event string, n *yaml.Node, f *File) wanted {
	w := wanted{event: event, mode: Live}
	o, ok := r.object(n, "wanted")
	if !ok {
		return w
	}
	if n := o.values["rule"]; n != nil {
		w.rule = r.textAt(o, "rule")
		var ids []string
		for _, rule := range f.rules {
			ids = append(ids, rule.ID)
		}
		if !slices.Contains(ids, w.rule) {
			r.errorf(n, didYouMean(w.rule, ids), "this file has no rule %q", w.rule)
		}
	}
	w.mode = Mode(r.wordAt(o, "mode", string(Live), modes[:2]))
	w.value, w.currency = r.amountAt(o, "value"), r.currencyAt(o)
	w.contentIDs, w.eventID = r.textsAt(o, "content_ids"), r.textAt(o, "event_id")
	return w
}

// fits reports whether a decision is the event that the test wants.
func (w wanted) fits(d Decision) bool {
	return d.Event == w.event && (d.Outcome == ShadowFire) == (w.mode == Shadow) &&
		(w.rule == "" || d.Rule.ID == w.rule) &&
		(w.currency == "" || d.Value.Currency == w.currency) &&
		(!w.value.Valid || w.sameValue(d.Value)) &&
		(w.eventID == "" || d.EventID == w.eventID) &&
		(w.contentIDs == nil || slices.Equal(w.contentIDs, d.ContentIDs))
}

// sameValue compares exactly: 399.5 is 399.50, and nothing is rounded.
func (w wanted) sameValue(money capi.Money) bool {
	want, err := capi.MoneyFrom(w.value.Decimal, money.Currency)
	return err == nil && want == money
}

// reasons are the words of "because".
func reasons() []string {
	var known []string
	for _, code := range reason.All() {
		known = append(known, string(code))
	}
	return known
}

func (r *reader) reason(n *yaml.Node) reason.Code {
	text, ok := r.text(n, `"because"`)
	if code := reason.Code(text); !ok || code.Known() {
		return code
	}
	r.errorf(n, didYouMean(text, reasons()), "%q is not a reason", text)
	return ""
}

func (e expectation) String() string {
	text := e.kind
	if e.kind == "events" {
		var all []string
		for _, w := range e.events {
			all = append(all, w.String())
		}
		text = strings.Join(all, ", ")
	}
	if e.because != "" {
		text += " because " + string(e.because)
	}
	return text
}

func (w wanted) String() string {
	var said []string
	if w.rule != "" {
		said = append(said, "rule: "+w.rule)
	}
	if w.mode == Shadow {
		said = append(said, "mode: shadow")
	}
	if w.value.Valid {
		said = append(said, "value: "+w.value.Decimal.String())
	}
	if w.currency != "" {
		said = append(said, "currency: "+w.currency)
	}
	if w.eventID != "" {
		said = append(said, "event_id: "+w.eventID)
	}
	if w.contentIDs != nil {
		said = append(said, "content_ids: ["+strings.Join(w.contentIDs, ", ")+"]")
	}
	return w.event + " {" + strings.Join(said, ", ") + "}"
}
