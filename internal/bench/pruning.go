package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/clickthread/clickthread/sandbox"
	"github.com/clickthread/clickthread/sql"
)

// Pruning: the server removes old rows while it goes on working. What do its senders notice?

const (
	prunedAge = 40 * 24 * time.Hour // older than everything that the default settings keep
	prunedOf  = 3                   // rows that go of each old conversation: the message, its key, its click
)

// measurePruning finds the full rate, then measures half of it, first alone and then while the old rows
// are removed.
func (o Options) measurePruning(ctx context.Context, r *Report) (err error) {
	s, err := o.newStage(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.clear()) }()
	old := history{shop: shops(1)[0], run: s.run, n: (o.Prune + prunedOf - 1) / prunedOf, ago: prunedAge}
	if err := s.fill(ctx, func(store *sql.Store) error { return old.write(ctx, store, o.every("old conversations")) }); err != nil {
		return err
	}
	graph := newGraph(false)
	if err := s.start(ctx, graph, o.TLS, serverKind{storage: RealStorage, connections: o.Connections, shops: shops(1), control: true, profile: o.profile("pruning")}); err != nil {
		return err
	}
	m := &paced{Options: o, stage: s, graph: graph, shoppers: int64(old.n)}
	if err := m.measureAll(ctx, r, old.n*prunedOf); err != nil {
		return err
	}
	r.comparePruning()
	return s.stop()
}

// paced is a row of measurements on one server, each with the shoppers and events of those before.
type paced struct {
	Options
	*stage
	graph    *sandbox.Graph
	shoppers int64
	cents    int64 // the last amount paid
	sold     int   // payments answered 200
}

func (m *paced) measureAll(ctx context.Context, r *Report, rows int) error {
	full, err := m.measure(ctx, "full rate", 0, m.For/2, nil)
	if err != nil {
		return err
	}
	half := time.Duration(2 * float64(time.Second) / full.Rate)
	alone, err := m.measure(ctx, "half of it", half, m.For, nil)
	if err != nil {
		return err
	}
	stopping, stop := context.WithCancel(ctx)
	defer stop()
	m.Tell("half, pruning: the server begins to remove old rows")
	job := m.server.startPruning(stopping)
	pruning, err := m.measure(ctx, "half, pruning", half, untilDone, job.ended)
	if err != nil {
		return err
	}
	stop() // a prune that outlasts every measurement
	if <-job.ended; job.err != nil {
		return job.err
	}
	if pruning.RowsRemoved = job.rows; job.rows != rows {
		return fmt.Errorf("the job removed %d of %d old rows: the server runs it too, at 17 minutes past the hour; measure again", job.rows, rows)
	}
	pruning.PruneSeconds = job.took.Seconds()
	r.Measurements = append(r.Measurements, full, alone, pruning)
	return nil
}

// measure sends the everyday mix at a pace, until done if there is such a channel.
func (m *paced) measure(ctx context.Context, name string, pace, measured time.Duration, done <-chan struct{}) (f Figures, err error) {
	l := m.newLoad(m.server.url, newRun())
	l.pace, l.done = pace, done
	l.shoppers.Store(m.shoppers)
	l.cents.Store(m.cents)
	var readings []reading
	warmup := m.warmup()
	if done != nil {
		warmup = 0 // it would be of what is measured
	}
	out, err := l.send(ctx, warmup, measured, m.sending(name), func() error {
		r, err := m.server.read(ctx)
		readings = append(readings, r)
		return err
	})
	if err != nil {
		return f, err
	}
	m.shoppers, m.cents, m.sold = l.shoppers.Load(), l.cents.Load(), m.sold+len(out.sales)
	if err := awaitEvents(ctx, m.graph, m.sold); err != nil {
		return f, err
	}
	f = newFigures(phase{name: name, storage: RealStorage, mix: l.mix}, l, out)
	f.addUse(use{}, readings[0], readings[1], m.server.startup)
	f.addMeta(arrived(m.graph, l, out.sales), l)
	return f, nil
}

// pruning is the server's own job at work. A "clickthread run prune" beside the server would measure
// something else on SQLite: two processes that wait for one writer.
type pruning struct {
	ended chan struct{}
	rows  int
	took  time.Duration
	err   error // read these after ended
}

// startPruning has the server prune now, and does not wait for the end.
func (c *child) startPruning(ctx context.Context) *pruning {
	p := &pruning{ended: make(chan struct{})}
	begin := time.Now()
	go func() {
		defer close(p.ended)
		p.rows, p.err = c.prune(ctx)
		p.took = time.Since(begin)
	}()
	return p
}

func (c *child) prune(ctx context.Context) (rows int, err error) {
	body, err := ask(ctx, http.MethodPost, c.control.String())
	if err == nil {
		rows, err = strconv.Atoi(strings.TrimSpace(string(body)))
	}
	if err != nil {
		return 0, fmt.Errorf("have the server prune: %w", err)
	}
	return rows, nil
}
