package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/clickthread/clickthread/capi"
)

const introduction = `# What Meta's errors mean

<!-- Made by "make generate" from capi/codes.go and capi/meaning.go. Change it there. -->

When Meta does not take an event, ` + "`clickthread events show ID`" + ` prints Meta's code, what happened and what you can
do. This page is the whole list, by what Clickthread does about it. A code is written with its subcode: 100/33.
Meta's own sentence, in the language of the token's owner, is kept beside it.

Commands that ask Meta for something else, like a dataset or the list of blocked people, print the same words. What
they ask is not repeated by itself.
`

// sections are the verdicts in the order in which they need a person.
var sections = []struct {
	verdict     capi.Verdict
	title, says string
}{
	{capi.Pause, "The account is paused", "Something about the token, a permission or the dataset is wrong, so that no event of this account can arrive. Nothing is lost: all events wait, and one call every 10 minutes tries whether it is mended. `clickthread accounts resume ID` tries at once."},
	{capi.Refused, "The event is rejected", "Meta looked at an event and said no, and would say no again. Meta refuses a whole batch for one such event, so the batch is halved until the event is found; the others are sent."},
	{capi.Unclear, "The event is held", "Meta said no for a reason that is not in this list. The event waits for you to decide."},
	{capi.Throttled, "Sending waits", "There were too many calls in a short time. The account waits as long as Meta asks, and goes on by itself."},
	{capi.Again, "It is tried again", "Something broke that mends itself. The same event is tried again by itself, first after seconds, then after up to an hour, until it would be 7 days old."},
	{capi.Unknown, "Nobody knows whether Meta has it", "The event left, and no answer came that can be relied on. If it is sent again, Meta may count it twice; if not, it may be missing. The account's setting `unknown` decides: `resend` (the default) or `hold`."},
}

// metaErrors is docs/meta-errors.md.
func metaErrors() []byte {
	var b bytes.Buffer
	b.WriteString(introduction)
	for _, s := range sections {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| code | what happened | what to do |\n|---|---|---|\n", s.title, s.says)
		for _, r := range rows(s.verdict) {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", strings.Join(r.codes, ", "), cell(r.what), cell(r.fix))
		}
	}
	return b.Bytes()
}

// row is one line of a table: codes with the same words share one.
type row struct {
	codes     []string
	what, fix string
}

func rows(verdict capi.Verdict) []row {
	var all []row
	for _, e := range capi.Explanations() {
		if e.Verdict != verdict {
			continue
		}
		if n := len(all); n > 0 && all[n-1].what == e.What && all[n-1].fix == e.Fix {
			all[n-1].codes = append(all[n-1].codes, code(e))
			continue
		}
		all = append(all, row{[]string{code(e)}, e.What, e.Fix})
	}
	return all
}

// code writes "100/33", "200 to 299", or that Meta named none.
func code(e capi.Explanation) string {
	switch {
	case e.Code == 0:
		return "none"
	case e.UpTo != 0:
		return fmt.Sprintf("%d to %d", e.Code, e.UpTo)
	case e.Subcode != 0:
		return fmt.Sprintf("%d/%d", e.Code, e.Subcode)
	default:
		return fmt.Sprint(e.Code)
	}
}

// cell begins with a capital letter and keeps a table in one piece.
func cell(words string) string {
	words = strings.ReplaceAll(words, "|", `\|`)
	return strings.ToUpper(words[:1]) + words[1:]
}
