package capi

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Verdict says what to do about a send that failed.
type Verdict string

// The verdicts that [Error.Retry] gives.
const (
	// Again: it passes by itself, try the same bytes later.
	Again Verdict = "again"
	// Throttled: the account has to wait.
	Throttled Verdict = "throttled"
	// Pause: token, permission or dataset is wrong; nothing of this account succeeds until a person acts.
	Pause Verdict = "pause"
	// Refused: an event in the batch is wrong, and Meta took none of it.
	Refused Verdict = "refused"
	// Unclear: refused for a reason that is not in the table; a person has to look.
	Unclear Verdict = "unclear"
	// Unknown: no answer to rely on came back, so Meta may have taken the events.
	Unknown Verdict = "unknown"
)

// ErrNoneTaken is the cause in an [Error] when Meta answered 200 and counted no event.
var ErrNoneTaken = errors.New("counted none of the events")

// ShortCount is the cause in an [Error] when Meta's receipt counts some of the events, or more than were
// sent: which ones it took, it does not say.
type ShortCount struct{ Counted, Sent int }

func (s ShortCount) Error() string { return fmt.Sprintf("counted %d of %d", s.Counted, s.Sent) }

// Error is a send that did not end in a [Receipt], or another call that failed.
type Error struct {
	Op         string // what was tried, like "read the dataset"; "" means to send events
	HTTPStatus int    // 0 when no answer came
	// Code and Subcode are Meta's, 0 when it named none. They alone decide: Meta's texts come in the
	// language of the token's owner.
	Code, Subcode int
	Type          string
	Message       string
	UserTitle     string
	UserMessage   string
	TraceID       string
	Transient     bool            // Meta's own word that it passes
	Data          json.RawMessage // error_data, in whatever shape Meta sent it
	Events        int             // how many events the request carried
	// RetryAfter is how long Meta asked to be left alone; see Wait.
	RetryAfter time.Duration
	// ServerDate is the answer's Date header, for checking clocks; zero if there was none.
	ServerDate time.Time
	// Sent tells that the request had a connection and may have been written, in part or whole. Without an
	// answer its outcome is then unknown.
	Sent bool
	Body []byte // Meta's answer as received, at most 1 MiB
	Err  error  // what went wrong on our side of the wire
}

// Error is one line for people: what happened, Meta's codes and trace, Meta's own words.
func (e *Error) Error() string {
	what, _ := e.Words()
	line := []string{cmp.Or(e.Op, "send events") + ": " + what}
	if e.HTTPStatus != 0 {
		line[0] += " (" + e.codes() + ")"
	}
	for _, words := range []string{e.UserTitle, e.UserMessage} {
		if words != "" {
			line = append(line, words)
		}
	}
	if len(line) == 1 && e.Message != "" {
		line = append(line, e.Message)
	}
	if e.Err != nil {
		line = append(line, e.Err.Error())
	}
	return oneLine(strings.Join(line, ": "))
}

// Unwrap returns the cause on our side of the wire, if any.
func (e *Error) Unwrap() error { return e.Err }

// Retry says what to do next. It is decided by code and subcode, and by the HTTP status only where
// Meta named no code that we know.
func (e *Error) Retry() Verdict { return e.explanation().Verdict }

// Wait is how long to leave the account alone before the next call: 0 if Meta did not say, and at
// most 24 h whatever it said.
func (e *Error) Wait() time.Duration { return min(max(e.RetryAfter, 0), maxWait) }

// resume ends every fix of a paused account.
const resume = "; then run: clickthread accounts resume ID (sending also tries by itself every 10 minutes)"

// Words says in plain words what happened and what a person can do about it. Only the sending of
// events is paused and repeated; other calls are run again by who made them.
func (e *Error) Words() (what, fix string) {
	row := e.explanation()
	switch {
	case e.Op == "" && row.Verdict == Pause:
		return row.What, row.Fix + resume
	case e.Op != "" && (row.Fix == byItself || row.Fix == sentAgain):
		return row.What, runAgain
	default:
		return row.What, row.Fix
	}
}

// codes prints "HTTP 400, code 100/2804003, trace AbC".
func (e *Error) codes() string {
	s := fmt.Sprintf("HTTP %d", e.HTTPStatus)
	if e.Code != 0 {
		s += fmt.Sprintf(", code %d", e.Code)
	}
	if e.Subcode != 0 {
		s += fmt.Sprintf("/%d", e.Subcode)
	}
	if e.TraceID != "" {
		s += ", trace " + e.TraceID
	}
	return s
}

// oneLine makes foreign words fit for a log or a terminal: no line breaks or control characters, and
// at most 500 characters.
func oneLine(s string) string {
	printable := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
	runes := []rune(strings.Join(strings.Fields(printable), " "))
	if len(runes) > 500 {
		return string(runes[:499]) + "…"
	}
	return string(runes)
}
