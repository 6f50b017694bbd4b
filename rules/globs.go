package rules

import (
	"slices"
	"strings"
)

// globs are exact texts in which * stands for anything; a list means any of.
type globs []string

// allow reports whether one of the globs fits; no globs allow everything.
func (g globs) allow(text string) bool {
	return len(g) == 0 || slices.ContainsFunc(g, func(pattern string) bool { return glob(pattern, text) })
}

func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(text, first) || !strings.HasSuffix(text[len(first):], last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, middle := range parts[1 : len(parts)-1] {
		_, rest, found := strings.Cut(text, middle)
		if !found {
			return false
		}
		text = rest
	}
	return true
}
