package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

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
func (c *benchCmd) measure(ctx context.Context, progress *progress, folder string, p phase) (f figures, err error) {
	folder, err = os.MkdirTemp(folder, "server-")
	if err != nil {
		return f, unreachable(err)
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return f, unreachable(err)
	}
	run := newRun()
	database, drop, err := c.emptyDatabase(ctx, folder, run)
	if err != nil {
		return f, unreachable(err)
	}
	defer func() { err = errors.Join(err, drop()) }()
	if err := prefill(ctx, database, run, p.prefill, func(done int) { progress.prefilled(p, done) }); err != nil {
		return f, err
	}
	before := sizeOf(database)
	meta, err := startMeta(folder, c.TLS, p.noMeta)
	if err != nil {
		return f, err
	}
	defer func() { _ = meta.server.Close() }()
	server, err := startChild(ctx, folder, database, meta, p, c.Connections)
	if err != nil {
		return f, err
	}
	f, stored, err := c.measureServer(ctx, progress, p, run, meta, server)
	if err = errors.Join(err, server.stop()); err != nil {
		return f, err
	}
	if stored > 0 {
		f.DiskPerMessage = float64(sizeOf(database)-before) / stored
	}
	return f, nil
}

// measureServer sends the load to a server that is ready, and puts together what the senders, Meta and
// the server itself saw. It also tells how many messages the server has stored.
func (c *benchCmd) measureServer(ctx context.Context, progress *progress, p phase, run string, meta *benchMeta, server *child) (f figures, stored float64, err error) {
	target, err := url.Parse(server.url)
	if err != nil {
		return f, 0, err
	}
	idle, err := useOf(server.cmd.Process.Pid)
	if err != nil {
		return f, 0, err
	}
	var readings []reading
	read := func() error {
		r, err := server.read(ctx)
		readings = append(readings, r)
		return err
	}
	l := c.newLoad(target, p, run)
	out, err := l.send(ctx, c.warmup(), c.For, func(done time.Duration, answered int64) { progress.sent(p, done, answered) }, read)
	if err != nil {
		return f, 0, err
	}
	f = c.newFigures(p, out)
	f.addUse(idle, readings[0], readings[1], server.startup)
	if p.storage == stubStorage {
		return f, 0, nil
	}
	if !p.noMeta {
		if err := meta.await(ctx, len(out.sales)); err != nil {
			return f, 0, err
		}
		f.addMeta(meta.arrived(l, out.sales), c.For)
	}
	err = read()
	return f, readings[2].fresh, err
}

// measureURL sends the load to a server that somebody else started.
func (c *benchCmd) measureURL(ctx context.Context, progress *progress, r *report) error {
	target, err := url.Parse(c.URL)
	if err != nil {
		return usage(fmt.Errorf("--url: %w", err))
	}
	p := phase{name: target.Host, mix: c.Mix}
	l := c.newLoad(target, p, newRun())
	out, err := l.send(ctx, c.warmup(), c.For,
		func(done time.Duration, answered int64) { progress.sent(p, done, answered) }, func() error { return nil })
	if err != nil {
		return unreachable(err)
	}
	r.Phases = append(r.Phases, c.newFigures(p, out))
	return nil
}

// warmup is how long is sent before it counts: connections are opened, pages and plans are made.
func (c *benchCmd) warmup() time.Duration { return min(c.For/4, 2*time.Second) }

// newRun names one run, so that its message ids are its own.
func newRun() string { return strings.ToLower(rand.Text()[:8]) }

// emptyDatabase makes the database of one phase, and what removes it again.
func (c *benchCmd) emptyDatabase(ctx context.Context, folder, run string) (database string, drop func() error, err error) {
	if c.Database == "sqlite" {
		return "sqlite:" + filepath.Join(folder, "clickthread.db"), func() error { return os.RemoveAll(folder) }, nil
	}
	return sql.CreateDatabase(ctx, c.Database, "clickthread_bench_"+run)
}

// sizeOf is how much of the disk an SQLite database takes that nobody has open, in bytes: what its
// write-ahead log held is in the file then. 0 for others.
func sizeOf(database string) int64 {
	info, err := os.Stat(strings.TrimPrefix(database, "sqlite:"))
	if err != nil {
		return 0
	}
	return info.Size()
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
