package rules

import (
	"fmt"
	"slices"
)

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

// Hears says what a set listens for beside what customers do. What it does not hear need not be
// offered to it (ledger 6).
type Hears struct {
	OurTexts   bool // we_say
	Templates  bool // we_send_template
	Detections bool // meta_detects
	Quotes     bool // last_amount_we_quoted: Facts.Quoted is asked for
	Dedupes    bool // dedupe: DedupeKeys are asked for
}

// Hears says what the rules of the set listen for, to fire or to cancel. A nil Set hears nothing.
func (s *Set) Hears() Hears {
	if s == nil {
		return Hears{}
	}
	return s.hears
}

func hears(rules []*bound) (h Hears) {
	for _, b := range rules {
		if b.Mode == Off {
			continue
		}
		h.Quotes = h.Quotes || b.value.quotes()
		h.Dedupes = h.Dedupes || b.dedupe.parts != nil
		for _, when := range slices.Concat(leaves(b.when), b.cancels) {
			switch c := when.(type) {
			case *says:
				h.OurTexts = h.OurTexts || c.ours
			case *templateSent:
				h.Templates = true
			case *detects:
				h.Detections = true
			}
		}
	}
	return h
}
