package bench

import (
	"cmp"
	"fmt"
	"runtime"
	"strings"
	"time"
)

// Report is what was measured where, the figures, and how they compare.
type Report struct {
	At          time.Time `json:"at"`
	Machine     string    `json:"machine"`
	CPUs        int       `json:"cpus"`
	Go          string    `json:"go"`
	Database    string    `json:"database,omitempty"` // sqlite or postgres
	Connections int       `json:"connections"`
	Seconds     float64   `json:"seconds"`
	TLS         bool      `json:"tls"`

	Measurements []Figures `json:"measurements"`
	Targets      []Target  `json:"targets"`
}

// Target is a figure with what it should be. The absolute ones are for a quiet machine with 2 cores.
type Target struct {
	What    string  `json:"what"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Wanted  float64 `json:"wanted"`
	AtLeast bool    `json:"at_least"` // otherwise at most
	Reached bool    `json:"reached"`
}

func (o Options) newReport() *Report {
	r := &Report{
		At: now().Truncate(time.Second), Machine: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version(),
		Connections: o.Connections, Seconds: o.For.Seconds(), TLS: o.TLS || o.Backlog > 0,
	}
	if o.URL == "" {
		r.Database, _, _ = strings.Cut(o.Database, ":")
	}
	return r
}

// comparePhases judges measurements of a mix: the first against the others, and against what is wanted.
func (r *Report) comparePhases(phases []phase) {
	first := r.Measurements[0]
	for i, p := range phases[1:] {
		r.atLeast(fmt.Sprintf("rate against %q", p.name), first.Rate/r.Measurements[i+1].Rate, "times", p.floor)
	}
	if first.Mix == "everyday" {
		r.compareEveryday(first)
	}
	if first.PeakMemory > 0 {
		r.atMost("server memory, peak", first.PeakMemory, "MiB", 96)
		r.atMost("server memory, idle", first.IdleMemory, "MiB", 35)
		r.atMost("start to ready"+with(first.Prefill), first.Startup, "ms", 300)
	}
}

// with says how many messages a server found when it started.
func with(stored int) string {
	if stored == 0 {
		return ""
	}
	return " with " + thousands(float64(stored), 0) + " messages"
}

// compareEveryday judges the answers to the everyday mix: a crowd's, or one client's alone.
func (r *Report) compareEveryday(f Figures) {
	if r.Connections == 1 {
		r.atMost("answer p50, one client alone", f.P50, "ms", 1.5)
		r.atMost("webhook to Meta p99, one client alone", f.DelayP99, "ms", 50)
		return
	}
	rate, p99 := 14_000.0, 16.0
	if r.Database != "sqlite" {
		rate, p99 = 18_000, 12
	}
	r.atLeast("rate", f.Rate, "webhooks/s", rate)
	r.atMost("answer p99", f.P99, "ms", p99)
}

// compareBacklog judges how a backlog was sent, and what others noticed of it.
func (r *Report) compareBacklog(f Figures) {
	if r.Database != "sqlite" {
		r.atLeast("backlog", f.BacklogRate, "events/s", 40_000)
	}
	r.Connections, r.Seconds = neighbours, f.BacklogSeconds
	r.atMost("webhook of another account to Meta, p99", f.DelayP99, "ms", 5000)
	if f.PeakMemory > 0 {
		r.atMost("server memory, peak", f.PeakMemory, "MiB", 256)
	}
}

// comparePruning judges the measurements of a paced load, of which the last is beside prune.
func (r *Report) comparePruning() {
	alone, pruning := r.Measurements[1], r.Measurements[2]
	r.atMost("answer p99 while pruning against without", pruning.P99/alone.P99, "times", 2)
}

func (r *Report) atLeast(what string, value float64, unit string, wanted float64) {
	r.Targets = append(r.Targets, Target{What: what, Value: value, Unit: unit, Wanted: wanted, AtLeast: true, Reached: value >= wanted})
}

func (r *Report) atMost(what string, value float64, unit string, wanted float64) {
	r.Targets = append(r.Targets, Target{What: what, Value: value, Unit: unit, Wanted: wanted, Reached: value <= wanted})
}

// Where says what was measured: a database, or a server that ran already.
func (r *Report) Where() string { return cmp.Or(r.Database, "a running server") }

// Faults are what went wrong that no slow machine excuses, a line for each.
func (r *Report) Faults() (faults []string) {
	for _, f := range r.Measurements {
		if f.Failed > 0 {
			faults = append(faults, fmt.Sprintf("%s: webhooks not answered 200: %d; the first: %s", f.Name, f.Failed, f.FirstErr))
		}
		if f.Missing+f.Doubled > 0 {
			faults = append(faults, fmt.Sprintf("%s: of the payments, %d never reached Meta within %s, and %d did twice", f.Name, f.Missing, metaPatience, f.Doubled))
		}
	}
	return faults
}

// Row is the target as a line of a table.
func (t Target) Row() []string {
	bound, verdict := "at most", "short"
	if t.AtLeast {
		bound = "at least"
	}
	if t.Reached {
		verdict = "reached"
	}
	digits := 0
	if t.Value < 100 {
		digits = 2
	}
	return []string{t.What, thousands(t.Value, digits) + " " + t.Unit, bound + " " + fmt.Sprint(t.Wanted), verdict}
}
