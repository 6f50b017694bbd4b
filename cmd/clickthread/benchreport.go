package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"
)

// report is what bench prints: what was measured where, the figures, and how they compare.
type report struct {
	At          time.Time `json:"at"`
	Machine     string    `json:"machine"`
	CPUs        int       `json:"cpus"`
	Go          string    `json:"go"`
	Database    string    `json:"database,omitempty"` // sqlite or postgres
	Connections int       `json:"connections"`
	Seconds     float64   `json:"seconds"`
	TLS         bool      `json:"tls"`
	Phases      []figures `json:"measurements"`
	Targets     []target  `json:"targets"`

	phases []phase
}

// target is a figure with what it should be. The absolute ones are for a quiet machine with 2 cores.
type target struct {
	What    string  `json:"what"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Wanted  float64 `json:"wanted"`
	AtLeast bool    `json:"at_least"` // otherwise at most
	Reached bool    `json:"reached"`
}

func (c *benchCmd) newReport() *report {
	r := &report{
		At: now().Truncate(time.Second), Machine: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version(),
		Connections: c.Connections, Seconds: c.For.Seconds(), TLS: c.TLS,
	}
	if c.URL == "" {
		r.Database, _, _ = strings.Cut(c.Database, ":")
		r.phases = c.phases()
	}
	return r
}

// compare fills in the targets that this kind of run can judge.
func (r *report) compare() {
	if len(r.phases) == 0 {
		return // what runs elsewhere is not known
	}
	first := r.Phases[0]
	for i, p := range r.phases[1:] {
		r.atLeast(fmt.Sprintf("rate against %q", p.name), first.Rate/r.Phases[i+1].Rate, "times", p.floor)
	}
	if first.Mix == "everyday" {
		r.compareEveryday(first)
	}
	if first.PeakMemory > 0 {
		r.atMost("server memory, peak", first.PeakMemory, "MiB", 96)
		r.atMost("server memory, idle", first.IdleMemory, "MiB", 35)
		r.atMost("start to ready", first.Startup, "ms", 300)
	}
}

// compareEveryday judges the answers to the everyday mix: a crowd's, or one client's alone.
func (r *report) compareEveryday(f figures) {
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

func (r *report) atLeast(what string, value float64, unit string, wanted float64) {
	r.Targets = append(r.Targets, target{What: what, Value: value, Unit: unit, Wanted: wanted, AtLeast: true, Reached: value >= wanted})
}

func (r *report) atMost(what string, value float64, unit string, wanted float64) {
	r.Targets = append(r.Targets, target{What: what, Value: value, Unit: unit, Wanted: wanted, Reached: value <= wanted})
}

// faulty reports whether something went wrong that no slow machine excuses.
func (r *report) faulty() bool {
	for _, f := range r.Phases {
		if f.Failed+f.Missing+f.Doubled > 0 {
			return true
		}
	}
	return false
}

// print shows the report to people.
func (r *report) print(out *console) {
	where := r.Database
	if where == "" {
		where = "a running server"
	}
	out.printf("%s\n%s, %d CPUs, %s, %s, %g s each, %s\n\n", out.bold("clickthread bench: "+where),
		r.Machine, r.CPUs, r.Go, plural(r.Connections, "connection"), r.Seconds, r.At.Format(time.RFC3339))
	out.table(r.rows())
	r.printFaults(out)
	if len(r.Targets) == 0 {
		return
	}
	out.printf("\n%s\n", out.bold("Against what is wanted of 2 quiet cores, with senders and database on the same machine"))
	rows := [][]string{}
	for _, t := range r.Targets {
		rows = append(rows, t.row())
	}
	out.table(rows)
}

// printFaults says what went wrong, or that nothing did.
func (r *report) printFaults(out *console) {
	if !r.faulty() {
		out.printf("\n%s\n", out.green("Every webhook was answered 200, and every payment that was to be sent reached Meta once."))
	}
	for _, f := range r.Phases {
		if f.Failed > 0 {
			out.printf("\n%s\n", out.red(fmt.Sprintf("%s: %s not answered 200; the first: %s", f.Name, plural(f.Failed, "webhook"), f.FirstErr)))
		}
		if f.Missing+f.Doubled > 0 {
			out.printf("\n%s\n", out.red(fmt.Sprintf("%s: of the payments, %d never reached Meta within 30 s, and %d did twice", f.Name, f.Missing, f.Doubled)))
		}
	}
}

func (t target) row() []string {
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
