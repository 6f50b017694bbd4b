package rules

import (
	"regexp"
	"regexp/syntax"
)

// maxEffort bounds what a regular expression may cost on one text: the steps of its program times the
// bytes of the text. The engine's time grows with both, and this many take it about a millisecond.
const maxEffort = 128 << 10

// maxSteps refuses what is written short and runs long, such as "(a?){1000}".
const maxSteps = 1000

// pattern is a regular expression of a rule file, in RE2 syntax.
type pattern struct {
	re   *regexp.Regexp
	sees int // bytes of a text, from its beginning
}

// newPattern compiles a regular expression. tooHeavy is its number of steps, where that is too many.
func newPattern(text string) (p *pattern, tooHeavy int, err error) {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, 0, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, 0, err
	}
	steps := len(program.Inst)
	if steps > maxSteps {
		return nil, steps, nil
	}
	re, err := regexp.Compile(text)
	return &pattern{re: re, sees: maxEffort / steps}, 0, err
}

// find returns the groups of the first place that fits.
func (p *pattern) find(text string) []string {
	return p.re.FindStringSubmatch(cut(text, p.sees))
}
