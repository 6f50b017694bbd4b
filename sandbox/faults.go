package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Fault says how the next answers to Meta's call fail. With nothing but Next it is a proxy's "500" in
// HTML.
type Fault struct {
	// Next is how many answers fail. Default 1.
	Next int `json:"next"`
	// Status is the HTTP status, 200 to 599. Default 500, or with a code the one Meta sends with it.
	Status int `json:"status"`
	// Code and Subcode make it an error of Meta's. Default: a page in HTML, as proxies answer.
	Code    int `json:"code"`
	Subcode int `json:"subcode"`
	// DelayMS is how many milliseconds to wait first, at most 10 minutes. A delay alone ends in the normal answer.
	DelayMS int `json:"delay_ms"`
	// Drop closes the connection instead of answering.
	Drop bool `json:"drop"`
	// Taken lets the Graph take the events before it fails: the answer is lost, not the events.
	Taken bool `json:"taken"`
}

// Fail makes the next answers fail, after those that earlier faults still have to fail.
func (g *Graph) Fail(f Fault) {
	f.Next = max(f.Next, 1)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = append(g.faults, f)
}

// nextFault uses up one failing answer; the zero Fault means that there is none.
func (g *Graph) nextFault() Fault {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.faults) == 0 {
		return Fault{}
	}
	f := g.faults[0]
	g.faults[0].Next--
	if g.faults[0].Next == 0 {
		g.faults = g.faults[1:]
	}
	return f
}

// postFault is Fail over HTTP; it answers with the fault as understood.
func (g *Graph) postFault(w http.ResponseWriter, r *http.Request) {
	f := Fault{Next: 1}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&f)
	if err == nil {
		err = f.validate()
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": fmt.Sprintf("read the fault: %v", err)})
		return
	}
	g.Fail(f)
	writeJSON(w, http.StatusOK, f)
}

func (f Fault) validate() error {
	var faults []error
	if f.Next < 1 {
		faults = append(faults, fmt.Errorf("next is %d, and must be at least 1", f.Next))
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		faults = append(faults, fmt.Errorf("status is %d, and must be 200 to 599", f.Status))
	}
	if f.Subcode != 0 && f.Code == 0 {
		faults = append(faults, errors.New("subcode needs a code"))
	}
	if f.DelayMS < 0 || f.DelayMS > 600_000 {
		faults = append(faults, fmt.Errorf("delay_ms is %d, and must be 0 to 600000", f.DelayMS))
	}
	return errors.Join(faults...)
}

// wait delays the answer; it reports false if the sender has gone meanwhile.
func (f Fault) wait(ctx context.Context) bool {
	if f.DelayMS <= 0 {
		return true
	}
	timer := time.NewTimer(time.Duration(f.DelayMS) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// fails tells a fault that ends badly from no fault and from a mere delay.
func (f Fault) fails() bool {
	delayOnly := f.DelayMS > 0 && f.Status == 0 && f.Code == 0 && !f.Drop
	return f.Next > 0 && !delayOnly
}

// write is the failing answer.
func (f Fault) write(w http.ResponseWriter) {
	status := f.Status
	if status < 200 || status > 599 {
		status = usualStatus(f.Code)
	}
	switch {
	case f.Drop:
		drop(w)
	case f.Code != 0:
		no := &refusal{status: status, code: f.Code, subcode: f.Subcode, message: "A fault that the sandbox was told to make"}
		no.write(w)
	default:
		w.Header().Set("Content-Type", "text/html")
		if status >= 300 && status < 400 {
			w.Header().Set("Location", "/")
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<html><body><h1>%d %s</h1></body></html>\n", status, http.StatusText(status))
	}
}

// usualStatus is what Meta sends with a code (seen in live answers); without a code it is 500.
func usualStatus(code int) int {
	switch {
	case code == 0:
		return http.StatusInternalServerError
	case code == 1 || code == 2:
		return http.StatusServiceUnavailable
	case code == 4 || code == 10 || code >= 200 && code < 300:
		return http.StatusForbidden
	case code == 190:
		return http.StatusUnauthorized
	default:
		return http.StatusBadRequest
	}
}

// drop closes the connection without an answer; where the server cannot, a bare 502 comes closest.
func drop(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	_ = conn.Close()
}
