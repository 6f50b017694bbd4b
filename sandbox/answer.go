package sandbox

// What the Graph API answers with: an object, or an error in the one shape that all of Meta's have.

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// answer is what goes back to the caller.
type answer struct {
	status int
	kind   string // Content-Type
	body   []byte
}

// answerOK is a 200 with v, which must be something that always marshals.
func answerOK(v any) answer { return answerJSON(http.StatusOK, v) }

func answerJSON(status int, v any) answer {
	body, _ := json.Marshal(v)
	return answer{status: status, kind: "application/json", body: append(body, '\n')}
}

// write sends it. A failed write means that the caller has gone, and there is no one to tell.
func (a answer) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", a.kind)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// refusal is Meta's no to a whole request (Meta, Graph API: Handling errors).
type refusal struct {
	status        int
	code, subcode int
	kind          string // error.type; "" means OAuthException
	message       string
	title, words  string   // error_user_title and error_user_msg
	field         string   // the field of the event that is bad, with dots; "" if no single one is
	blame         []string // the path of error_data.blame_field_specs; nil leaves it out
}

// refuse is the no to an event: subcode says why, and field where.
func refuse(subcode int, field, title, words string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: 100, subcode: subcode, message: "Invalid parameter", field: field, title: title, words: words}
}

// invalid is the no that has no subcode of its own.
func invalid(field, words string) *refusal { return refuse(0, field, "Invalid parameter", words) }

func noSuchPath() *refusal {
	return &refusal{status: http.StatusNotFound, code: 2500, message: "Unknown path components"}
}

// noSuchObject is also what Meta says to those who may not see the object.
func noSuchObject(method, id string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: 100, subcode: 33, kind: "GraphMethodException", message: fmt.Sprintf(
		"Unsupported %s request. Object with ID '%s' does not exist, cannot be loaded due to missing permissions, or does not support this operation",
		strings.ToLower(method), id)}
}

// graphError is the shape of every error of the Graph API.
type graphError struct {
	Message   string     `json:"message"`
	Type      string     `json:"type"`
	Code      int        `json:"code"`
	Subcode   int        `json:"error_subcode,omitempty"`
	Transient bool       `json:"is_transient"`
	UserTitle string     `json:"error_user_title,omitempty"`
	UserWords string     `json:"error_user_msg,omitempty"`
	Data      *errorData `json:"error_data,omitempty"`
	TraceID   string     `json:"fbtrace_id"`
}

type errorData struct {
	BlameFieldSpecs [][]string `json:"blame_field_specs"`
}

func (no *refusal) graphError() graphError {
	e := graphError{
		Message:   no.message,
		Type:      "OAuthException",
		Code:      no.code,
		Subcode:   no.subcode,
		Transient: no.code == 1 || no.code == 2,
		UserTitle: no.title,
		UserWords: no.words,
		TraceID:   newTraceID(),
	}
	if no.kind != "" {
		e.Type = no.kind
	}
	if no.blame != nil {
		e.Data = &errorData{BlameFieldSpecs: [][]string{no.blame}}
	}
	return e
}

func (no *refusal) answer() answer {
	return answerJSON(no.status, map[string]graphError{"error": no.graphError()})
}

// newTraceID looks like Meta's fbtrace_id.
func newTraceID() string { return "A" + rand.Text()[:21] }
