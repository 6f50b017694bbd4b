package capi

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Receipt is Meta's word that it took every event of a batch.
type Receipt struct {
	EventsReceived int
	TraceID        string   // fbtrace_id, which Meta's support asks for
	Messages       []string // Meta's remarks, usually none
	HTTPStatus     int
	Body           []byte // the answer as received
	// Wait is how long Meta wants to be left alone before the next call, because this one used up
	// what the business may use; at most 24 h, usually 0.
	Wait time.Duration
	// ServerDate is the answer's Date header, for checking clocks; zero if there was none.
	ServerDate time.Time
}

// answer is what Meta writes back to events: counts, or an error.
type answer struct {
	EventsReceived *int            `json:"events_received"`
	Messages       json.RawMessage `json:"messages"`
	TraceID        string          `json:"fbtrace_id"`
	Error          *metaError      `json:"error"`
}

// metaError is the error in an answer (Meta, Graph API: Handling errors).
type metaError struct {
	Code        int             `json:"code"`
	Subcode     int             `json:"error_subcode"`
	Type        string          `json:"type"`
	Message     string          `json:"message"`
	UserTitle   string          `json:"error_user_title"`
	UserMessage string          `json:"error_user_msg"`
	Transient   bool            `json:"is_transient"`
	TraceID     string          `json:"fbtrace_id"`
	Data        json.RawMessage `json:"error_data"`
}

// judge turns an answer into a receipt or an *Error. A 200 alone is not acceptance: the number of
// events that Meta counted must be the number that was sent.
func judge(r reply, sent int) (Receipt, error) {
	a, e, failed := r.read()
	e.Events = sent
	switch {
	case failed:
	case a.EventsReceived == nil:
		e.Err = errors.New("the answer does not say how many events were received")
	case *a.EventsReceived == sent:
		return Receipt{
			EventsReceived: sent, TraceID: traceID(a.TraceID), Messages: texts(a.Messages), HTTPStatus: r.status, Body: r.body,
			Wait: e.RetryAfter, ServerDate: e.ServerDate,
		}, nil
	case *a.EventsReceived == 0:
		e.Err = ErrNoneTaken
	default:
		e.Err = ShortCount{*a.EventsReceived, sent}
	}
	return Receipt{}, e
}

// read takes an answer apart, and tells whether it is a failure already. e is filled in either case:
// an answer that looks well can still turn out to be none.
func (r reply) read() (a answer, e *Error, failed bool) {
	err := r.err
	if err == nil {
		err = json.Unmarshal(r.body, &a)
	}
	e = &Error{HTTPStatus: r.status, Sent: true, Body: r.body, TraceID: traceID(a.TraceID), Err: r.err, ServerDate: serverDate(r.header)}
	switch {
	case err == nil && a.Error != nil:
		e.take(a.Error)
	case r.status < 200 || r.status > 299:
		// Not Meta's JSON, as from a proxy: the status is all there is to go by.
	case err != nil:
		e.Err = fmt.Errorf("read the answer: %w", err)
	default:
		e.RetryAfter = askedWait(r.header, false)
		return a, e, false
	}
	e.RetryAfter = askedWait(r.header, e.Retry() == Throttled)
	return a, e, true
}

// take copies what Meta says about its refusal.
func (e *Error) take(m *metaError) {
	e.Code, e.Subcode, e.Transient, e.TraceID = m.Code, m.Subcode, m.Transient, traceID(m.TraceID)
	e.Type, e.Message, e.Data = m.Type, m.Message, m.Data
	e.UserTitle, e.UserMessage = m.UserTitle, m.UserMessage
}

// plainTrace is what Meta's trace ids look like: Ajx2LQx2kf_V9JwMy-Qrt6y.
var plainTrace = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// traceID is an fbtrace_id. It is put into every log line, so what does not look like one is left to the
// answer's body.
func traceID(s string) string {
	if plainTrace.MatchString(s) {
		return s
	}
	return ""
}

// texts reads Meta's remarks. Their shape is not documented, and a remark in an unexpected one must
// not make a taken batch look lost.
func texts(messages json.RawMessage) []string {
	var list []string
	if len(messages) == 0 || json.Unmarshal(messages, &list) == nil {
		return list
	}
	return []string{string(messages)}
}
