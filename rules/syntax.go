package rules

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// plainText refuses what editors hide: bytes that are no UTF-8, control characters and tabs.
func (r *reader) plainText() bool {
	for i, line := range r.lines {
		col := 0
		for at, c := range line {
			col++
			switch {
			case c == utf8.RuneError && !strings.HasPrefix(line[at:], string(utf8.RuneError)):
				r.lines = nil // not fit to be shown
				r.add(false, i+1, col, "save it as UTF-8", "the file is not UTF-8 text")
				return false
			case c == '\t':
				r.add(false, i+1, col, "use spaces", "a tab stands here")
			case c < ' ' || c == 0x7f:
				r.add(false, i+1, col, "delete it", fmt.Sprintf("an invisible control character (%U) stands here", c))
			default:
				continue
			}
			break // one finding a line is enough
		}
	}
	return len(r.problems) == 0
}

// syntax says a YAML error in words for people who do not know the YAML grammar.
func (r *reader) syntax(err error) {
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		r.add(false, 0, 0, "", "this is not YAML: "+err.Error())
		return
	}
	line, col := load.Mark.Line, load.Mark.Column
	if load.ContextMark.Line > 0 && strings.Contains(load.Message, "end of stream") {
		line, col = load.ContextMark.Line, load.ContextMark.Column
	}
	says := func(part string) bool { return strings.Contains(load.Message+" "+load.ContextMsg, part) }
	message, hint := load.Message, ""
	switch {
	case says("anchor") || says("alias"):
		message, hint = "anchors and aliases (& and *) are not part of the rule format", `write a text that begins with * or & in quotes, as in "*_paid"`
	case says("cannot start any token"):
		message, hint = "a text cannot begin with this character", `put the text in "quotes"`
	case says("quoted scalar") && says("end of stream"):
		message = "this quote is never closed"
	case says("unknown escape"):
		message, hint = `a backslash in "double quotes" has a meaning of its own`, "use 'single quotes'"
	case says("mapping values are not allowed"):
		message, hint = "a second colon stands on this line, or the line stands too far right", `put a text with a colon in "quotes"`
	case says("flow sequence"):
		message, hint = "a list that begins with [ goes wrong before here", "close it with ], with commas between"
	case says("flow mapping"):
		message, hint = "a mapping that begins with { goes wrong before here", "close it with }, with commas between"
	case says("block collection"), says("block mapping"), says("document start"):
		message, hint = "this line does not stand under its neighbours", "begin it in the same column as the lines it belongs to"
	case says("node content"):
		message, hint = "a value or a closing bracket is missing before here", "close every [ with ] and every { with }"
	case says("could not find expected ':'"):
		message, hint = "a colon is missing before here", "write key: value"
	}
	r.add(false, min(max(line, 1), len(r.lines)), max(col, 1), hint, message)
}
