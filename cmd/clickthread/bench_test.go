package main

import (
	"bytes"
	"context"
	stdsql "database/sql"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun/driver/pgdriver"

	"github.com/clickthread/clickthread/internal/bench"
	"github.com/clickthread/clickthread/internal/pgtest"
)

// measured runs the command and reads its JSON.
func measured(t *testing.T, args ...string) bench.Report {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), append([]string{"bench", "--json"}, args...), &stdout, &stderr)
	if code != exitOK {
		t.Fatalf("bench ends with %d: %s\n%s", code, &stderr, &stdout)
	}
	var r bench.Report
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, &stdout)
	}
	for _, f := range r.Measurements {
		if f.Webhooks < 10 || f.Rate <= 0 || f.P50 <= 0 || f.P50 > f.P99 || f.P99 > f.Max {
			t.Errorf("%s: these figures cannot be: %+v", f.Name, f)
		}
		if f.Failed+f.Missing+f.Doubled > 0 {
			t.Errorf("%s: %d failed (%s), %d missing, %d doubled", f.Name, f.Failed, f.FirstErr, f.Missing, f.Doubled)
		}
	}
	return r
}

// A backlog is sent to the last event while other accounts sell, on both databases.
func TestBenchSendsABacklog(t *testing.T) {
	for _, database := range []string{"sqlite", pgtest.Shared(t).Database(t)} {
		t.Chdir(t.TempDir())
		r := measured(t, "--backlog", "2500", "--database", database)
		f := r.Measurements[0]
		if f.Backlog != 2500 || f.BacklogCalls != 3 || f.BacklogRate <= 0 || f.DelayMax < f.DelayP99 || f.Startup <= 0 {
			t.Errorf("%s: figures: %+v", r.Database, f)
		}
		if f.Rate < 15 || f.Rate > 25 {
			t.Errorf("%s: %.1f sales a second were to be 20", r.Database, f.Rate)
		}
	}
}

// The old rows are gone at the end, and the work beside it went on at half the rate.
func TestBenchPrunes(t *testing.T) {
	for _, database := range []string{"sqlite", pgtest.Shared(t).Database(t)} {
		t.Chdir(t.TempDir())
		r := measured(t, "--prune", "6000", "--for", "1s", "--connections", "4", "--database", database)
		if diff := cmp.Diff([]string{"full rate", "half of it", "half, pruning"}, names(r)); diff != "" {
			t.Fatalf("measurements (-want +got):\n%s", diff)
		}
		full, half, pruning := r.Measurements[0], r.Measurements[1], r.Measurements[2]
		if half.Rate > 0.6*full.Rate || pruning.Rate > 0.6*full.Rate {
			t.Errorf("half of %.0f webhooks/s is %.0f and %.0f", full.Rate, half.Rate, pruning.Rate)
		}
		if pruning.RowsRemoved != 6000 || pruning.PruneSeconds <= 0 || pruning.Events == 0 {
			t.Errorf("%s: %d rows removed in %.1f s, %.0f events/s", r.Database, pruning.RowsRemoved, pruning.PruneSeconds, pruning.Events)
		}
	}
}

// Stopped in the middle, a run leaves no file, no process and no database behind, and says so. What was
// sent to somebody else's server stays there.
func TestBenchStoppedHalfWay(t *testing.T) {
	server := pgtest.Shared(t).Database(t)
	h := openHouse(t, testRules)
	elsewhere := []string{"--url", h.url, "--secret", testSecret, "--waba", "300100200300400"}
	for name, c := range map[string]struct {
		args  []string
		at    string // the line of progress at which Ctrl-C comes
		after string
	}{
		"preparing": {[]string{"--prefill", "1000000"}, "prepared", "nothing was left behind"},
		"sending":   {[]string{"--for", "1h"}, "webhooks/s", "nothing was left behind"},
		"postgres":  {[]string{"--for", "1h", "--database", server}, "webhooks/s", "nothing was left behind"},
		"backlog":   {[]string{"--backlog", "1000000"}, "prepared", "nothing was left behind"},
		"pruning":   {[]string{"--prune", "6000", "--for", "2s", "--database", server}, "begins to remove", "nothing was left behind"},
		"elsewhere": {append(elsewhere, "--for", "1h"), "webhooks/s", "the server at --url keeps what it was sent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			before := databases(t, server)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			says := &stopsAt{words: c.at, stop: stop}
			if code := run(ctx, append([]string{"bench"}, c.args...), io.Discard, says); code != exitFindings || !strings.Contains(says.String(), c.after) {
				t.Errorf("ends with %d: %s", code, says)
			}
			if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
			if diff := cmp.Diff(before, databases(t, server)); diff != "" {
				t.Errorf("databases (-before +after):\n%s", diff)
			}
		})
	}
}

// stopsAt keeps what is written, and stops at certain words.
type stopsAt struct {
	strings.Builder
	words string
	stop  func()
}

// Write implements io.Writer.
func (s *stopsAt) Write(b []byte) (int, error) {
	if strings.Contains(string(b), s.words) {
		s.stop()
	}
	return s.Builder.Write(b)
}

// databases lists the databases that bench made on a server.
func databases(t *testing.T, url string) (names []string) {
	t.Helper()
	db := stdsql.OpenDB(pgdriver.NewConnector(pgdriver.WithDSN(url + "?sslmode=disable")))
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(t.Context(), "SELECT datname FROM pg_database WHERE datname LIKE 'clickthread_bench%' ORDER BY 1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}

func names(r bench.Report) (list []string) {
	for _, f := range r.Measurements {
		list = append(list, f.Name)
	}
	return list
}

// The whole command: three servers one after another, each with its Meta, and nothing left behind.
func TestBenchMeasuresAndCompares(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("CLICKTHREAD_DATABASE", "postgres://nobody:secret@192.0.2.1/in-use") // of the real server: never to be touched

	r := measured(t, "--for", "1s", "--connections", "8")
	if diff := cmp.Diff([]string{"clickthread", "one by one", "no storage"}, names(r)); diff != "" {
		t.Fatalf("measurements (-want +got):\n%s", diff)
	}
	for _, f := range r.Measurements[:2] {
		if f.Events == 0 || f.DelayP50 <= 0 || f.DiskPerMessage < 100 || f.Batches == 0 {
			t.Errorf("%s: what it stored or sent is not told: %+v", f.Name, f)
		}
	}
	if single := r.Measurements[1]; single.MeanBatch != 1 {
		t.Errorf("one by one, but %.1f messages per transaction", single.MeanBatch)
	}
	if len(r.Targets) < 3 {
		t.Errorf("targets: %+v", r.Targets)
	}
	left, err := os.ReadDir(".")
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// Every webhook a sale, sent over TLS; every payment is at Meta once.
func TestBenchSellsOverTLS(t *testing.T) {
	t.Chdir(t.TempDir())
	r := measured(t, "--for", "500ms", "--connections", "4", "--mix", "sales", "--prefill", "200", "--tls")
	if diff := cmp.Diff([]string{"clickthread", "not sending"}, names(r)); diff != "" {
		t.Fatalf("measurements (-want +got):\n%s", diff)
	}
	if sending, not := r.Measurements[0], r.Measurements[1]; sending.Events == 0 || not.Events != 0 {
		t.Errorf("events at Meta: %v, and %v where Meta refuses", sending.Events, not.Events)
	}
}

func TestBenchAgainstARunningServer(t *testing.T) {
	h := openHouse(t, testRules)
	measured(t, "--for", "500ms", "--connections", "2", "--url", h.url, "--secret", testSecret, "--waba", "300100200300400")
	if rows := h.rowCounts(); rows["messages"] == 0 || rows["quarantine"] > 0 {
		t.Errorf("the server holds %v", rows)
	}
}

func TestBenchRefusesWhatCannotBeMeasured(t *testing.T) {
	for _, args := range []string{
		"--for 1ms", "--connections 0", "--prefill -1", "--mix storm", "--database mysql://x", "--url http://127.0.0.1:1",
		"--backlog -1", "--backlog 9 --prune 9", "--prune 9 --mix sales", "--backlog 9 --prefill 9", "--backlog 9 --url http://127.0.0.1:1 --secret s --waba 1",
		"--url 127.0.0.1:1 --secret s --waba 1", "--url http://127.0.0.1:1 --secret s --waba 1 --mix sales",
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), append([]string{"bench"}, strings.Fields(args)...), &stdout, &stderr); code != exitUsage {
			t.Errorf("bench %s ends with %d, want %d: %s", args, code, exitUsage, &stderr)
		}
	}
}
