package rules

import "slices"

// index finds the rules that something may concern.
type index struct {
	customer, ours lexicon
	owners         map[string][]int // rules whose trigger a phrase is, by phrase.key
	regexs         []int            // rules to try on every text: their trigger is a regular expression
	taps           []int
	carts          []int
	templates      []int
	detected       []int
}

func newIndex(rules []*bound) index {
	ix := index{owners: map[string][]int{}}
	var customer, ours []*phrase
	for i, b := range rules {
		if b.Mode == Off {
			continue
		}
		for _, when := range leaves(b.when) {
			switch when := when.(type) {
			case *says:
				ix.says(i, when)
				phrases := slices.Concat(when.positive(), when.none)
				if when.ours {
					ours = append(ours, phrases...)
				} else {
					customer = append(customer, phrases...)
				}
			case *taps:
				ix.taps = append(ix.taps, i)
			case *carts:
				ix.carts = append(ix.carts, i)
			case *templateSent:
				ix.templates = append(ix.templates, i)
			case *detects:
				ix.detected = append(ix.detected, i)
			}
		}
	}
	ix.customer, ix.ours = newLexicon(customer), newLexicon(ours)
	return ix
}

func (ix *index) says(rule int, when *says) {
	if when.regex != nil && !when.hasPhrase() {
		ix.regexs = append(ix.regexs, rule)
	}
	for _, p := range when.positive() {
		ix.owners[p.key] = append(ix.owners[p.key], rule)
	}
}

// candidates returns the rules worth trying, in order, each once.
func (ix *index) candidates(msg *message) []int {
	var rules []int
	for _, h := range msg.texts() {
		for key := range h.hits {
			rules = append(rules, ix.owners[key]...)
		}
		rules = append(rules, ix.regexs...)
	}
	if msg.facts.Tap != nil {
		rules = append(rules, ix.taps...)
	}
	if msg.facts.Cart != nil {
		rules = append(rules, ix.carts...)
	}
	if msg.facts.Template != nil {
		rules = append(rules, ix.templates...)
	}
	if msg.facts.Detected != nil {
		rules = append(rules, ix.detected...)
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}
