package sandbox

// The one call that everything is about: conversion events, and the list of those taken.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxRequest bounds a request's body; 1,000 events with every field are well below it.
const maxRequest = 16 << 20

// Taken is an event that the Graph accepted.
type Taken struct {
	DatasetID     string          `json:"dataset_id"`
	ReceivedAt    time.Time       `json:"received_at"`
	TestEventCode string          `json:"test_event_code"` // "" for none
	Event         json.RawMessage `json:"event"`           // byte for byte as received
}

// postEvents answers Meta's call, unless the next fault says otherwise. The body is read to its end
// first, so that to the sender a dropped connection looks like a lost answer.
func (g *Graph) postEvents(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(w, r)
	if err != nil {
		invalid("", "the request cannot be read: "+err.Error()).answer().write(w)
		return
	}
	fault := g.nextFault(r.PathValue("id"))
	var a answer
	if fault.Taken {
		a = g.take(r, body)
	}
	if !fault.wait(r.Context()) {
		return
	}
	switch {
	case fault.Drop:
		drop(w)
		return
	case fault.fails():
		a = fault.answer()
	case !fault.Taken:
		a = g.take(r, body)
	}
	fault.write(w, a)
}

// readBody reads into the size that the request names, since growing towards it costs more than judging.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limited := http.MaxBytesReader(w, r.Body, maxRequest)
	if r.ContentLength < 0 || r.ContentLength > maxRequest {
		return io.ReadAll(limited)
	}
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(limited, body)
	return body, err
}

// take keeps a request's events if Meta would take every one of them, and otherwise none.
func (g *Graph) take(r *http.Request, body []byte) answer {
	id := r.PathValue("id")
	grant, no := g.world.admit(r, manageEvents)
	if no != nil {
		return no.answer()
	}
	now := g.world.options.Now().UTC()
	req, objection := g.world.judge(body, now)
	if no := g.world.prove(grant.Token, req.proof); no != nil {
		return no.answer()
	}
	if owner, found := g.world.dataset(id); !found || !grant.sees(owner) {
		return noSuchObject(r.Method, id).answer()
	}
	if objection != nil {
		return objection.answer()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count += len(req.events)
	if !g.world.options.Forget {
		for _, event := range req.events {
			g.taken = append(g.taken, Taken{DatasetID: id, ReceivedAt: now, TestEventCode: req.testEventCode, Event: event})
		}
	}
	return newReceipt(len(req.events))
}

// newReceipt is Meta's yes (Meta, Conversions API: Using the API).
func newReceipt(events int) answer {
	return answerOK(struct {
		EventsReceived int      `json:"events_received"`
		Messages       []string `json:"messages"`
		TraceID        string   `json:"fbtrace_id"`
	}{events, []string{}, newTraceID()})
}

// getEvents lists what was taken. The records are put together by hand, because marshalling a
// json.RawMessage rewrites its bytes, and people look here for what was really sent.
func (g *Graph) getEvents(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	for i, t := range g.Events() {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"dataset_id":%s,"received_at":%s,"test_event_code":%s,"event":%s}`,
			quote(t.DatasetID), quote(t.ReceivedAt.Format(time.RFC3339Nano)), quote(t.TestEventCode), t.Event)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, "[%s]\n", b.Bytes())
}

func quote(s string) []byte {
	quoted, _ := json.Marshal(s) // a string always marshals
	return quoted
}
