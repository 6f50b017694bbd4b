package rules

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
	"golang.org/x/text/language"
)

// guard reads a rule's "if".
func (r *reader) guard(n *yaml.Node, rule *Rule) guard {
	g := guard{}
	o, ok := r.object(n, "if")
	if !ok {
		return g
	}
	if len(o.node.Content) == 0 {
		r.errorf(n, "write it like "+format["if"].like, `"if" says nothing that must hold`)
	}
	r.adAndClick(o, &g)
	r.sent(o, &g)
	r.hoursAndDays(o, &g)
	r.amountRange(o, &g, rule)
	if n := o.values["language"]; n != nil {
		for _, element := range r.list(n, `"language"`) {
			text, ok := r.text(element, `"language"`)
			tag, err := language.Parse(text)
			if ok && err != nil {
				r.errorf(element, "write one such as pt or pt-BR", "%q is not a language", text)
			}
			g.languages = append(g.languages, tag)
		}
	}
	return g
}

func (r *reader) adAndClick(o object, g *guard) {
	if n := o.values["within_click"]; n != nil {
		if g.within = r.duration(n, `"within_click"`); g.within > 7*24*time.Hour {
			r.errorf(n, "write 7d at most, or leave it out", "a click never counts for longer than 7 days")
		}
	}
	n := o.values["ad"]
	if n == nil {
		return
	}
	ad, ok := r.object(n, "ad")
	if !ok {
		return
	}
	if len(n.Content) == 0 {
		r.errorf(n, "write it like "+format["ad"].like, `"ad" needs a source_id, headline or url`)
	}
	g.ad = true
	for key, target := range map[string]**test{"source_id": &g.source, "headline": &g.headline, "url": &g.url} {
		if n := ad.values[key]; n != nil {
			*target = r.test(n, `"`+key+`"`)
		}
	}
}

func (r *reader) sent(o object, g *guard) {
	n := o.values["already_sent"]
	if n == nil {
		return
	}
	sent, ok := r.object(n, "already_sent")
	if !ok {
		return
	}
	if len(n.Content) == 0 {
		r.errorf(n, "write it like "+format["already_sent"].like, `"already_sent" needs any or none`)
	}
	for key, target := range map[string]*[]string{"any": &g.sentAny, "none": &g.sentNone} {
		if n := sent.values[key]; n != nil {
			for _, element := range r.list(n, `"`+key+`"`) {
				*target = append(*target, r.event(element))
			}
		}
	}
}

func (r *reader) hoursAndDays(o object, g *guard) {
	if n := o.values["weekdays"]; n != nil {
		for _, element := range r.list(n, `"weekdays"`) {
			if day, ok := r.oneOf(element, `"weekdays"`, weekdays, nil); ok {
				g.weekdays = append(g.weekdays, time.Weekday(slices.Index(weekdays, day)))
			}
		}
	}
	n := o.values["hours"]
	if n == nil {
		return
	}
	h, ok := r.object(n, "hours")
	if !ok {
		return
	}
	if h.keys["from"] == nil || h.keys["to"] == nil {
		r.errorf(n, "write it like "+format["hours"].like, `"hours" needs from and to`)
		return
	}
	from, okFrom := r.clock(h.values["from"])
	to, okTo := r.clock(h.values["to"])
	if okFrom && okTo && from == to {
		r.errorf(n, `leave "hours" out for the whole day`, `"hours" begin and end at the same minute`)
	}
	g.hours = hours{from, to}
}

// clock reads a time of day as minutes; 24:00 is the end of the day.
func (r *reader) clock(n *yaml.Node) (int, bool) {
	text, ok := r.text(n, `"hours"`)
	if !ok {
		return 0, false
	}
	h, m, _ := strings.Cut(text, ":")
	hour, errHour := strconv.ParseUint(h, 10, 8)
	minute, errMinute := strconv.ParseUint(m, 10, 8)
	if errHour != nil || errMinute != nil || len(m) != 2 || minute > 59 || hour*60+minute > 24*60 {
		r.errorf(n, `write it like "08:00", up to "24:00"`, "%q is not a time of day", text)
		return 0, false
	}
	return int(hour*60 + minute), true
}

func (r *reader) amountRange(o object, g *guard, rule *Rule) {
	n := o.values["amount"]
	if n == nil {
		return
	}
	amount, ok := r.object(n, "amount")
	if !ok {
		return
	}
	if len(n.Content) == 0 {
		r.errorf(n, "write it like "+format["amount"].like, `"amount" needs at_least or at_most`)
	}
	if rule.value == nil {
		r.errorf(o.keys["amount"], "add value:", `"amount" is the event's value, and the rule has none`)
	}
	g.least, g.most = r.amountAt(amount, "at_least"), r.amountAt(amount, "at_most")
	if g.least.Valid && g.most.Valid && g.least.Decimal.GreaterThan(g.most.Decimal) {
		r.errorf(amount.values["at_least"], "", "at_least %s is more than at_most %s", g.least.Decimal, g.most.Decimal)
	}
}

// duration reads lengths of time such as 90m, 47h or 6d, up to 400 days.
func (r *reader) duration(n *yaml.Node, what string) time.Duration {
	text, ok := r.text(n, what)
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
