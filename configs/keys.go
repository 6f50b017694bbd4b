package configs

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// unknownKeys walks a document beside the struct it is decoded into and reports keys that the
// struct does not have, and keys that stand twice, each with its line and the closest known key.
func unknownKeys(root *yaml.Node, into any) []error {
	if root.Kind == yaml.DocumentNode && len(root.Content) > 0 {
		root = root.Content[0]
	}
	return walk(root, reflect.TypeOf(into).Elem(), "")
}

func walk(n *yaml.Node, t reflect.Type, at string) []error {
	switch {
	case n.Kind == yaml.AliasNode:
		return []error{fmt.Errorf("  line %d: anchors and aliases are not read here; write the value out", n.Line)}
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		var faults []error
		for _, item := range n.Content {
			faults = append(faults, walk(item, t.Elem(), at)...)
		}
		return faults
	case n.Kind == yaml.MappingNode && (t.Kind() == reflect.Struct || t.Kind() == reflect.Map):
		return walkMapping(n, t, at)
	}
	return nil
}

func walkMapping(n *yaml.Node, t reflect.Type, at string) []error {
	var faults []error
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if seen[key.Value] {
			faults = append(faults, fmt.Errorf("  line %d: %s stands twice", key.Line, at+key.Value))
		}
		seen[key.Value] = true
		inner, known := valueType(t, key.Value)
		if !known {
			faults = append(faults, fmt.Errorf("  line %d, column %d: unknown key %q%s", key.Line, key.Column, at+key.Value, suggest(key.Value, t)))
			continue
		}
		faults = append(faults, walk(value, inner, at+key.Value+".")...)
	}
	return faults
}

// valueType is the type of what stands under a key.
func valueType(t reflect.Type, key string) (reflect.Type, bool) {
	if t.Kind() == reflect.Map {
		return t.Elem(), true
	}
	field, known := fields(t)[key]
	return field, known
}

// fields maps the yaml names of a struct's fields to their types.
func fields(t reflect.Type) map[string]reflect.Type {
	names := make(map[string]reflect.Type, t.NumField())
	for field := range t.Fields() {
		names[field.Tag.Get("yaml")] = field.Type
	}
	return names
}

func suggest(key string, t reflect.Type) string {
	best, distance := "", 1+len(key)/2
	for name := range fields(t) {
		if d := editDistance(key, name); d < distance || d == distance && cmp.Less(name, best) {
			best, distance = name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// editDistance is Levenshtein's: how many letters to insert, delete or change.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := slices.Clone(row)
		row[0] = i + 1
		for j := range len(b) {
			change := 0
			if !strings.EqualFold(a[i:i+1], b[j:j+1]) {
				change = 1
			}
			row[j+1] = min(previous[j+1]+1, row[j]+1, previous[j]+change)
		}
	}
	return row[len(b)]
}
