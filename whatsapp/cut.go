package whatsapp

// Cutting JSON into its parts. A message lies four levels deep in its envelope; letting encoding/json
// parse every level anew nearly doubled the time of decoding and tripled its memory.
//
// What is cut must be valid JSON: the brackets and commas outside strings are then all there is to
// see. The parts share the memory of the whole.

import (
	"bytes"
	"iter"
)

// members yields the keys (without quotes, escapes as they are) and values of a JSON object, and
// nothing for any other value.
func members(raw []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		if !isObject(raw) {
			return
		}
		for member := range parts(raw) {
			key := member[1 : stringEnd(member)-1]
			_, value, _ := bytes.Cut(member[len(key)+2:], []byte{':'})
			if !yield(key, bytes.TrimSpace(value)) {
				return
			}
		}
	}
}

// elements yields the elements of a JSON array, and nothing for any other value.
func elements(raw []byte) iter.Seq[[]byte] {
	if !isArray(raw) {
		return func(func([]byte) bool) {}
	}
	return parts(raw)
}

func isObject(raw []byte) bool { return len(raw) > 0 && raw[0] == '{' }
func isArray(raw []byte) bool  { return len(raw) > 0 && raw[0] == '[' }
func isNull(raw []byte) bool   { return len(raw) > 0 && raw[0] == 'n' }

// parts yields what stands between the commas of an object or array.
func parts(raw []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		rest := bytes.TrimSpace(raw[1 : len(raw)-1])
		for len(rest) > 0 {
			end := partEnd(rest)
			if !yield(bytes.TrimSpace(rest[:end:end])) {
				return
			}
			rest = bytes.TrimSpace(rest[min(end+1, len(rest)):])
		}
	}
}

// partEnd is the index of the first comma outside brackets and strings, or the length.
func partEnd(raw []byte) int {
	depth := 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			i += stringEnd(raw[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return len(raw)
}

// stringEnd is the index behind the closing quote of the string that raw begins with, or the length
// if it is never closed.
func stringEnd(raw []byte) int {
	for i := 1; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++ // the escaped character cannot end the string
		case '"':
			return i + 1
		}
	}
	return len(raw)
}

// checkDepth counts brackets before anything recursive or allocating sees the bytes. On what is not
// JSON it may say anything: the parser refuses that next.
func checkDepth(raw []byte) error {
	depth := 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			i += stringEnd(raw[i:]) - 1
		case '{', '[':
			if depth++; depth > MaxDepth {
				return ErrTooDeep
			}
		case '}', ']':
			depth--
		}
	}
	return nil
}
