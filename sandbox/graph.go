// Package sandbox is a Meta you can keep on your desk: [Graph] takes conversion events and refuses
// them as Meta would, fails when told to, and shows what it took; [Shopper] clicks ads and writes
// messages. Demo, tests and benchmarks run against it, so nothing they do reaches the real Meta.
package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// maxRequest bounds a request's body; 1,000 events with every field are well below it.
const maxRequest = 16 << 20

// Options says what the pretend Meta knows.
type Options struct {
	// Clicks are the ctwa_clids of real clicks. Default: any click id is one.
	Clicks []string
	// Datasets are the datasets there are. Default: any numeric id is one.
	Datasets []string
	// Tokens are the tokens that may write. Default: any token may.
	Tokens []string
	// Now is Meta's clock. Default: time.Now.
	Now func() time.Time
}

// Graph is the pretend Graph API. It is an [http.Handler] and safe for concurrent use.
//
//	POST /{version}/{dataset}/events   Meta's own call
//	GET  /sandbox/events               what was taken: a JSON array of [Taken], oldest first
//	POST /sandbox/faults               a [Fault]: how the next answers fail
type Graph struct {
	datasets []string
	tokens   []string
	now      func() time.Time
	mux      *http.ServeMux

	mu     sync.Mutex
	clicks map[string]bool
	taken  []Taken
	faults []Fault // the first is the next to happen
}

// Taken is an event that the Graph accepted.
type Taken struct {
	DatasetID     string          `json:"dataset_id"`
	ReceivedAt    time.Time       `json:"received_at"`
	TestEventCode string          `json:"test_event_code"` // "" for none
	Event         json.RawMessage `json:"event"`           // byte for byte as received
}

// NewGraph returns a Graph that has taken nothing yet.
func NewGraph(o Options) *Graph {
	g := &Graph{
		datasets: slices.Clone(o.Datasets),
		tokens:   slices.Clone(o.Tokens),
		now:      o.Now,
		mux:      http.NewServeMux(),
		clicks:   make(map[string]bool, len(o.Clicks)),
	}
	if g.now == nil {
		g.now = time.Now
	}
	for _, clid := range o.Clicks {
		g.clicks[clid] = true
	}
	g.mux.HandleFunc("POST /{version}/{dataset}/events", g.postEvents)
	g.mux.HandleFunc("GET /sandbox/events", g.getEvents)
	g.mux.HandleFunc("POST /sandbox/faults", g.postFault)
	g.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { noSuchPath().write(w) })
	return g
}

// ServeHTTP answers Meta's call and the sandbox's own two.
func (g *Graph) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.mux.ServeHTTP(w, r) }

// Events returns what was taken, oldest first.
func (g *Graph) Events() []Taken {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.taken)
}

// AddClick makes a click known. A Graph that was made without clicks takes any click id until the
// first is added.
func (g *Graph) AddClick(clid string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clicks[clid] = true
}

// postEvents answers Meta's call, unless the next fault says otherwise. The body is read to its end
// first, so that to the sender a dropped connection looks like a lost answer.
func (g *Graph) postEvents(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		invalid("the request cannot be read: " + err.Error()).write(w)
		return
	}
	fault := g.nextFault()
	var a answer
	if fault.Taken {
		a = g.take(r, body)
	}
	if !fault.wait(r.Context()) {
		return
	}
	if fault.fails() {
		fault.write(w)
		return
	}
	if !fault.Taken {
		a = g.take(r, body)
	}
	a.write(w)
}

// take keeps a request's events if Meta would take every one of them, and otherwise none.
func (g *Graph) take(r *http.Request, body []byte) answer {
	dataset := r.PathValue("dataset")
	if no := g.admit(r.PathValue("version"), dataset, r.Header.Get("Authorization")); no != nil {
		return no
	}
	now := g.now().UTC()
	req, no := g.judge(body, now)
	if no != nil {
		return no
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, event := range req.Data {
		g.taken = append(g.taken, Taken{DatasetID: dataset, ReceivedAt: now, TestEventCode: req.TestEventCode, Event: event})
	}
	return receipt{EventsReceived: len(req.Data), Messages: []string{}, TraceID: newTraceID()}
}

// receipt is Meta's yes (Meta, Conversions API: Using the API).
type receipt struct {
	EventsReceived int      `json:"events_received"`
	Messages       []string `json:"messages"`
	TraceID        string   `json:"fbtrace_id"`
}

// answer is what Meta says to a request: a receipt or a refusal.
type answer interface{ write(http.ResponseWriter) }

func (a receipt) write(w http.ResponseWriter) { writeJSON(w, http.StatusOK, a) }

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

// writeJSON answers with v. A failed write means that the caller has gone, and there is no one to tell.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
