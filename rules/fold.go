package rules

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// This file turns a text into the words that phrases are compared with: case, accents, emoji,
// invisible characters and repeated spaces are gone, everything else counts.

// heard is one text of a message, prepared once for all rules.
type heard struct {
	raw    string // NFC, at most maxText bytes: what regular expressions see
	clean  string // raw without invisible characters, emoji as spaces: what amounts are read from
	whole  bool   // nothing was cut off
	tokens []token
	hits   map[string][]span // by phrase.key

	numbers []number // filled by figures
	scanned bool
	read    map[rune][]amount // the numbers, by grouping mark
	holes   map[hole]int      // where those that were tried end
	fills   int               // how often one was tried
}

// token is a folded word, or a single mark such as "?". at and end are its place in the clean text.
type token struct {
	text    string
	at, end int
}

// hear prepares a text, as much of it as there is room for, and finds the phrases that occur in it.
func hear(text string, room int, l *lexicon) *heard {
	h := look(text, room)
	h.tokens = tokenize(h.clean)
	h.hits = l.find(h)
	return h
}

// look prepares a text for being searched for amounts only.
func look(text string, room int) *heard {
	raw := cut(text, room)
	whole := len(raw) == len(text)
	if !isASCII(raw) {
		raw = norm.NFC.String(raw)
	}
	return &heard{raw: raw, clean: clean(raw), whole: whole}
}

// cut takes the first bytes of a text, at the border of a character.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	end := most
	for end > 0 && end > most-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// clean is the text as a person sees it: invisible characters dropped, emoji as spaces, full-width
// forms narrow.
func clean(text string) string {
	if isASCII(text) {
		return text
	}
	out := make([]byte, 0, len(text))
	for _, r := range text {
		switch {
		case r == '\u20e3': // keycap: the digit before it is part of an emoji
			if n := len(out); n > 0 && out[n-1] < utf8.RuneSelf {
				out[n-1] = ' '
			}
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		case invisible(r):
		case emoji(r):
			out = append(out, ' ')
		case '！' <= r && r <= '～':
			out = append(out, byte(r-'！'+'!'))
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return string(out)
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// invisible characters take no room: zero-width joiners and spaces, direction marks, variation
// selectors, fillers.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// emoji are Unicode's "other symbols", skin tones, and the arrows and shapes that phones draw as emoji.
func emoji(r rune) bool {
	return unicode.Is(unicode.So, r) || '\U0001f3fb' <= r && r <= '\U0001f3ff' ||
		unicode.Is(unicode.Sm, r) && '\u2190' <= r && r <= '\u2bff'
}

// tokenize splits clean text into folded words and marks.
func tokenize(text string) []token {
	tokens := make([]token, 0, min(len(text)/4+1, maxWords))
	var room strings.Builder
	for i := 0; i < len(text) && len(tokens) < maxWords; {
		r, size := utf8.DecodeRuneInString(text[i:])
		end := i + size
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			i = end
			continue
		}
		if wordRune(r) && !standsAlone(r) {
			end = wordEnd(text, i)
		}
		if word := foldInto(&room, cut(text[i:end], maxWord)); word != "" {
			tokens = append(tokens, token{text: word, at: i, end: end})
		}
		i = end
	}
	return tokens
}

// wordEnd finds where the word that begins at i ends.
func wordEnd(text string, i int) int {
	var last rune
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if !wordRune(r) || standsAlone(r) {
			next, _ := utf8.DecodeRuneInString(text[i+size:])
			if !joins(last, r, next) {
				return i
			}
		}
		last = r
		i += size
	}
	return i
}

// joins reports whether a mark makes one word of what stands around it: a hyphen of two words
// ("bem-vindo"), the marks inside numbers, dates and hours of two digits ("1.299,90", "12:30").
func joins(last, mark, next rune) bool {
	switch mark {
	case '-', '\u2010', '\u2011':
		return wordRune(last) && wordRune(next)
	case '.', ',', ':', '/', '\'', '’':
		return isDigit(last) && isDigit(next)
	}
	return false
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

func wordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return isDigit(r) || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)
}

// standsAlone reports whether a letter is a word by itself: these scripts put no spaces between words.
func standsAlone(r rune) bool {
	return r > '\u0dff' && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// folded is a text in lower case, in compatibility form and without accents.
func folded(text string) string { return foldInto(&strings.Builder{}, text) }

// foldInto is folded with the room of all words of a text. What a Builder gave out stays as it is.
func foldInto(b *strings.Builder, text string) string {
	if isFolded(text) {
		return text
	}
	from := b.Len()
	for i, size := 0, 0; i < len(text); i += size {
		var r rune
		switch r, size = utf8.DecodeRuneInString(text[i:]); {
		case 'A' <= r && r <= 'Z':
			b.WriteByte(byte(r) + 'a' - 'A')
		case r < utf8.RuneSelf:
			b.WriteByte(byte(r))
		case int(r) < len(latin):
			b.WriteString(latin[r])
		default:
			foldLetter(b, text[i:i+size])
		}
	}
	return b.String()[from:]
}

// latin are the letters of most languages with accents, folded beforehand.
var latin = func() (table [0x180]string) {
	for r := utf8.RuneSelf; r < len(table); r++ {
		var b strings.Builder
		foldLetter(&b, string(rune(r)))
		table[r] = b.String()
	}
	return table
}()

func foldLetter(b *strings.Builder, letter string) {
	if parts := norm.NFKD.PropertiesString(letter).Decomposition(); parts != nil {
		letter = string(parts)
	}
	for _, r := range letter {
		foldRune(b, r)
	}
}

// isFolded spares most words the work: small letters without accents.
func isFolded(text string) bool {
	for i := range len(text) {
		if c := text[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

func foldRune(b *strings.Builder, r rune) {
	switch r = unicode.ToLower(r); {
	case accent(r):
	case r == 'ß':
		b.WriteString("ss")
	case r == 'ς':
		b.WriteRune('σ')
	case r == '’' || r == '‘':
		b.WriteByte('\'')
	case r == '\u2010' || r == '\u2011':
		b.WriteByte('-')
	default:
		b.WriteRune(r)
	}
}

// accent is a combining mark that belongs to no script of its own. The vowel signs of Indic scripts
// and the voicing marks of Japanese are letters to their readers and stay.
func accent(r rune) bool {
	return unicode.Is(unicode.Mn, r) && unicode.Is(unicode.Inherited, r) && r != '\u3099' && r != '\u309a'
}
