package sandbox

// Faults: what they are, whose turn it is, and how they are ordered over HTTP.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
)

// Fault says how the next answers to Meta's call fail. With nothing but Next it is a proxy's "500" in
// HTML. All of it can be combined.
type Fault struct {
	// Next is how many answers fail. Default 1.
	Next int `json:"next"`
	// UntilCleared goes on failing until Clear, and leaves Next unused.
	UntilCleared bool `json:"until_cleared,omitempty"`
	// Dataset is the one whose calls fail. Default: all.
	Dataset string `json:"dataset,omitempty"`

	// Status is the HTTP status, 200 to 599. Default 500; with RetryAfter or UsageMinutes 429; with a
	// code the one Meta sends with it.
	Status int `json:"status"`
	// Code and Subcode make it an error of Meta's. Default: a page in HTML, as proxies answer.
	Code    int `json:"code"`
	Subcode int `json:"subcode"`
	// Named makes the error, which needs a code, name the event at this index of the batch.
	Named *int `json:"named,omitempty"`
	// Received makes it a receipt, which counts only so many events.
	Received *int `json:"received,omitempty"`

	// RetryAfter is the header Retry-After, in seconds.
	RetryAfter int `json:"retry_after,omitempty"`
	// UsageMinutes is estimated_time_to_regain_access in the header X-Business-Use-Case-Usage.
	UsageMinutes int `json:"usage_minutes,omitempty"`

	// DelayMS is how many milliseconds to wait first, at most 10 minutes. It and the next two alone leave
	// the answer the normal one.
	DelayMS int `json:"delay_ms"`
	// Half closes the connection after half of the answer's body.
	Half bool `json:"half,omitempty"`
	// Huge makes the answer's body longer than 1 MiB, by white space at its end.
	Huge bool `json:"huge,omitempty"`
	// Drop closes the connection instead of answering.
	Drop bool `json:"drop"`
	// Taken lets the Graph take the events before it fails: the answer is lost, not the events.
	Taken bool `json:"taken"`
}

// Fail makes the next answers fail, after those that earlier faults still have to fail. A dataset's
// answers are failed by its own faults and those for all, in the order in which they were made.
func (g *Graph) Fail(f Fault) {
	f.Next = max(f.Next, 1)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = append(g.faults, f)
}

// Clear ends the faults of one dataset, or with "" all there are, and returns how many.
func (g *Graph) Clear(dataset string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := len(g.faults)
	g.faults = slices.DeleteFunc(g.faults, func(f Fault) bool { return dataset == "" || f.Dataset == dataset })
	return before - len(g.faults)
}

// nextFault uses up one failing answer; the zero Fault means that there is none.
func (g *Graph) nextFault(dataset string) Fault {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.IndexFunc(g.faults, func(f Fault) bool { return f.Dataset == "" || f.Dataset == dataset })
	if i < 0 {
		return Fault{}
	}
	f := g.faults[i]
	if f.UntilCleared {
		return f
	}
	if g.faults[i].Next--; g.faults[i].Next == 0 {
		g.faults = slices.Delete(g.faults, i, i+1)
	}
	return f
}

// postFault is Fail over HTTP; it answers with the fault as understood.
func (g *Graph) postFault(w http.ResponseWriter, r *http.Request) {
	f := Fault{Next: 1}
	err := readJSON(w, r, &f)
	if err == nil {
		err = f.validate()
	}
	if err != nil {
		answerJSON(http.StatusBadRequest, map[string]string{"error": fmt.Sprintf("read the fault: %v", err)}).write(w)
		return
	}
	g.Fail(f)
	answerOK(f).write(w)
}

// clearFaults is Clear over HTTP.
func (g *Graph) clearFaults(w http.ResponseWriter, r *http.Request) {
	var which struct {
		Dataset string `json:"dataset"`
	}
	if err := readJSON(w, r, &which); err != nil && !errors.Is(err, io.EOF) { // an empty body means all
		answerJSON(http.StatusBadRequest, map[string]string{"error": fmt.Sprintf("read which faults to clear: %v", err)}).write(w)
		return
	}
	answerOK(map[string]int{"cleared": g.Clear(which.Dataset)}).write(w)
}

func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	decoder.DisallowUnknownFields()
	return decoder.Decode(v)
}

func (f Fault) validate() error {
	var faults []error
	wrong := func(is bool, format string, args ...any) {
		if is {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	wrong(f.Next < 1, "next is %d, and must be at least 1", f.Next)
	wrong(f.Status != 0 && (f.Status < 200 || f.Status > 599), "status is %d, and must be 200 to 599", f.Status)
	wrong(f.Subcode != 0 && f.Code == 0, "subcode needs a code")
	wrong(f.Named != nil && f.Code == 0, "named needs a code")
	wrong(f.Named != nil && *f.Named < 0, "named must be the index of an event")
	wrong(f.Received != nil && *f.Received < 0, "received must be a number of events")
	wrong(f.Received != nil && f.Code != 0, "received is a receipt, and cannot have a code")
	wrong(f.RetryAfter < 0, "retry_after is %d, and must be seconds", f.RetryAfter)
	wrong(f.UsageMinutes < 0, "usage_minutes is %d, and must be minutes", f.UsageMinutes)
	wrong(f.DelayMS < 0 || f.DelayMS > 600_000, "delay_ms is %d, and must be 0 to 600000", f.DelayMS)
	return errors.Join(faults...)
}
