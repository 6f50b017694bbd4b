package rules

import (
	"encoding/json"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v4"
)

// ErrCancelIf says that what is kept of a "cancel_if" cannot be read.
var ErrCancelIf = errors.New("cancel_if cannot be read")

// encodeTriggers keeps a "cancel_if" as JSON of the same format, its lists of phrases spelled out: a
// delivery goes on by it after its rule has changed or is gone (ledger 27).
func encodeTriggers(n *yaml.Node) []byte {
	kept, err := json.Marshal(plainTree(n))
	if err != nil {
		return nil // texts, lists and maps of them: there is nothing that cannot be encoded
	}
	return kept
}

// plainTree is a node without its place and style.
func plainTree(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		tree := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			tree[n.Content[i].Value] = plainTree(n.Content[i+1])
		}
		return tree
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, element := range n.Content {
			list[i] = plainTree(element)
		}
		return list
	}
	return n.Value
}

// Cancels reports whether what happened cancels a waiting event, given the event's Decision.CancelIf.
// The facts must be later than the event, and of its conversation. The error is ErrCancelIf.
func Cancels(cancelIf []byte, f Facts) (bool, error) {
	if len(cancelIf) == 0 {
		return false, nil
	}
	r := &reader{}
	root := r.document(cancelIf)
	if root == nil {
		return false, fmt.Errorf("%w: %v", ErrCancelIf, r.problems)
	}
	triggers := r.triggers(root, `"cancel_if"`)
	if hasError(r.problems) {
		return false, fmt.Errorf("%w: %v", ErrCancelIf, r.problems)
	}
	rule := &bound{Rule: &Rule{Mode: Live, when: anyOf(triggers)}}
	set := &Set{rules: []*bound{rule}, index: newIndex([]*bound{rule})}
	matches, _ := set.matches(&f)
	return len(matches) > 0, nil
}
