package rules

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// Schema is the JSON Schema (draft 2020-12) of the rule format, as far as it is built: editors complete
// and check by it. It is made of the same table as the parser.
func Schema() []byte {
	defs := map[string]any{}
	for name, s := range format {
		defs[name] = s.schema()
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(map[string]any{ // maps, lists and texts: there is nothing that cannot be encoded
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "Clickthread rule file, version 1",
		"$ref":    reference("file"),
		"$defs":   defs,
	})
	return b.Bytes()
}

func reference(name string) string { return "#/$defs/" + name }

func (s shape) schema() map[string]any {
	schema := map[string]any{"type": "object"}
	if s.keys == nil {
		schema["additionalProperties"] = s.each.schema()
		return schema
	}
	properties := map[string]any{}
	for _, k := range s.keys {
		if !k.is.later {
			property := k.is.schema()
			property["description"] = k.doc
			properties[k.name] = property
		}
	}
	schema["properties"], schema["additionalProperties"] = properties, false
	if s.needs != nil {
		schema["required"] = s.needs
	}
	if s.one {
		schema["minProperties"], schema["maxProperties"] = 1, 1
	}
	return schema
}

func (f form) schema() map[string]any {
	var alone, listed []any
	scalar := map[string]any{"type": []string{"string", "number", "boolean"}} // 0123, 1.20 and no are texts here
	if f.text {
		alone = append(alone, scalar)
	}
	if f.texts {
		listed = append(listed, scalar)
	}
	if f.words != nil {
		words := map[string]any{"enum": asYAML(f.words)}
		alone = append(alone, words)
		if f.several {
			listed = append(listed, words)
		}
	}
	if f.shape != "" {
		shape := map[string]any{"$ref": reference(f.shape)}
		if f.several {
			listed = append(listed, shape)
		} else {
			alone = append(alone, shape)
		}
	}
	if listed != nil {
		alone = append(alone, map[string]any{"type": "array", "items": oneOrAny(listed), "minItems": 1})
	}
	return oneOrAny(alone)
}

func oneOrAny(schemas []any) map[string]any {
	if one, ok := schemas[0].(map[string]any); ok && len(schemas) == 1 {
		return one
	}
	return map[string]any{"anyOf": schemas}
}

// asYAML lists words with what they are to YAML where that is no text: 1, true.
func asYAML(words []string) []any {
	var values []any
	for _, word := range words {
		values = append(values, word)
		if n, err := strconv.Atoi(word); err == nil {
			values = append(values, n)
		} else if b, err := strconv.ParseBool(word); err == nil {
			values = append(values, b)
		}
	}
	return values
}
