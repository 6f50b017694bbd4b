package bench

import (
	"strconv"
	"time"
)

// Figures are what one measurement found. 0 stands for what was not measured.
type Figures struct {
	Name    string `json:"name"`
	Mix     string `json:"mix"`
	Storage string `json:"storage,omitempty"`
	Prefill int    `json:"prefill"`

	Webhooks int     `json:"webhooks"` // answered 200 during the measurement
	Rate     float64 `json:"webhooks_per_second"`
	Bytes    float64 `json:"bytes_per_webhook"` // of the request
	P50      float64 `json:"p50_ms"`
	P95      float64 `json:"p95_ms"`
	P99      float64 `json:"p99_ms"`
	Max      float64 `json:"max_ms"`
	Failed   int     `json:"failed"` // not answered 200, the warm-up's too
	FirstErr string  `json:"first_error,omitempty"`

	Events   float64 `json:"events_per_second_at_meta,omitempty"`
	DelayP50 float64 `json:"webhook_to_meta_p50_ms,omitempty"`
	DelayP99 float64 `json:"webhook_to_meta_p99_ms,omitempty"`
	Missing  int     `json:"events_missing"` // paid, answered 200, and never at Meta
	Doubled  int     `json:"events_doubled"`

	CPU            float64 `json:"server_cpu_seconds,omitempty"` // of the measurement, as the rest
	CPUEach        float64 `json:"server_cpu_us_per_webhook,omitempty"`
	Startup        float64 `json:"start_to_ready_ms,omitempty"`
	IdleMemory     float64 `json:"server_idle_mib,omitempty"`
	PeakMemory     float64 `json:"server_peak_mib,omitempty"`
	DiskPerMessage float64 `json:"disk_bytes_per_message,omitempty"` // SQLite only
	Batches        float64 `json:"batches,omitempty"`
	MeanBatch      float64 `json:"messages_per_batch,omitempty"`

	// With --backlog: from the first to the last of its events at Meta. The delays are then those of
	// new sales of other accounts, from the webhook's answer.
	Backlog        int     `json:"backlog,omitempty"`
	BacklogRate    float64 `json:"backlog_events_per_second,omitempty"`
	BacklogSeconds float64 `json:"backlog_seconds,omitempty"`
	BacklogCalls   int     `json:"backlog_calls,omitempty"`
	BacklogBatch   float64 `json:"backlog_events_per_call,omitempty"`
	DelayMax       float64 `json:"webhook_to_meta_max_ms,omitempty"`

	// With --prune.
	RowsRemoved  int     `json:"rows_removed,omitempty"`
	PruneSeconds float64 `json:"prune_seconds,omitempty"`
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// newFigures are those of the senders.
func newFigures(p phase, l *load, out outcome) Figures {
	f := Figures{
		Name: p.name, Mix: p.mix, Storage: p.storage, Prefill: p.prefill, Failed: out.failed,
		Webhooks: len(out.took), Rate: float64(len(out.took)) / l.measured().Seconds(), Bytes: float64(out.sent) / float64(len(out.took)),
		P50: ms(percentile(out.took, 50)), P95: ms(percentile(out.took, 95)),
		P99: ms(percentile(out.took, 99)), Max: ms(percentile(out.took, 100)),
	}
	if out.firstErr != nil {
		f.FirstErr = out.firstErr.Error()
	}
	return f
}

// addUse adds what the server itself used between two readings.
func (f *Figures) addUse(idle use, from, to reading, startup time.Duration) {
	f.Startup, f.IdleMemory, f.PeakMemory = ms(startup), mib(idle.memory), mib(to.peak)
	f.CPU = (to.cpu - from.cpu).Seconds()
	f.CPUEach = f.CPU * 1e6 / float64(f.Webhooks)
	if f.Batches = to.batches - from.batches; f.Batches > 0 {
		f.MeanBatch = (to.fresh + to.duplicates - from.fresh - from.duplicates) / f.Batches
	}
}

// addMeta adds what Meta saw.
func (f *Figures) addMeta(a arrivals, l *load) {
	f.Events = float64(a.within) / l.measured().Seconds()
	f.DelayP50, f.DelayP99 = ms(percentile(a.delays, 50)), ms(percentile(a.delays, 99))
	f.Missing, f.Doubled = a.missing, a.doubled
}

// addTally adds what a Meta that only counts saw of a backlog, and of what was sold meanwhile.
func (f *Figures) addTally(t *tally, sales []soldAt) {
	delays, missing := t.sinceAnswer(sales)
	f.DelayP50, f.DelayP99, f.DelayMax = ms(percentile(delays, 50)), ms(percentile(delays, 99)), ms(percentile(delays, 100))
	f.Backlog, f.BacklogCalls = t.backlog, t.calls
	f.Missing, f.Doubled = missing+t.backlog-t.taken, t.doubled
	if t.calls > 0 {
		f.BacklogBatch = float64(t.taken) / float64(t.calls)
	}
	if took := t.last.Sub(t.first); took > 0 {
		f.BacklogSeconds, f.BacklogRate = took.Seconds(), float64(t.taken)/took.Seconds()
	}
}

// tableLine is one line of the table: what it says of a measurement, and with how many decimals.
type tableLine struct {
	label  string
	digits int
	value  func(Figures) float64
}

func tableLines() []tableLine {
	return []tableLine{
		{"backlog, events", 0, func(f Figures) float64 { return float64(f.Backlog) }},
		{"backlog events/s at Meta", 0, func(f Figures) float64 { return f.BacklogRate }},
		{"backlog at Meta, s", 1, func(f Figures) float64 { return f.BacklogSeconds }},
		{"backlog, calls", 0, func(f Figures) float64 { return float64(f.BacklogCalls) }},
		{"backlog, events per call", 1, func(f Figures) float64 { return f.BacklogBatch }},
		{"old rows removed", 0, func(f Figures) float64 { return float64(f.RowsRemoved) }},
		{"prune, s", 1, func(f Figures) float64 { return f.PruneSeconds }},
		{"webhooks/s", 0, func(f Figures) float64 { return f.Rate }},
		{"answer p50, ms", 2, func(f Figures) float64 { return f.P50 }},
		{"answer p95, ms", 2, func(f Figures) float64 { return f.P95 }},
		{"answer p99, ms", 2, func(f Figures) float64 { return f.P99 }},
		{"answer max, ms", 2, func(f Figures) float64 { return f.Max }},
		{"request, bytes", 0, func(f Figures) float64 { return f.Bytes }},
		{"events/s at Meta", 0, func(f Figures) float64 { return f.Events }},
		{"webhook to Meta p50, ms", 1, func(f Figures) float64 { return f.DelayP50 }},
		{"webhook to Meta p99, ms", 1, func(f Figures) float64 { return f.DelayP99 }},
		{"webhook to Meta max, ms", 1, func(f Figures) float64 { return f.DelayMax }},
		{"server CPU, s", 1, func(f Figures) float64 { return f.CPU }},
		{"server CPU per webhook, us", 0, func(f Figures) float64 { return f.CPUEach }},
		{"server memory peak, MiB", 0, func(f Figures) float64 { return f.PeakMemory }},
		{"server memory idle, MiB", 0, func(f Figures) float64 { return f.IdleMemory }},
		{"start to ready, ms", 0, func(f Figures) float64 { return f.Startup }},
		{"disk per message, bytes", 0, func(f Figures) float64 { return f.DiskPerMessage }},
		{"transactions", 0, func(f Figures) float64 { return f.Batches }},
		{"messages per transaction", 1, func(f Figures) float64 { return f.MeanBatch }},
	}
}

// Table has a heading, then a line for each figure, "-" where a measurement has none. A line that says
// nothing of any measurement is left out.
func (r *Report) Table() [][]string {
	heading := []string{""}
	for _, f := range r.Measurements {
		heading = append(heading, f.Name)
	}
	rows := [][]string{heading}
	for _, line := range tableLines() {
		row, says := []string{line.label}, false
		for _, f := range r.Measurements {
			cell := "-"
			if n := line.value(f); n != 0 {
				cell, says = thousands(n, line.digits), true
			}
			row = append(row, cell)
		}
		if says {
			rows = append(rows, row)
		}
	}
	return rows
}

// thousands writes a number as people read it: 18,204.5.
func thousands(n float64, digits int) string {
	s := strconv.FormatFloat(n, 'f', digits, 64)
	end := len(s)
	if digits > 0 {
		end -= digits + 1
	}
	for i := end - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
