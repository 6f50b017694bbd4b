package rules

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
	"go.yaml.in/yaml/v4"
)

// reader reads one YAML file and collects every problem with its place. Its methods report by
// themselves and return ok = false, so that reading goes on and finds the next problem.
type reader struct {
	path     string
	lines    []string
	words    map[string][]*yaml.Node // the file's lists of phrases
	phrased  map[string]*phrase      // by what was written
	heard    int                     // how many phrases the rules listen for
	problems []Problem
}

// object is a mapping that was checked against its shape.
type object struct {
	node         *yaml.Node
	keys, values map[string]*yaml.Node
	order        []string // the keys as they stand
}

// maxShown is the longest line that is shown with a problem.
const maxShown = 2000

func (r *reader) add(warning bool, line, col int, hint, message string) {
	p := Problem{Path: r.path, Line: line, Col: col, Warning: warning, Message: message, Hint: hint}
	if 0 < line && line <= len(r.lines) && len(r.lines[line-1]) <= maxShown {
		p.Source = r.lines[line-1]
	}
	r.problems = append(r.problems, p)
}

func (r *reader) errorf(n *yaml.Node, hint, format string, args ...any) {
	r.add(false, n.Line, n.Column, hint, fmt.Sprintf(format, args...))
}

func (r *reader) warnf(n *yaml.Node, hint, format string, args ...any) {
	r.add(true, n.Line, n.Column, hint, fmt.Sprintf(format, args...))
}

// document decodes the file's one document, nil if it cannot be read at all.
func (r *reader) document(src []byte) *yaml.Node {
	if len(src) > maxFile {
		r.add(false, 0, 0, "", fmt.Sprintf("the file has %d bytes; %d is the limit", len(src), maxFile))
		return nil
	}
	r.lines = strings.Split(strings.ReplaceAll(string(src), "\r\n", "\n"), "\n")
	if !r.plainText() {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(src))
	var doc, more yaml.Node
	err := decoder.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0:
		r.add(false, 1, 1, `begin with "version: 1"`, "the file is empty")
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	}
	if err := decoder.Decode(&more); err == nil {
		r.errorf(&more, "put it in a file of its own", "a second document begins here")
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
	}
	r.walk(doc.Content[0])
	return doc.Content[0]
}

// walk refuses what YAML can do and the format does not use. Aliases make files that mean more than
// they show, and a key that stands twice hides one of its values.
func (r *reader) walk(n *yaml.Node) {
	switch {
	case n.Kind == yaml.AliasNode:
		r.errorf(n, `write it out, or put a text that begins with * in "quotes"`, "aliases (*%s) are not part of the rule format", n.Value)
		return
	case n.Anchor != "":
		r.errorf(n, `write it out, or put a text that begins with & in "quotes"`, "anchors (&%s) are not part of the rule format", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0:
		r.errorf(n, `put a text that begins with ! in "quotes"`, "tags (%s) are not part of the rule format", n.Tag)
	}
	if n.Kind == yaml.MappingNode {
		r.keys(n)
	}
	for _, child := range n.Content {
		r.walk(child)
	}
}

func (r *reader) keys(n *yaml.Node) {
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode:
			r.errorf(key, "", "a key must be a word")
		case key.Tag == "!!merge":
			r.errorf(key, "write it out", "merge keys (<<) are not part of the rule format")
		case first[key.Value] != nil:
			r.errorf(key, "", "%q stands twice; the first is on line %d", key.Value, first[key.Value].Line)
		default:
			first[key.Value] = key
		}
	}
}

// object checks that n is a mapping of the shape that the format has by a name.
func (r *reader) object(n *yaml.Node, name string) (object, bool) {
	s := format[name]
	if n.Kind != yaml.MappingNode {
		if n.Kind != yaml.AliasNode {
			r.errorf(n, "write it like "+s.like, "%s must be a mapping of keys", s.what)
		}
		return object{}, false
	}
	o := object{node: n, keys: map[string]*yaml.Node{}, values: map[string]*yaml.Node{}}
	known := s.names()
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode || key.Tag == "!!merge":
		case s.hasLater(key.Value):
			r.later(key, key.Value)
		case known != nil && !slices.Contains(known, key.Value):
			r.errorf(key, didYouMean(key.Value, known), "unknown key %q in %s", key.Value, s.what)
		case o.keys[key.Value] == nil:
			o.keys[key.Value], o.values[key.Value] = key, value
			o.order = append(o.order, key.Value)
		}
	}
	return o, true
}

// later says that something of the format is not built.
func (r *reader) later(n *yaml.Node, what string) {
	r.errorf(n, "remove it, or wait for a later version", "%q is part of the rule format but not built in this version", what)
}

// only returns the one key of an object that must have exactly one.
func (r *reader) only(o object, what string, keys ...string) (string, bool) {
	var present []string
	for _, key := range keys {
		if o.keys[key] != nil {
			present = append(present, key)
		}
	}
	if len(present) == 1 {
		return present[0], true
	}
	if len(present) > 1 {
		slices.SortFunc(present, func(a, b string) int {
			x, y := o.keys[a], o.keys[b]
			return cmp.Or(cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column))
		})
		r.errorf(o.keys[present[1]], "", "%s takes exactly one of its keys, and %q stands there already", what, present[0])
	} else if len(o.keys) > 0 || len(o.node.Content) == 0 { // else there are only keys that are reported already
		r.errorf(o.node, "", "%s needs one of %s", what, strings.Join(keys, ", "))
	}
	return "", false
}

// text reads a scalar as the text that stands in the file: 1.20, 0123, no and 12:30 stay as they are.
func (r *reader) text(n *yaml.Node, what string) (string, bool) {
	switch {
	case n.Kind == yaml.AliasNode: // reported by walk
		return "", false
	case n.Kind != yaml.ScalarNode:
		r.errorf(n, "", "%s must be a single text", what)
		return "", false
	case strings.TrimSpace(n.Value) == "":
		r.errorf(n, "", "%s is empty", what)
		return "", false
	}
	return n.Value, true
}

// list returns the elements of a list; a scalar is a list of one.
func (r *reader) list(n *yaml.Node, what string) []*yaml.Node {
	switch {
	case n.Kind == yaml.SequenceNode && len(n.Content) == 0:
		r.errorf(n, "", "%s is an empty list", what)
	case n.Kind == yaml.SequenceNode:
		return n.Content
	case n.Kind == yaml.ScalarNode:
		return []*yaml.Node{n}
	case n.Kind == yaml.MappingNode:
		r.errorf(n, "", "%s must be a text or a list of texts", what)
	}
	return nil
}

func (r *reader) texts(n *yaml.Node, what string) []string {
	var texts []string
	for _, element := range r.list(n, what) {
		if text, ok := r.text(element, what); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// textsAt reads the texts behind a key, none where it is missing.
func (r *reader) textsAt(o object, key string) []string {
	if o.values[key] == nil {
		return nil
	}
	return r.texts(o.values[key], `"`+key+`"`)
}

// textAt reads the text behind a key, empty where it is missing.
func (r *reader) textAt(o object, key string) string {
	if o.values[key] == nil {
		return ""
	}
	text, _ := r.text(o.values[key], `"`+key+`"`)
	return text
}

// amountAt reads the number behind a key.
func (r *reader) amountAt(o object, key string) decimal.NullDecimal {
	n := o.values[key]
	if n == nil {
		return decimal.NullDecimal{}
	}
	d, ok := r.amount(n, `"`+key+`"`)
	return decimal.NullDecimal{Decimal: d, Valid: ok}
}

// wordAt reads one of a few words behind a key, or what it is where the key is missing.
func (r *reader) wordAt(o object, key, missing string, words []string) string {
	n := o.values[key]
	if n == nil {
		return missing
	}
	word, ok := r.oneOf(n, `"`+key+`"`, words, nil)
	if !ok {
		return missing
	}
	return word
}

// amount reads a number of zero or more, such as 49.90.
func (r *reader) amount(n *yaml.Node, what string) (decimal.Decimal, bool) {
	text, ok := r.text(n, what)
	if !ok {
		return decimal.Zero, false
	}
	d, ok := plainDecimal(text)
	if !ok {
		r.errorf(n, "write it with a point and without grouping, as in 1299.90", "%s must be a number, not %q", what, text)
	}
	return d, ok
}

// oneOf reads one of a few words. What stands in the format but is not built is said to be so.
func (r *reader) oneOf(n *yaml.Node, what string, words, later []string) (string, bool) {
	text, ok := r.text(n, what)
	switch {
	case !ok:
		return "", false
	case slices.Contains(words, text):
		return text, true
	case slices.Contains(later, text):
		r.later(n, strings.Trim(what, `"`)+": "+text)
	default:
		r.errorf(n, didYouMean(text, words), "%s cannot be %q", what, text)
	}
	return "", false
}
