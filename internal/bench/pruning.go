package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/clickthread/clickthread/sandbox"
	"github.com/clickthread/clickthread/sql"
)

// Pruning: old rows are removed beside a server that goes on working. What do its senders notice?

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
	if err := s.start(ctx, graph, o.TLS, serverKind{RealStorage, o.Connections, shops(1)}); err != nil {
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
	p, err := m.startPrune(ctx)
	if err != nil {
		return err
	}
	pruning, err := m.measure(ctx, "half, pruning", half, untilDone, p.ended)
	if err = errors.Join(err, p.stop()); err != nil {
		return err
	}
	if pruning.RowsRemoved, err = p.removed(); err != nil {
		return err
	}
	if pruning.RowsRemoved != rows {
		return fmt.Errorf("prune removed %d of %d old rows: the server prunes too, at 17 minutes past the hour; measure again", pruning.RowsRemoved, rows)
	}
	pruning.PruneSeconds = p.took.Seconds()
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

// prune is "clickthread run prune" beside the server, as an operator starts it.
type prune struct {
	cmd    *exec.Cmd
	out    bytes.Buffer
	words  bytes.Buffer // its error stream
	ended  chan struct{}
	took   time.Duration
	failed error // read these after ended
}

func (s *stage) startPrune(ctx context.Context) (*prune, error) {
	p := &prune{ended: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, s.server.cmd.Path, "run", "prune", "--json", "--config", filepath.Join(s.folder, configName))
	p.cmd.Args[0] = "clickthread"
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = stopLimit
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr, p.cmd.SysProcAttr = childEnv(s.meta.roots), &p.out, &p.words, dieWithUs()
	begin := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, notThere(fmt.Errorf("start clickthread run prune: %w", err))
	}
	go func() {
		defer close(p.ended)
		p.failed = p.cmd.Wait()
		p.took = time.Since(begin)
	}()
	return p, nil
}

// stop ends what still runs: the load may have ended first.
func (p *prune) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // an error says that it ended already
	<-p.ended
	if p.failed != nil {
		return fmt.Errorf("clickthread run prune: %w\n%s", p.failed, &p.words)
	}
	return nil
}

// removed is how many rows it says are gone.
func (p *prune) removed() (int, error) {
	var says struct {
		Count int `json:"count"`
	}
	if err := json.Unmarshal(p.out.Bytes(), &says); err != nil {
		return 0, fmt.Errorf("read what clickthread run prune says: %w", err)
	}
	return says.Count, nil
}
