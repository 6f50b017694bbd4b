package configs

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/clickthread/clickthread/rules"
)

// walk goes through a document beside the type it is decoded into, and reports whatever would not be
// read as it was meant: keys that nobody knows or that stand twice, a list in the place of a text.
// What it lets pass can be decoded. It never shows a value, which may be a secret.
func (f *faults) walk(n *yaml.Node, t reflect.Type, path string) {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		f.at(n, "%s: anchors and aliases are not read here; write it out, in quotes if it begins with & or *", cmp.Or(path, "the file"))
	case n.Style&yaml.TaggedStyle != 0:
		f.at(n, "%s: tags are not read here; put a text that begins with ! in quotes", cmp.Or(path, "the file"))
	case n.Tag == "!!null": // a key without a value leaves the default
	case t.Kind() == reflect.Struct || t.Kind() == reflect.Map:
		f.mapping(n, t, path)
	case t.Kind() == reflect.Slice && n.Kind != yaml.SequenceNode:
		f.at(n, "%s must be a list, as in [one, two]", path)
	case t.Kind() == reflect.Slice:
		for i, item := range n.Content {
			f.walk(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
		}
	case n.Kind != yaml.ScalarNode:
		f.at(n, "%s must be one value", path)
	case t.Kind() == reflect.Bool && n.Tag != "!!bool":
		f.at(n, "%s must be true or false", path)
	case t == reflect.TypeFor[Duration]():
		if err := new(Duration).UnmarshalText([]byte(n.Value)); err != nil {
			f.at(n, "%s: %v", path, err)
		}
	}
}

// mapping checks keys, and what stands under them.
func (f *faults) mapping(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind != yaml.MappingNode {
		f.at(n, "%s must hold keys, as in {key: value}", cmp.Or(path, "the file"))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name, _, glued := strings.Cut(key.Value, ":")
		inner, known := valueType(t, name)
		full := join(path, name)
		if !known && len(name) > 24 { // no key is so long, but a token is that lost its key
			full = join(path, "...")
		}
		switch {
		case key.Kind != yaml.ScalarNode || key.Tag == "!!merge":
			f.at(key, "a key must be a word")
		case glued:
			f.at(key, "%s: put a space after the colon", full)
		case seen[name]:
			f.at(key, "%s stands twice", full)
		case !known:
			f.at(key, "unknown key %q%s", full, suggest(name, t))
		default:
			seen[name] = true
			f.walk(value, inner, full)
		}
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// valueType is the type of what stands under a key.
func valueType(t reflect.Type, key string) (reflect.Type, bool) {
	if t.Kind() == reflect.Map {
		return t.Elem(), true
	}
	for field := range t.Fields() {
		if field.Tag.Get("yaml") == key {
			return field.Type, true
		}
	}
	return nil, false
}

// suggest names the known key closest to a mistyped one, if one is close.
func suggest(key string, t reflect.Type) string {
	var known []string
	for field := range t.Fields() {
		known = append(known, field.Tag.Get("yaml"))
	}
	if closest := rules.Closest(key, known); closest != "" {
		return fmt.Sprintf("; did you mean %q?", closest)
	}
	return ""
}
