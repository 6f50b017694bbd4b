package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/internal/bench"
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
		"--url 127.0.0.1:1 --secret s --waba 1", "--url http://127.0.0.1:1 --secret s --waba 1 --mix sales",
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), append([]string{"bench"}, strings.Fields(args)...), &stdout, &stderr); code != exitUsage {
			t.Errorf("bench %s ends with %d, want %d: %s", args, code, exitUsage, &stderr)
		}
	}
}

