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
	part, rest, starred := strings.Cut(pattern, "*")
	if !starred {
		return pattern == text
	}
	text, fits := strings.CutPrefix(text, part)
	for fits {
		if part, rest, starred = strings.Cut(rest, "*"); !starred {
			return strings.HasSuffix(text, part)
		}
		_, text, fits = strings.Cut(text, part)
	}
	return false
}
