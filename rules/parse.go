package rules

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/clickthread/clickthread/capi"
)

var kebab = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// ParseFile reads one rule file. All problems are reported at once, in the order in which they stand;
// the File is nil if one of them is an error. It never panics, whatever the bytes.
func ParseFile(path string, src []byte) (*File, []Problem) {
	r := &reader{path: path}
	f := &File{Path: path, src: slices.Clone(src)}
	if root := r.document(src); root != nil {
		r.file(root, f)
	}
	sortProblems(r.problems)
	if hasError(r.problems) {
		return nil, r.problems
	}
	return f, r.problems
}

// accountsOf reads the "accounts:" of a file that is otherwise broken, as far as they can be read.
func accountsOf(src []byte) []entry {
	_, block, found := bytes.Cut(append([]byte("\n"), src...), []byte("\naccounts:"))
	if !found {
		return nil
	}
	lines := bytes.SplitAfter(block, []byte("\n"))
	end := 1
	for end < len(lines) && bytes.ContainsAny(lines[end][:min(1, len(lines[end]))], " -#\r\n") {
		end++
	}
	r, f := &reader{}, &File{}
	root := r.document(append([]byte("accounts:"), bytes.Join(lines[:end], nil)...))
	if root != nil {
		if o, ok := r.object(root, "file"); ok {
			r.settings(o, f)
		}
	}
	return f.accounts
}

func (r *reader) file(root *yaml.Node, f *File) {
	o, ok := r.object(root, "file")
	if !ok {
		return
	}
	if version := o.values["version"]; version == nil {
		r.errorf(root, `begin with "version: 1"`, "the file does not say its version")
	} else if text, ok := r.text(version, `"version"`); ok && text != "1" {
		r.errorf(version, `write "version: 1"`, "version %q is not known", text)
	}
	r.settings(o, f)
	r.lists(o.values["words"])
	base := r.defaults(o.values["defaults"], f)
	if rules := o.values["rules"]; rules == nil {
		r.errorf(root, "add rules:", "the file has no rules")
	} else {
		r.rules(rules, f, base)
	}
	if tests := o.values["tests"]; tests != nil {
		r.scenarios(tests, f)
	}
}

func (r *reader) settings(o object, f *File) {
	if n := o.values["accounts"]; n != nil {
		for _, element := range r.list(n, `"accounts"`) {
			if id, ok := r.text(element, `"accounts"`); ok {
				f.accounts = append(f.accounts, entry{id, element.Line, element.Column})
			}
		}
	}
	if n := o.values["locale"]; n != nil {
		text, ok := r.text(n, `"locale"`)
		if ok && groupingMark(text) == 0 {
			r.errorf(n, "write one such as pt-BR", "%q is not a locale", text)
		}
		f.locale = text
	}
	if n := o.values["timezone"]; n != nil {
		if text, ok := r.text(n, `"timezone"`); ok {
			zone, err := loadZone(text)
			if err != nil {
				r.errorf(n, "", "%v", err)
			}
			f.timezone = zone
		}
	}
}

// defaults returns what a rule of the file is before it says anything itself.
func (r *reader) defaults(n *yaml.Node, f *File) Rule {
	base := Rule{Mode: Live, Once: PerClick, Path: f.Path}
	if n == nil {
		return base
	}
	o, ok := r.object(n, "defaults")
	if !ok {
		return base
	}
	if n := o.values["currency"]; n != nil {
		f.currency = r.currency(n)
	}
	r.modeAndOnce(o, &base)
	base.wait = r.waitAt(o)
	return base
}

func (r *reader) modeAndOnce(o object, rule *Rule) {
	if n := o.values["mode"]; n != nil {
		if mode, ok := r.oneOf(n, `"mode"`, modes, nil); ok {
			rule.Mode = Mode(mode)
		}
	}
	if n := o.values["once"]; n != nil {
		if once, ok := r.oneOf(n, `"once"`, onces, []string{"per_order"}); ok {
			rule.Once = Once(once)
		}
	}
}

func (r *reader) currency(n *yaml.Node) string {
	text, ok := r.text(n, `"currency"`)
	if !ok {
		return ""
	}
	if _, known := capi.MinorDigits(text); !known || text != strings.ToUpper(text) {
		r.errorf(n, "write its ISO 4217 code in capitals, as in BRL", "%q is not a currency", text)
	}
	return text
}

func (r *reader) rules(n *yaml.Node, f *File, base Rule) {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.errorf(n, "begin each with - id:", `"rules" must be a list of rules`)
		return
	}
	if len(n.Content) > maxRules {
		r.errorf(n, "", "the file has %d rules; %d is the limit", len(n.Content), maxRules)
		return
	}
	seen := map[string]int{}
	for _, element := range n.Content {
		rule := base
		r.rule(element, &rule)
		f.rules = append(f.rules, &rule)
		if rule.ID == "" {
			continue
		}
		if line, taken := seen[rule.ID]; taken {
			r.errorf(element, "an id is part of an event's identity and must be unique", "rule id %q is taken by the rule on line %d", rule.ID, line)
			continue
		}
		seen[rule.ID] = rule.Line
	}
}

func (r *reader) rule(n *yaml.Node, rule *Rule) {
	rule.Line = n.Line
	o, ok := r.object(n, "rule")
	if !ok {
		return
	}
	rule.like = likenessOf(n)
	r.modeAndOnce(o, rule)
	r.name(o, rule)
	if send := r.required(o, "send", "name the event, such as LeadSubmitted or Purchase"); send != nil {
		rule.Event = r.event(send)
	}
	if when := r.required(o, "when", "say what to listen for, as in when: {customer_says: ...}"); when != nil {
		rule.when = r.when(when)
	}
	if n := o.values["value"]; n != nil {
		rule.value = r.value(n, rule)
	} else if rule.Event == "Purchase" {
		r.warnf(o.keys["send"], "add value:", "a Purchase without a value is always held for a person")
	}
	if n := o.values["if"]; n != nil {
		rule.guard = r.guard(n, rule)
	}
	r.templates(o, rule)
	r.waiting(o, rule)
}

// name reads what a rule is called.
func (r *reader) name(o object, rule *Rule) {
	if id := r.required(o, "id", "give it a short name such as asked-price"); id != nil {
		if text, ok := r.text(id, `"id"`); ok {
			rule.ID = text
			if len(text) > 64 || !kebab.MatchString(text) {
				r.errorf(id, "use small letters, digits and single hyphens, at most 64", "%q cannot be a rule id", text)
			}
		}
	}
	rule.Name = r.textAt(o, "name")
}

// templates reads what of the event is filled in from the message.
func (r *reader) templates(o object, rule *Rule) {
	if n := o.values["content_ids"]; n != nil {
		elements := r.list(n, `"content_ids"`)
		if len(elements) > maxContentIDs {
			r.errorf(n, "", "the rule has %d content_ids; %d is the limit", len(elements), maxContentIDs)
			elements = nil
		}
		for _, element := range elements {
			rule.contentIDs = append(rule.contentIDs, r.template(element, rule.when))
		}
	}
	rule.eventID = r.templateAt(o, "event_id", rule)
	rule.dedupe = r.templateAt(o, "dedupe", rule)
	for _, key := range []string{"event_id", "dedupe"} {
		if n := o.values[key]; n != nil && !strings.Contains(n.Value, "{") && n.Value != "" {
			r.errorf(n, `name what differs, as in "order-{order_no}"`, "%q is the same text for every event", key)
		}
	}
	if n := o.values["user"]; n != nil {
		user, _ := r.object(n, "user")
		rule.email, rule.external = r.templateAt(user, "email", rule), r.templateAt(user, "external_id", rule)
	}
}

func (r *reader) templateAt(o object, key string, rule *Rule) template {
	if o.values[key] == nil {
		return template{}
	}
	return r.template(o.values[key], rule.when)
}

// maxWait leaves a day of the seven that Meta takes events for.
const maxWait = 6 * 24 * time.Hour

// waiting reads how long events wait, and what cancels them meanwhile.
func (r *reader) waiting(o object, rule *Rule) {
	if o.values["wait"] != nil {
		rule.wait = r.waitAt(o)
	}
	n := o.values["cancel_if"]
	if n == nil {
		return
	}
	if rule.wait == 0 {
		r.errorf(o.keys["cancel_if"], `add wait:, as in "wait: 48h"`, `an event that does not wait cannot be cancelled by "cancel_if"`)
	}
	rule.cancels = r.triggers(n, `"cancel_if"`)
	rule.cancelIf = encodeTriggers(n)
}

func (r *reader) waitAt(o object) time.Duration {
	n := o.values["wait"]
	if n == nil {
		return 0
	}
	wait := r.duration(n, `"wait"`)
	if wait > maxWait {
		r.errorf(n, "wait 6d at most: Meta refuses events that are more than 7 days old", "%q is too long", n.Value)
	}
	return wait
}

// required returns a key's value, or reports that it is missing.
func (r *reader) required(o object, key, hint string) *yaml.Node {
	n := o.values[key]
	if n == nil {
		r.errorf(o.node, hint, "the rule has no %q", key)
	}
	return n
}

// event reads an event name that Meta takes.
func (r *reader) event(n *yaml.Node) string {
	name, ok := r.text(n, `"send"`)
	if !ok {
		return ""
	}
	warning, err := capi.CheckEventName(name)
	if err != nil {
		r.errorf(n, "", "%v", err)
	} else if warning != "" {
		r.warnf(n, "", "%s", warning)
	}
	return name
}
