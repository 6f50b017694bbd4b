// Package sandbox is a Meta you can keep on your desk: [Graph] takes conversion events and refuses
// them as Meta would, fails when told to, and shows what it took; [Shopper] clicks ads and writes
// messages. Demo, tests and benchmarks run against it, so nothing they do reaches the real Meta.
package sandbox

import (
	"net/http"
	"slices"
	"sync"
)

// Graph is the pretend Graph API. It is an [http.Handler] and safe for concurrent use.
//
// Meta's own calls, each with a Bearer token:
//
//	POST            /{version}/{dataset}/events        take conversion events
//	POST GET        /{version}/{waba}/dataset          make or find an account's dataset
//	GET             /{version}/{waba}/phone_numbers    list its numbers
//	POST GET DELETE /{version}/{waba}/subscribed_apps  its webhooks for this app
//	POST GET DELETE /{version}/{number}/block_users    block people, list them, let them write again
//	GET             /{version}/debug_token             what a token may do
//
// The sandbox's own:
//
//	GET  /sandbox/events        what was taken: a JSON array of [Taken], oldest first
//	POST /sandbox/faults        a [Fault]: how the next answers to events fail
//	POST /sandbox/faults/clear  end all faults, or with {"dataset":"..."} those of one dataset
type Graph struct {
	world *world
	mux   *http.ServeMux

	mu     sync.Mutex
	taken  []Taken
	count  int     // of events taken, also of those that were not kept
	faults []Fault // in the order in which they happen
}

// NewGraph returns a Graph that has taken nothing yet.
func NewGraph(o Options) *Graph {
	g := &Graph{world: newWorld(o), mux: http.NewServeMux()}
	g.mux.HandleFunc("POST /{version}/{id}/events", g.postEvents)
	for pattern, c := range map[string]struct {
		scope string
		do    func(call) answer
	}{
		"POST /{version}/{id}/dataset":           {manageEvents, g.postDataset},
		"GET /{version}/{id}/dataset":            {manageEvents, g.getDataset},
		"GET /{version}/{id}/phone_numbers":      {management, g.getNumbers},
		"POST /{version}/{id}/subscribed_apps":   {management, g.postApp},
		"GET /{version}/{id}/subscribed_apps":    {management, g.getApps},
		"DELETE /{version}/{id}/subscribed_apps": {management, g.deleteApp},
		"POST /{version}/{id}/block_users":       {messaging, g.block},
		"GET /{version}/{id}/block_users":        {messaging, g.getBlocked},
		"DELETE /{version}/{id}/block_users":     {messaging, g.unblock},
		"GET /{version}/debug_token":             {"", g.debugToken},
	} {
		g.mux.HandleFunc(pattern, g.handle(c.scope, c.do))
	}
	g.mux.HandleFunc("GET /sandbox/events", g.getEvents)
	g.mux.HandleFunc("POST /sandbox/faults", g.postFault)
	g.mux.HandleFunc("POST /sandbox/faults/clear", g.clearFaults)
	g.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { noSuchPath().answer().write(w) })
	return g
}

// ServeHTTP answers Meta's calls and the sandbox's own.
func (g *Graph) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", g.world.options.Now().UTC().Format(http.TimeFormat))
	g.mux.ServeHTTP(w, r)
}

// Events returns what was taken, oldest first; nothing under [Options].Forget.
func (g *Graph) Events() []Taken {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.taken)
}

// Taken is how many events were taken so far.
func (g *Graph) Taken() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.count
}

// AddClick makes a click known. A Graph that was made without clicks takes any click id until the
// first is added.
func (g *Graph) AddClick(clid string) {
	g.world.mu.Lock()
	defer g.world.mu.Unlock()
	g.world.clicks[clid] = true
}
