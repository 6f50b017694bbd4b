package rules

import (
	"path/filepath"
	"slices"
	"testing"

	"go.yaml.in/yaml/v4"
)

// Every key of the format stands in a file that is good, and something is wrong at it in one that is bad.
func TestEveryKeyHasAGoodAndABadFile(t *testing.T) {
	good, bad := map[string]bool{}, map[string]bool{}
	for _, pattern := range []string{"testdata/good.*.yaml", "testdata/examples/*.yaml"} {
		for _, path := range filesLike(t, pattern) {
			if src := read(t, path); !withOrders(src) {
				eachKey("file", root(src), func(at string, _, _ *yaml.Node) { good[at] = true })
			}
		}
	}
	for _, path := range filesLike(t, "testdata/bad.*.yaml") {
		src := read(t, path)
		_, problems := ParseFile(path, src)
		for _, p := range problems {
			at := ""
			eachKey("file", root(src), func(key string, k, v *yaml.Node) {
				if within(p, k, v) {
					at = key // the innermost comes last
				}
			})
			bad[at] = true
		}
	}
	for name, s := range format {
		for _, k := range s.keys {
			at := name + "." + k.name
			if !good[at] && !k.is.later {
				t.Errorf("no good file has the key %s", at)
			}
			if !bad[at] {
				t.Errorf("no bad file has something wrong at the key %s", at)
			}
		}
	}
}

func filesLike(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(paths), err)
	}
	return paths
}

// root is the file's one node, empty where it is no YAML.
func root(src []byte) *yaml.Node {
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil || len(doc.Content) == 0 {
		return &yaml.Node{}
	}
	return doc.Content[0]
}

// eachKey visits the keys of a mapping, and those below them, by the shapes that the format has.
func eachKey(name string, n *yaml.Node, visit func(at string, key, value *yaml.Node)) {
	if n.Kind == yaml.SequenceNode {
		for _, element := range n.Content {
			eachKey(name, element, visit)
		}
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	s := format[name]
	for i := 0; i+1 < len(n.Content); i += 2 {
		below := s.each.shape
		if at := slices.IndexFunc(s.keys, func(k key) bool { return k.name == n.Content[i].Value }); at >= 0 {
			visit(name+"."+n.Content[i].Value, n.Content[i], n.Content[i+1])
			below = s.keys[at].is.shape
		}
		if below != "" {
			eachKey(below, n.Content[i+1], visit)
		}
	}
}

// within reports whether a problem stands at a key, or at what is behind it.
func within(p Problem, key, value *yaml.Node) bool {
	last := value
	for len(last.Content) > 0 {
		last = last.Content[len(last.Content)-1]
	}
	after := p.Line > key.Line || p.Line == key.Line && p.Col >= key.Column
	return after && (p.Line < last.Line || p.Line == last.Line && p.Col <= last.Column)
}
