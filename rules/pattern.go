package rules

import (
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
)

// maxSteps refuses what is written short and runs long, such as "(a?){1000}".
const maxSteps = 1000

// pattern is a regular expression of a rule file, in RE2 syntax.
type pattern struct {
	re      *regexp.Regexp
	machine *machine
	named   bool // it has groups with names
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
	if steps := len(program.Inst); steps > maxSteps {
		return nil, steps, nil
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, 0, err
	}
	p = &pattern{re: re, machine: newMachine(program)}
	for _, name := range re.SubexpNames() {
		p.named = p.named || name != ""
	}
	return p, 0, nil
}

// fit is how a regular expression went on one text.
type fit struct {
	pattern *pattern
	ok      bool
	steps   int // that its groups take; 0: they are not known
}

// on tries the expression on a text, as far as the effort goes.
func (p *pattern) on(text string, e *effort, r *run) fit {
	share := e.share()
	ok, used := p.machine.fits(text, r, share, p.named)
	e.spend(used)
	if used > share || !p.named {
		used = 0
	}
	return fit{p, ok, used}
}

// perGroups is what it takes at least to find the groups of a text.
const perGroups = 250

// groups adds what the named groups hold at the first place that fits. Of a text that is long for so
// heavy an expression it adds nothing: half a text could hold half an amount.
func (f fit) groups(text string, e *effort, found map[string]string) {
	if f.steps == 0 || !e.spend(perGroups+2*f.steps) {
		return
	}
	held := f.pattern.re.FindStringSubmatch(text)
	for i, name := range f.pattern.re.SubexpNames() {
		if _, known := found[name]; held != nil && name != "" && !known {
			found[name] = held[i]
		}
	}
}

// named is what fills a hole or a named group. The groups are only looked for where one is asked for.
func (m *match) named(name string) string {
	if m.groups == nil {
		m.groups = map[string]string{}
		if m.fit.ok && m.heard.whole {
			m.fit.groups(m.heard.raw, &m.msg.effort, m.groups)
		}
		for _, field := range slices.Sorted(maps.Keys(m.tests)) {
			m.testGroups(m.tests[field], m.texts(field))
		}
	}
	if text, ok := m.groups[name]; ok {
		return text
	}
	return m.captures[name]
}

// testGroups adds the groups of a test, from the first of several texts that it holds for.
func (m *match) testGroups(t *test, texts []string) {
	if t.regex == nil || !t.regex.named {
		return
	}
	for _, text := range texts {
		if len(text) < maxText && t.fits(text, m.msg) {
			nfc := m.msg.notes.plain(text).nfc
			t.regex.on(nfc, &m.msg.effort, &m.msg.run).groups(nfc, &m.msg.effort, m.groups)
			return
		}
	}
}
