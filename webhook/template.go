package webhook

import (
	"strings"

	"github.com/clickthread/clickthread/rules"
)

// templateMark begins the callback data in which a sender tells us which template it sent.
const templateMark = "tpl:"

// parseTemplate reads callback data (Meta: biz_opaque_callback_data) as a sender sets it for us:
// "tpl:NAME;p2=1299.00" is the template NAME whose body's second parameter is 1299.00. A parameter with
// a name is written by it: "tpl:NAME;total=1299.00". A value holds no semicolon.
func parseTemplate(callback string) (t rules.Template, ok bool) {
	text, ok := strings.CutPrefix(callback, templateMark)
	parts := strings.Split(text, ";")
	if !ok || parts[0] == "" {
		return t, false
	}
	t = rules.Template{Name: parts[0], Parameters: map[string]string{}}
	for _, part := range parts[1:] {
		name, value, isParameter := strings.Cut(part, "=")
		if number, ok := strings.CutPrefix(name, "p"); ok && number != "" && strings.Trim(number, "0123456789") == "" {
			name = number
		}
		if isParameter && name != "" {
			t.Parameters[name] = value
		}
	}
	return t, true
}
