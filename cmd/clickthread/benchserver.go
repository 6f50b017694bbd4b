package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/pprof"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/internal/bench"
	"github.com/clickthread/clickthread/sql"
)

// What bench compares the server with: the same server with its storage taken out, or with one
// transaction per webhook.

// benchServerCmd is serve with another storage, for bench alone.
type benchServerCmd struct {
	configFlag
	Storage  string `help:"real: as serve. single: one transaction per webhook. stub: nothing is stored." enum:"real,single,stub" required:""`
	Flushers int    `help:"With single: transactions at once." default:"1"`
	Control  string `help:"Address where a POST has the server prune at once, and is answered how many rows went." placeholder:"ADDR"`
	Profile  string `help:"File for a CPU profile of this process." placeholder:"FILE"`
}

// Help shows an example below the flags.
func (benchServerCmd) Help() string {
	return "Example:\n  clickthread bench-server --config clickthread.yaml --storage single\n\n" +
		"For \"clickthread bench\" alone: it does not keep what a server promises."
}

// Run serves until the process is asked to stop.
func (c *benchServerCmd) Run(ctx context.Context, out *console) error {
	s, err := c.load()
	if err != nil {
		return err
	}
	a, err := newApp(ctx, s, newLog(out, false, slog.LevelInfo), toServe)
	if err != nil {
		return err
	}
	defer func() { _ = a.close() }()
	switch c.Storage {
	case bench.SingleStorage:
		a.intake.MaxBatch, a.intake.Flushers = 1, c.Flushers
	case bench.StubStorage:
		a.intake.Recorder = noStorage{a.store}
	}
	endProfile, err := c.profile()
	if err != nil {
		return err
	}
	defer endProfile()
	door, err := listen(s.Listen)
	if err != nil {
		return err
	}
	if c.Control != "" {
		control, err := listen(c.Control)
		if err != nil {
			return err
		}
		server := newServer(http.HandlerFunc(a.pruneNow))
		server.WriteTimeout = 0 // millions of rows take minutes
		defer func() { _ = server.Close() }()
		go func() { _ = server.Serve(control) }()
	}
	return a.run(ctx, door, nil)
}

// profile begins the CPU profile, if one is wanted, and returns how it is ended.
func (c *benchServerCmd) profile() (end func(), err error) {
	if c.Profile == "" {
		return func() {}, nil
	}
	file, err := os.Create(c.Profile)
	if err != nil {
		return nil, fmt.Errorf("make the profile: %w", err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, fmt.Errorf("begin the profile: %w", err)
	}
	return func() {
		pprof.StopCPUProfile()
		_ = file.Close()
	}, nil
}

// pruneNow prunes as the cron table does, when it is asked to.
func (a *app) pruneNow(w http.ResponseWriter, r *http.Request) {
	n, err := a.prune(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = fmt.Fprintln(w, n)
}

// noStorage is the ledger without its storage: everything is decided as ever, every shopper is new,
// and nothing is kept.
type noStorage struct{ *sql.Store }

// Record implements webhook.Recorder.
func (noStorage) Record(_ context.Context, now time.Time, batch []*attribution.Arrival, decide sql.Decide) (int, []forwarder.Delivery, error) {
	snap := &attribution.Snapshot{Now: now, Fresh: batch}
	for _, a := range batch {
		a.Thread = &attribution.Thread{
			Account: a.Account, Contact: a.ID, Number: a.Number, IDs: []uuid.UUID{a.ID},
		}
		snap.Threads = append(snap.Threads, a.Thread)
	}
	_, err := decide(snap, nil)
	return len(batch), nil, err
}

// AddCounts implements webhook.Recorder.
func (noStorage) AddCounts(context.Context, time.Time, map[attribution.Count]int) error { return nil }
