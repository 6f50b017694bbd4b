package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/clickthread/clickthread/sandbox"
	"github.com/clickthread/clickthread/sql"
)

// use is what a process used: CPU time, memory now and at its peak, in bytes; 0 where nobody tells.
type use struct {
	cpu          time.Duration
	memory, peak int64
}

// reading is the server's own numbers at one moment.
type reading struct {
	use
	batches, fresh, duplicates float64 // transactions, new messages and known ones since the start
}

// measure runs one phase: an empty database, a Meta, a server, a load, and the figures.
func (o Options) measure(ctx context.Context, p phase) (f Figures, err error) {
	s, err := o.newStage(ctx)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.clear()) }()
	past := history{shop: shops(1)[0], run: s.run, n: p.prefill}
	if err := s.fill(ctx, func(store *sql.Store) error { return past.write(ctx, store, o.every(p.name+", conversations")) }); err != nil {
		return f, err
	}
	before := s.size()
	graph := newGraph(p.noMeta)
	if err := s.start(ctx, graph, o.TLS, serverKind{storage: p.storage, connections: o.Connections, shops: shops(1), profile: o.profile(p.name)}); err != nil {
		return f, err
	}
	f, stored, err := o.measureServer(ctx, p, s, graph)
	if err = errors.Join(err, s.stop()); err != nil {
		return f, err
	}
	if stored > 0 {
		f.DiskPerMessage = float64(s.size()-before) / stored
	}
	return f, nil
}

// measureServer sends the load to a server that is ready, and puts together what the senders, Meta and
// the server itself saw. It also tells how many messages the server has stored.
func (o Options) measureServer(ctx context.Context, p phase, s *stage, graph *sandbox.Graph) (f Figures, stored float64, err error) {
	idle, err := useOf(s.server.cmd.Process.Pid)
	if err != nil {
		return f, 0, err
	}
	var readings []reading
	read := func() error {
		r, err := s.server.read(ctx)
		readings = append(readings, r)
		return err
	}
	l := o.newLoad(s.server.url, s.run)
	l.mix = p.mix
	l.know(p.prefill)
	out, err := l.send(ctx, o.warmup(), o.For, o.sending(p.name), read)
	if err != nil {
		return f, 0, err
	}
	f = newFigures(p, l, out)
	f.addUse(idle, readings[0], readings[1], s.server.startup)
	if p.storage == StubStorage {
		return f, 0, nil
	}
	if !p.noMeta {
		if err := awaitEvents(ctx, graph, len(out.sales)); err != nil {
			return f, 0, err
		}
		f.addMeta(arrived(graph, l, out.sales), l)
	}
	err = read()
	return f, readings[2].fresh, err
}

// measureURL sends the load to a server that somebody else started.
func (o Options) measureURL(ctx context.Context, r *Report) error {
	target, err := url.Parse(o.URL)
	if err != nil {
		return err
	}
	l := o.newLoad(target, newRun())
	out, err := l.send(ctx, o.warmup(), o.For, o.sending(target.Host), func() error { return nil })
	if err != nil {
		return notThere(err)
	}
	r.Measurements = append(r.Measurements, newFigures(phase{name: target.Host, mix: o.Mix}, l, out))
	return nil
}

// warmup is how long is sent before it counts: connections are opened, pages and plans are made.
func (o Options) warmup() time.Duration { return min(o.For/4, 2*time.Second) }

// sending tells what was answered so far.
func (o Options) sending(name string) func(time.Duration, int64) {
	return func(done time.Duration, answered int64) {
		o.Tell(fmt.Sprintf("%s: %.0f s, %s webhooks/s", name, done.Seconds(), thousands(float64(answered)/done.Seconds(), 0)))
	}
}

// every tells, once a second and at the end, how much is prepared.
func (o Options) every(name string) func(done, of int) {
	var told time.Time
	return func(done, of int) {
		if now := time.Now(); done == of || now.Sub(told) >= time.Second {
			told = now
			o.Tell(fmt.Sprintf("%s: %s of %s prepared", name, thousands(float64(done), 0), thousands(float64(of), 0)))
		}
	}
}

// read takes the server's own numbers.
func (c *child) read(ctx context.Context) (reading, error) {
	use, err := useOf(c.cmd.Process.Pid)
	if err != nil {
		return reading{}, err
	}
	metrics, err := c.get(ctx, "/metrics")
	if err != nil {
		return reading{}, fmt.Errorf("read the server's metrics: %w", err)
	}
	return reading{
		use:        use,
		batches:    metric(metrics, `clickthread_batches_total{outcome="committed"}`),
		fresh:      metric(metrics, `clickthread_messages_total{outcome="new"}`),
		duplicates: metric(metrics, `clickthread_messages_total{outcome="duplicate"}`),
	}, nil
}

// metric finds one line of Prometheus' text format.
func metric(page []byte, series string) float64 {
	_, rest, found := bytes.Cut(page, []byte("\n"+series+" "))
	if !found {
		return 0
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	n, _ := strconv.ParseFloat(string(line), 64)
	return n
}
