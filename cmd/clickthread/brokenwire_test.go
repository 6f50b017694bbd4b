package main

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/clickthread/clickthread/sandbox"
)

// brokenWire is the way to a Meta that is away: each call meets another trouble, until it is mended. The
// loop makes one call after another here, so nothing is locked.
type brokenWire struct {
	rng    *rand.Rand
	now    func() time.Time
	graph  *sandbox.Graph
	nobody string // an address that nobody listens at
	clear  string // the path whose calls meet only troubles with a clear outcome
	mended bool
	calls  map[string][]time.Time // by path
}

// RoundTrip implements [http.RoundTripper].
func (w *brokenWire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.calls[r.URL.Path] = append(w.calls[r.URL.Path], w.now())
	if w.mended {
		return http.DefaultTransport.RoundTrip(r)
	}
	troubles := clearTroubles
	if r.URL.Path != w.clear {
		troubles = slices.Concat(clearTroubles, unclearTroubles)
	}
	return w.meet(troubles[w.rng.IntN(len(troubles))], r)
}

func (w *brokenWire) meet(t trouble, r *http.Request) (*http.Response, error) {
	if t.nobody {
		r = r.Clone(r.Context())
		r.URL.Host = w.nobody
		return http.DefaultTransport.RoundTrip(r)
	}
	w.graph.Fail(t.fault)
	answer, err := http.DefaultTransport.RoundTrip(r)
	if !t.silent || err != nil {
		return answer, err
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return nil, context.DeadlineExceeded
}
