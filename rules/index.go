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
		if owners := ix.owners[p.key]; len(owners) == 0 || owners[len(owners)-1] != rule {
			ix.owners[p.key] = append(owners, rule)
		}
	}
}

// candidates returns the rules worth trying, of n, in order and each once.
func (ix *index) candidates(msg *message, n int) []int {
	var lists [][]int
	for _, h := range msg.texts() {
		for key := range h.hits {
			lists = append(lists, ix.owners[key])
		}
		lists = append(lists, ix.regexs)
	}
	if msg.facts.Tap != nil {
		lists = append(lists, ix.taps)
	}
	if msg.facts.Cart != nil {
		lists = append(lists, ix.carts)
	}
	if msg.facts.Template != nil {
		lists = append(lists, ix.templates)
	}
	if msg.facts.Detected != nil {
		lists = append(lists, ix.detected)
	}
	return merge(lists, n)
}

// merge sorts lists of numbers below n into one without repetitions. Few are sorted; many are marked in
// a table, whose cost does not grow with how often they are repeated.
func merge(lists [][]int, n int) []int {
	total := 0
	for _, list := range lists {
		total += len(list)
	}
	found := make([]int, 0, min(total, n))
	if total < n/8 {
		for _, list := range lists {
			found = append(found, list...)
		}
		slices.Sort(found)
		return slices.Compact(found)
	}
	marks := make([]bool, n)
	for _, list := range lists {
		for _, i := range list {
			marks[i] = true
		}
	}
	for i, marked := range marks {
		if marked {
			found = append(found, i)
		}
	}
	return found
}
