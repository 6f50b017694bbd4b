package rules

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

const schemaFile = "testdata/rules.v1.json"

func TestSchemaIsWhatIsPublished(t *testing.T) {
	got := Schema()
	if *update {
		if err := os.WriteFile(schemaFile, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(read(t, schemaFile)), string(got)); diff != "" {
		t.Errorf("run go test ./rules -update and look at what changed (-want +got):\n%s", diff)
	}
}

func TestEveryKeyIsDescribedAndEveryShapeIsUsed(t *testing.T) {
	used := []string{"file"}
	for name, s := range format {
		for _, k := range s.keys {
			used = append(used, k.is.shape)
			if !strings.HasSuffix(k.doc, ".") {
				t.Errorf("%s.%s: %q is no sentence", name, k.name, k.doc)
			}
		}
		used = append(used, s.each.shape)
		for _, key := range s.needs {
			if !slices.Contains(s.names(), key) {
				t.Errorf("%s needs %q, which is no key of it", name, key)
			}
		}
	}
	for _, name := range used {
		if _, ok := format[name]; name != "" && !ok {
			t.Errorf("there is no shape %q", name)
		}
	}
	for name := range format {
		if !slices.Contains(used, name) {
			t.Errorf("nothing uses the shape %q", name)
		}
	}
}

// What passes the parser passes the schema, and a key that nobody knows passes neither.
func TestSchemaTakesTheExamples(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	checker := schemaChecker{schema["$defs"].(map[string]any)}
	for name, src := range examples(t) {
		if withOrders(src) {
			continue
		}
		var doc any
		if err := yaml.Unmarshal(src, &doc); err != nil {
			t.Fatal(err)
		}
		if wrong := checker.check(schema, doc, name); wrong != "" {
			t.Error(wrong)
		}
		doc.(map[string]any)["rules"].([]any)[0].(map[string]any)["sned"] = "Purchase"
		if wrong := checker.check(schema, doc, name); !strings.Contains(wrong, "sned") {
			t.Errorf("%s with an unknown key: %q", name, wrong)
		}
	}
}

// schemaChecker knows as much of JSON Schema as Schema uses.
type schemaChecker struct{ defs map[string]any }

// check says what is wrong with a value, empty if nothing is.
func (c schemaChecker) check(schema map[string]any, value any, at string) string {
	if ref, ok := schema["$ref"].(string); ok {
		return c.check(c.defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any), value, at)
	}
	if anyOf, ok := schema["anyOf"].([]any); ok {
		var wrongs []string
		for _, one := range anyOf {
			wrong := c.check(one.(map[string]any), value, at)
			if wrong == "" {
				return ""
			}
			wrongs = append(wrongs, wrong)
		}
		return strings.Join(wrongs, " or ")
	}
	if enum, ok := schema["enum"].([]any); ok {
		if slices.ContainsFunc(enum, func(word any) bool { return fmt.Sprint(word) == fmt.Sprint(value) }) {
			return ""
		}
		return fmt.Sprintf("%s: %v is none of %v", at, value, enum)
	}
	switch value := value.(type) {
	case map[string]any:
		return c.checkObject(schema, value, at)
	case []any:
		items, ok := schema["items"].(map[string]any)
		if !ok {
			return at + ": a list"
		}
		for i, element := range value {
			if wrong := c.check(items, element, fmt.Sprintf("%s[%d]", at, i)); wrong != "" {
				return wrong
			}
		}
		return ""
	}
	if _, ok := schema["type"].([]any); !ok {
		return at + ": a text"
	}
	return ""
}

func (c schemaChecker) checkObject(schema, object map[string]any, at string) string {
	if schema["type"] != "object" {
		return at + ": a mapping"
	}
	needs, _ := schema["required"].([]any)
	for _, key := range needs {
		if object[key.(string)] == nil {
			return fmt.Sprintf("%s has no %v", at, key)
		}
	}
	if most, ok := schema["maxProperties"].(float64); ok && len(object) != int(most) {
		return at + ": not exactly one key"
	}
	properties, _ := schema["properties"].(map[string]any)
	for key, value := range object {
		inner, ok := properties[key].(map[string]any)
		if !ok {
			if inner, ok = schema["additionalProperties"].(map[string]any); !ok {
				return at + ": unknown key " + key
			}
		}
		if wrong := c.check(inner, value, at+"."+key); wrong != "" {
			return wrong
		}
	}
	return ""
}
