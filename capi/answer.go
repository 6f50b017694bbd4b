package capi

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Receipt is Meta's word that it took every event of a batch.
type Receipt struct {
	EventsReceived int
	TraceID        string   // fbtrace_id, which Meta's support asks for
	Messages       []string // Meta's remarks, usually none
	HTTPStatus     int
	Body           []byte // the answer as received
}

// answer is what Meta writes back: counts, or an error (Meta, Graph API: Handling errors).
type answer struct {
	EventsReceived *int            `json:"events_received"`
	Messages       json.RawMessage `json:"messages"`
	TraceID        string          `json:"fbtrace_id"`
	Error          *struct {
		Code        int    `json:"code"`
		Subcode     int    `json:"error_subcode"`
		Type        string `json:"type"`
		Message     string `json:"message"`
		UserTitle   string `json:"error_user_title"`
		UserMessage string `json:"error_user_msg"`
		Transient   bool   `json:"is_transient"`
		TraceID     string `json:"fbtrace_id"`
	} `json:"error"`
}

// judge turns an answer into a receipt or an *Error. A 200 alone is not acceptance: the number of
// events that Meta counted must be the number that was sent. readErr says why body is incomplete.
func judge(status int, body []byte, readErr error, sent int) (Receipt, error) {
	var a answer
	err := readErr
	if err == nil {
		err = json.Unmarshal(body, &a)
	}
	e := &Error{HTTPStatus: status, Sent: true, Body: body, TraceID: a.TraceID, Err: readErr}
	switch {
	case err == nil && a.Error != nil:
		e.Code, e.Subcode, e.Transient = a.Error.Code, a.Error.Subcode, a.Error.Transient
		e.Type, e.Message, e.TraceID = a.Error.Type, a.Error.Message, a.Error.TraceID
		e.UserTitle, e.UserMessage = a.Error.UserTitle, a.Error.UserMessage
	case status < 200 || status > 299:
		// Not Meta's JSON, as from a proxy: the status is all there is to go by.
	case err != nil:
		e.Err = fmt.Errorf("read the answer: %w", err)
	case a.EventsReceived == nil:
		e.Err = errors.New("the answer does not say how many events were received")
	case *a.EventsReceived == sent:
		return Receipt{EventsReceived: sent, TraceID: a.TraceID, Messages: texts(a.Messages), HTTPStatus: status, Body: body}, nil
	case *a.EventsReceived == 0:
		e.Err = ErrNoneTaken
	default:
		e.Err = fmt.Errorf("counted %d events of %d", *a.EventsReceived, sent)
	}
	return Receipt{}, e
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
