package capi

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
)

// Cause is what went wrong on our side of the wire, as part of a sentence: "dial tcp 127.0.0.1:9: connect:
// connection refused". It is "" where nothing did, or where the words for it say all. It holds no address of a
// request, and nothing that whoever answered has quoted.
func (e *Error) Cause() string {
	if e.Err == nil || errors.Is(e.Err, ErrNoneTaken) || errors.Is(e.Err, errTooLarge) {
		return ""
	}
	err := e.Err
	if failure, ok := errors.AsType[*url.Error](err); ok {
		err = failure.Err // without method and address
	}
	words := strings.Fields(quoted.ReplaceAllString(oneLine(err.Error()), "…"))
	for i, word := range words {
		if len(word) >= 64 || private.MatchString(word) {
			words[i] = "…"
		}
	}
	return strings.Join(words, " ")
}

var (
	// quoted is foreign text in an error of Go's: a malformed answer, a redirect to nowhere.
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"?`)
	// private may be an e-mail, a query, a phone number or an id.
	private = regexp.MustCompile(`[@?=]|[0-9]{7}`)
)
