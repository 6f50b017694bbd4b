package main

import (
	"fmt"
	"io"
	"time"
)

// progress tells how far a measurement is: one line that changes on a terminal, a line a second
// elsewhere. It goes to the error stream, so that the result stays alone.
type progress struct {
	w        io.Writer
	terminal bool
	told     time.Time
}

func newProgress(out *console) *progress { return &progress{w: out.err, terminal: isTerminal(out.err)} }

// sent tells what was answered so far.
func (p *progress) sent(of phase, done time.Duration, answered int64) {
	p.tell(fmt.Sprintf("%s: %.0f s, %s webhooks/s", of.name, done.Seconds(), thousands(float64(answered)/done.Seconds(), 0)))
}

// prefilled tells, once a second, how many conversations are written.
func (p *progress) prefilled(of phase, done int) {
	if now := time.Now(); done == of.prefill || now.Sub(p.told) >= time.Second {
		p.told = now
		p.tell(fmt.Sprintf("%s: %s of %s conversations written", of.name, thousands(float64(done), 0), thousands(float64(of.prefill), 0)))
	}
}

func (p *progress) tell(line string) {
	if p.terminal {
		_, _ = fmt.Fprintf(p.w, "\r\x1b[K  %s", line)
		return
	}
	_, _ = fmt.Fprintln(p.w, line)
}

// end clears the line.
func (p *progress) end() {
	if p.terminal {
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
	}
}
