package rules

import "fmt"

// This file judges the rules of one account together.

// countPhrases counts those of lists as often as they are used.
func countPhrases(rules []*bound) (n int) {
	for _, b := range rules {
		for _, when := range leaves(b.when) {
			if c, ok := when.(*says); ok {
				n += len(c.positive()) + len(c.none)
			}
		}
	}
	return n
}

// twicePurchased warns of live rules that hear of purchases in different ways and share no dedupe: one
// sale would be told twice (ledger 15).
func twicePurchased(rules []*bound) []Problem {
	var first *bound
	for _, b := range rules {
		switch {
		case b.Mode != Live || b.Event != "Purchase" || b.when == nil:
		case first == nil:
			first = b
		case source(first) != source(b) && (b.dedupe.parts == nil || first.dedupe.parts == nil):
			return []Problem{{
				Path: b.Path, Line: b.Line, Warning: true,
				Message: fmt.Sprintf("rule %q may tell Meta of a sale that rule %q has told of already", b.ID, first.ID),
				Hint:    `give both the same dedupe:, such as "{order_no}"`,
			}}
		}
	}
	return nil
}

// source is the kind of thing that a rule's first trigger listens for.
func source(b *bound) string {
	when := leaves(b.when)[0]
	if c, ok := when.(*says); ok {
		return c.who()
	}
	return fmt.Sprintf("%T", when)
}
