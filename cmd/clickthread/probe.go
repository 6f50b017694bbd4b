package main

import (
	"context"
	"sync"
	"time"
)

// Probes come from balancers, orchestrators and strangers, as many as they like. What they make the database do
// does not depend on how many they are.

const (
	askedAgain   = time.Second            // how long an answer stands for those who ask next
	figuresIn    = 300 * time.Millisecond // how long a probe waits for newer figures; many give up after a second
	firstFigures = time.Second            // and for the first
	readingFor   = 10 * time.Second       // how long reading them may take
	restsFor     = 10                     // how many times as long as reading took it is not done again
)

// health remembers what was found out last.
type health struct {
	asking sync.Mutex // held while somebody asks
	asked  time.Time
	err    error

	mu      sync.Mutex
	last    readiness     // only figures
	known   bool          // there are some
	next    time.Time     // when they are read again
	reading chan struct{} // closed when that is done; nil while nobody reads
}

// ask returns the answer of write, or one that is less than a second old. What was well before is only well
// while it can be read, so a database that is gone is noticed at once. fresh tells that something was found out
// now.
func (h *health) ask(now time.Time, write, read func() error) (err error, fresh bool) {
	h.asking.Lock()
	defer h.asking.Unlock()
	if now.Sub(h.asked) < askedAgain {
		if h.err != nil {
			return h.err, false
		}
		if h.err = read(); h.err != nil {
			h.asked = time.Now()
		}
		return h.err, true
	}
	h.err = write()
	h.asked = time.Now()
	return h.err, true
}

// figures returns figures that are about a second old at most, or the last where reading them takes long: then
// it goes on behind the answer, for the next who asks.
func (h *health) figures(ctx context.Context, read func(context.Context) readiness) readiness {
	h.mu.Lock()
	patience := figuresIn
	if !h.known {
		patience = firstFigures
	}
	if h.reading == nil && !time.Now().Before(h.next) {
		h.reading = make(chan struct{})
		go h.read(context.WithoutCancel(ctx), read)
	}
	reading := h.reading
	h.mu.Unlock()
	if reading != nil {
		select {
		case <-reading:
		case <-time.After(patience):
		case <-ctx.Done():
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.known {
		return readiness{Missing: "the figures are not read yet; ask again"}
	}
	return h.last
}

func (h *health) read(ctx context.Context, read func(context.Context) readiness) {
	ctx, cancel := context.WithTimeout(ctx, readingFor)
	defer cancel()
	begin := time.Now()
	r := read(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.known = r, true
	h.next = time.Now().Add(max(askedAgain, restsFor*time.Since(begin)))
	close(h.reading)
	h.reading = nil
}
