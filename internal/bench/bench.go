// Package bench measures what a machine takes in: it starts servers as processes of their own, each on
// a database that is dropped afterwards, sends them signed webhooks, plays Meta, and compares.
package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// Options say what is measured, and where.
type Options struct {
	For         time.Duration // of one measurement, after a short warm-up
	Connections int           // senders at once
	Mix         string        // everyday, sales or duplicates
	Database    string        // "sqlite", or the postgres:// URL of a server where databases may be made
	Prefill     int           // conversations that are stored before
	TLS         bool          // the pretend Meta speaks TLS
	Profile     string        // folder for a CPU profile of each server; "" = none

	Backlog int // above 0: how fast so many queued events reach Meta, instead of the mix
	Prune   int // above 0: what removing so many old rows costs, instead of the mix

	// URL, of a server that runs already, has the mix sent there instead; it needs Secret and WABA.
	URL    string
	Secret string
	WABA   string

	// Tell is told about once a second, in one line, how far it is.
	Tell func(line string)
}

// NotThereError says that something the measurement needs is not there: room, a database, a server.
type NotThereError struct{ error }

// Unwrap gives what is behind it.
func (e NotThereError) Unwrap() error { return e.error }

// notThere marks an error; nil stays nil.
func notThere(err error) error {
	if err == nil {
		return nil
	}
	return NotThereError{err}
}

// leftError says that something of ours could not be removed.
type leftError struct{ error }

// Unwrap gives what is behind it.
func (e leftError) Unwrap() error { return e.error }

// Run measures and compares. A slow machine is no error, and neither are webhooks that were refused or
// events that were lost: Report.Faults names those.
func Run(ctx context.Context, o Options) (*Report, error) {
	r := o.newReport()
	var err error
	switch {
	case o.URL != "":
		err = o.measureURL(ctx, r)
	case o.Backlog > 0:
		err = o.measureBacklog(ctx, r)
	case o.Prune > 0:
		err = o.measurePruning(ctx, r)
	default:
		err = o.measurePhases(ctx, r)
	}
	if ctx.Err() != nil {
		return nil, o.stopped(err)
	}
	return r, err
}

// stopped says what a run that was interrupted leaves behind.
func (o Options) stopped(err error) error {
	if o.URL != "" {
		return errors.New("stopped before the end; the server at --url keeps what it was sent")
	}
	if left, ok := errors.AsType[leftError](err); ok {
		return fmt.Errorf("stopped before the end, and not everything could be removed: %w", left)
	}
	return errors.New("stopped before the end; nothing was left behind")
}

// phase is one measurement of a mix: a server of its own on a database of its own.
type phase struct {
	name    string
	storage string // of the server: RealStorage or one of its stand-ins
	mix     string
	prefill int
	noMeta  bool // Meta refuses the token, so that nothing is sent: everything stays queued

	// floor is what the first phase's rate must be at least, as a multiple of this one's.
	floor float64
}

// salesPool is how many conversations there are, each with a click, before every webhook is a payment.
const salesPool = 10_000

// phases are what is measured: first what the question is about, then what it is compared with.
func (o Options) phases() []phase {
	first := phase{name: "clickthread", storage: RealStorage, mix: o.Mix, prefill: o.Prefill}
	if o.Mix == "sales" {
		first.prefill = cmp.Or(o.Prefill, salesPool)
	}
	other := first
	switch {
	case o.Mix == "sales":
		other.name, other.noMeta, other.floor = "not sending", true, 0.6
	case o.Mix == "duplicates":
		other.name, other.mix, other.floor = "everyday mix", "everyday", 1
	case o.Prefill > 0:
		other.name, other.prefill, other.floor = "empty database", 0, 0.85
	case o.Connections > 1: // one client alone never meets another in a transaction
		single, stub := first, first
		single.name, single.storage, single.floor = "one by one", SingleStorage, 4
		stub.name, stub.storage, stub.floor = "no storage", StubStorage, 0.3
		return []phase{first, single, stub}
	default:
		return []phase{first}
	}
	return []phase{first, other}
}

// measurePhases measures one phase after another.
func (o Options) measurePhases(ctx context.Context, r *Report) error {
	phases := o.phases()
	for _, p := range phases {
		figures, err := o.measure(ctx, p)
		if err != nil {
			return fmt.Errorf("measure %s: %w", p.name, err)
		}
		r.Measurements = append(r.Measurements, figures)
	}
	r.comparePhases(phases)
	return nil
}
