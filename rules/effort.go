package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// This file bounds what one message may cost, whatever it says and whatever the rules ask of it.

// effort is what may still be spent on a message, in steps of a few nanoseconds. Messages as people
// write them, beside as many rules as an account may have, use up a small part of it. Those made to be
// slow use it up: what is not looked at then does not fit, and money that is not read is held.
type effort struct{ left int }

// maxEffort takes the engine one or two milliseconds.
const maxEffort = 400_000

// spend takes a number of steps and reports whether they were still there.
func (e *effort) spend(steps int) bool {
	e.left -= steps
	return e.left >= 0
}

// over reports whether nothing is left.
func (e *effort) over() bool { return e.left < 0 }

// share is what one regular expression may use, so that a heavy one leaves some to the others.
func (e *effort) share() int { return max(e.left, 0) / 8 }

// perRule is about what it takes to try one rule and to say what came of it.
const perRule = 80

// notes is what was made of a message's smaller texts, so that it is made once for all rules.
type notes struct {
	plains map[string]plainText
	looks  map[string]*heard
	sums   map[string]string // see digest
	quoted *heard            // see quote
	asked  bool              // for it
}

// plainText is a text as tests compare it, and as regular expressions see it.
type plainText struct{ folded, nfc string }

func (n *notes) plain(text string) plainText {
	text = cut(text, maxText)
	if p, ok := n.plains[text]; ok {
		return p
	}
	if n.plains == nil {
		n.plains = map[string]plainText{}
	}
	p := plainText{folded(text), norm.NFC.String(text)}
	n.plains[text] = p
	return p
}

// look prepares a text for being searched for amounts.
func (n *notes) look(text string, e *effort) *heard {
	e.spend(len(text) / 16)
	if h, ok := n.looks[text]; ok {
		return h
	}
	if n.looks == nil {
		n.looks = map[string]*heard{}
	}
	h := look(text, maxText)
	n.looks[text] = h
	return h
}

// digest tells texts apart that are not the same but for case, accents and spaces; it is empty for an
// empty text.
func (n *notes) digest(text string) string {
	if sum, ok := n.sums[text]; ok {
		return sum
	}
	if n.sums == nil {
		n.sums = map[string]string{}
	}
	plain := strings.Join(strings.Fields(folded(text)), " ")
	if plain != "" {
		sum := sha256.Sum256([]byte(plain))
		n.sums[text] = hex.EncodeToString(sum[:])
	}
	return n.sums[text]
}

// maxQuoted is how many texts of the business are looked at for an amount that it quoted.
const maxQuoted = 20

// quote is the newest text of the business that names an amount with a currency, nil if none does. Of
// all texts together as much is looked at as of one message.
func (n *notes) quote(texts []string) *heard {
	room := maxText
	for i := 0; !n.asked && n.quoted == nil && i < min(len(texts), maxQuoted) && room > 0; i++ {
		h := look(texts[i], room)
		if slices.ContainsFunc(h.figures(), func(f number) bool { return f.marked }) {
			n.quoted = h
		}
		room -= len(texts[i])
	}
	n.asked = true
	return n.quoted
}
