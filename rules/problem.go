package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one finding in a rule file, addressed to the person who edits it.
type Problem struct {
	Path      string
	Line, Col int  // from 1; 0 means the file as a whole
	Warning   bool // a warning stops nothing
	Message   string
	Hint      string   // what to do about it; may be empty
	Source    string   // the line itself
	Accounts  []string // whose sets this keeps from being published; filled by Load and NewSet
}

// String is the problem on one line: "rules/shop.yaml:7:5: message; hint".
func (p Problem) String() string {
	var b strings.Builder
	if p.Path != "" {
		b.WriteString(p.Path)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
			if p.Col > 0 {
				fmt.Fprintf(&b, ":%d", p.Col)
			}
		}
		b.WriteString(": ")
	}
	if p.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// Pretty is String, then the source line with a caret under the place.
func (p Problem) Pretty() string {
	if p.Source == "" || p.Line == 0 || p.Col == 0 {
		return p.String()
	}
	gutter := fmt.Sprintf("%4d | ", p.Line)
	before := []rune(p.Source)
	before = before[:min(p.Col-1, len(before))]
	for i, r := range before {
		if r != '\t' { // a tab stays a tab, so that the caret stands where the editor shows it
			before[i] = ' '
		}
	}
	margin := strings.Repeat(" ", len(gutter)-2) + "| "
	return p.String() + "\n" + gutter + p.Source + "\n" + margin + string(before) + "^"
}

// hasError reports whether a problem is more than a warning.
func hasError(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return !p.Warning })
}

// sortProblems puts problems in the order in which a person meets them in the files.
func sortProblems(problems []Problem) {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
}

// didYouMean names the known word closest to what was written, or lists them all if none is close.
func didYouMean(word string, known []string) string {
	if closest := Closest(word, known); closest != "" {
		return fmt.Sprintf("did you mean %q?", closest)
	}
	if len(known) == 0 {
		return ""
	}
	return "known here: " + strings.Join(known, ", ")
}

// Closest returns the known word that a mistyped one was probably meant to be, "" if none is close.
// Case does not count.
func Closest(word string, known []string) string {
	best, distance := "", 3
	for _, k := range known {
		d := editDistance(strings.ToLower(word), strings.ToLower(k))
		if d < distance && d < len(k) {
			best, distance = k, d
		}
	}
	return best
}

// editDistance counts the insertions, deletions, changes and swaps of neighbours between two words.
// Long words are not compared: nobody mistypes 64 letters, and the cost grows with the square.
func editDistance(a, b string) int {
	if max(len(a), len(b)) > 64 {
		return 64
	}
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(last[j]+1, row[j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
