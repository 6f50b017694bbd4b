package rules

import (
	"crypto/sha256"
	"fmt"
	"io"

	"go.yaml.in/yaml/v4"
)

// An id is part of every claim (ledger 14): the same rule under another one is a new rule, and may send once
// more what the old one has sent.

// likeness is a hash of all that a rule says but for its id and name.
type likeness [sha256.Size]byte

func likenessOf(rule *yaml.Node) likeness {
	h := sha256.New()
	for i := 0; i+1 < len(rule.Content); i += 2 {
		if key := rule.Content[i]; key.Value != "id" && key.Value != "name" {
			hashNode(h, key)
			hashNode(h, rule.Content[i+1])
		}
	}
	return likeness(h.Sum(nil))
}

func hashNode(h io.Writer, n *yaml.Node) {
	_, _ = fmt.Fprintf(h, "%d %d %d:%s", n.Kind, len(n.Content), len(n.Value), n.Value)
	for _, child := range n.Content {
		hashNode(h, child)
	}
}

// Renamed warns of rules of a set that stood in the one before under another id, and there no more.
func Renamed(before, now *Set) (problems []Problem) {
	if before == nil || now == nil {
		return nil
	}
	gone := map[likeness]*bound{}
	for _, b := range before.rules {
		if now.byID(b.ID) == nil {
			gone[b.like] = b
		}
	}
	for _, b := range now.rules {
		if old := gone[b.like]; old != nil && before.byID(b.ID) == nil {
			problems = append(problems, Problem{
				Path: b.Path, Line: b.Line, Warning: true,
				Message: fmt.Sprintf("rule %q was called %q: it is a new rule now, and may send once more what it has sent under that id", b.ID, old.ID),
				Hint:    fmt.Sprintf("keep id: %s, and change name: instead", old.ID),
			})
		}
	}
	return problems
}

func (s *Set) byID(id string) *bound {
	for _, b := range s.rules {
		if b.ID == id {
			return b
		}
	}
	return nil
}
