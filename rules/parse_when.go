package rules

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// when reads a rule's trigger, nil if there is none that can be used.
func (r *reader) when(n *yaml.Node) condition {
	o, ok := r.object(n, "trigger")
	if !ok {
		return nil
	}
	key, ok := r.only(o, `"when"`, format["trigger"].names()...)
	if !ok {
		return nil
	}
	if key == "any" {
		return r.anyOf(o.values[key])
	}
	return r.trigger(key, o.values[key])
}

func (r *reader) trigger(key string, n *yaml.Node) condition {
	switch key {
	case "customer_says", "we_say":
		return r.says(n, key)
	case "customer_taps":
		return r.taps(n)
	case "we_send_template":
		return r.templateSent(n)
	case "meta_detects":
		event, _ := r.oneOf(n, `"meta_detects"`, detectables, nil)
		return &detects{event}
	default:
		return r.orders(n)
	}
}

func (r *reader) anyOf(n *yaml.Node) condition {
	triggers := r.triggers(n, `"any"`)
	if len(triggers) == 0 {
		return nil
	}
	return anyOf(triggers)
}

// triggers reads a list of triggers, none of which is itself a list.
func (r *reader) triggers(n *yaml.Node, what string) []condition {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.errorf(n, "write each like - "+strings.TrimPrefix(format["trigger"].like, "when: "), "%s must be a list of triggers", what)
		return nil
	}
	var triggers []condition
	for _, element := range n.Content {
		o, ok := r.object(element, "trigger")
		if !ok {
			continue
		}
		key, ok := r.only(o, "a trigger", format["trigger"].names()...)
		switch {
		case !ok:
		case key == "any":
			r.errorf(o.keys[key], "write its triggers beside the others", `"any" stands in a list of triggers already`)
		default:
			triggers = append(triggers, r.trigger(key, o.values[key]))
		}
	}
	return triggers
}

func (r *reader) says(n *yaml.Node, key string) condition {
	c := &says{in: "both", ours: key == "we_say"}
	if n.Kind != yaml.MappingNode {
		c.any = r.phrases(n, `"`+key+`"`)
		return c
	}
	o, ok := r.object(n, "says")
	if !ok {
		return c
	}
	for key, target := range map[string]*[]*phrase{
		"any": &c.any, "all": &c.all, "none": &c.none, "exactly": &c.exactly, "starts_with": &c.starts,
	} {
		if value := o.values[key]; value != nil {
			*target = r.phrases(value, `"`+key+`"`)
		}
	}
	if value := o.values["regex"]; value != nil {
		c.regex = r.regex(value)
	}
	c.in = r.wordAt(o, "in", c.in, []string{"text", "caption", "both"})
	listens := slices.ContainsFunc([]string{"any", "all", "exactly", "starts_with", "regex"}, func(key string) bool { return o.keys[key] != nil })
	if !listens {
		r.errorf(n, "add any: with what to listen for", "%q says nothing to listen for", key)
	}
	return c
}

// phrases reads phrases, with the lists that they name in place of the names.
func (r *reader) phrases(n *yaml.Node, what string) []*phrase {
	if r.heard > maxFilePhrases {
		return nil // reported already
	}
	r.spell(n)
	if r.heard += len(n.Content); r.heard > maxFilePhrases {
		r.errorf(n, "", "the file listens for more than %d phrases, counting those of a list as often as it is used", maxFilePhrases)
		return nil
	}
	var phrases []*phrase
	seen := map[string]bool{}
	for _, element := range r.list(n, what) {
		text, ok := r.text(element, what)
		if !ok {
			continue
		}
		if strings.HasPrefix(text, "@") {
			r.unknownList(element)
			continue
		}
		p, err := r.phrase(text)
		if err != nil {
			r.errorf(element, "", "%v", err)
			continue
		}
		if !seen[p.key] { // twice the same is once
			seen[p.key] = true
			phrases = append(phrases, p)
		}
	}
	return phrases
}

// phrase compiles a phrase, once for all that use it.
func (r *reader) phrase(text string) (*phrase, error) {
	if p := r.phrased[text]; p != nil {
		return p, nil
	}
	p, err := newPhrase(text)
	if err != nil {
		return nil, err
	}
	if r.phrased == nil {
		r.phrased = map[string]*phrase{}
	}
	r.phrased[text] = p
	return p, nil
}

// lists reads "words": lists of phrases by name.
func (r *reader) lists(n *yaml.Node) {
	if n == nil {
		return
	}
	o, ok := r.object(n, "lists")
	if !ok {
		return
	}
	r.words = map[string][]*yaml.Node{}
	for _, name := range o.order {
		what := `the list "` + name + `"`
		r.words[name] = []*yaml.Node{}
		for _, element := range r.list(o.values[name], what) {
			text, ok := r.text(element, what)
			if !ok {
				continue
			}
			if _, err := r.phrase(text); err != nil {
				r.errorf(element, "", "%v", err)
			} else if strings.HasPrefix(text, "@") {
				r.errorf(element, "write its phrases here too", "a list cannot name another list")
			} else {
				r.words[name] = append(r.words[name], element)
			}
		}
	}
}

// spell puts the phrases of "@list" in place of it, so that the nodes say by themselves what is heard.
func (r *reader) spell(n *yaml.Node) {
	if list, ok := r.named(n); ok {
		n.Kind, n.Content = yaml.SequenceNode, list
		return
	}
	if n.Kind != yaml.SequenceNode {
		return
	}
	var spelled []*yaml.Node
	for _, element := range n.Content {
		if list, ok := r.named(element); ok {
			spelled = append(spelled, list...)
		} else {
			spelled = append(spelled, element)
		}
	}
	n.Content = spelled
}

// named returns the list that a text such as "@booked" names.
func (r *reader) named(n *yaml.Node) ([]*yaml.Node, bool) {
	name, isName := strings.CutPrefix(n.Value, "@")
	list, known := r.words[name]
	return list, isName && known && n.Kind == yaml.ScalarNode
}

// unknownList reports the name of a list that the file does not have.
func (r *reader) unknownList(n *yaml.Node) {
	hint := `begin it with another character, or add the list under "words:"`
	if closest := Closest(n.Value[1:], slices.Sorted(maps.Keys(r.words))); closest != "" {
		hint = `did you mean "@` + closest + `"?`
	}
	r.errorf(n, hint, "there is no list %q", n.Value)
}

// regex reads a regular expression in RE2 syntax, whose cost grows with the text alone.
func (r *reader) regex(n *yaml.Node) *pattern {
	text, ok := r.text(n, `"regex"`)
	if !ok {
		return nil
	}
	if size := utf8.RuneCountInString(text); size > maxRegex {
		r.errorf(n, "", "the regular expression has %d characters; %d is the limit", size, maxRegex)
		return nil
	}
	p, tooHeavy, err := newPattern(text)
	switch {
	case err != nil:
		r.errorf(n, "the syntax is RE2, which has no look-around and no back-references", "%s",
			strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return nil
	case tooHeavy > 0:
		r.errorf(n, "repeat less, as in {1,20} for {1,1000}", "the regular expression takes %d steps; %d is the limit", tooHeavy, maxSteps)
		return nil
	}
	return p
}
