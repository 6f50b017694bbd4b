package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clickthread/clickthread/sandbox"
	"github.com/clickthread/clickthread/webhook"
)

// Promise 1, seen from the kernel: strace watches the server while webhooks come in one after another.
// Before each 200 is written, the log of the database was written and an fsync of it has ended since
// the answer before.
func TestEach200FollowsAnFsync(t *testing.T) {
	if !torture() {
		t.Skip("runs under strace: make torture")
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("strace is needed: apt-get install strace")
	}
	v := newVictim(t, "", 1)
	n := v.nodes[0]
	trace := filepath.Join(t.TempDir(), "trace")
	n.process = exec.Command(strace, "-f", "-qq", "-s", "16", "-e", "trace=fsync,fdatasync,pwrite64,write", "-o", trace,
		v.binary, "serve", "--config", v.config)
	n.process.Env = append(os.Environ(), "CLICKTHREAD_LISTEN="+n.addr)
	n.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := n.process.Start(); err != nil {
		t.Fatal(err)
	}
	v.until("the server is ready", func() bool { return v.ready(n) })
	who := &sandbox.Shopper{URL: "http://" + n.addr + webhook.Path, AppSecret: testSecret, WABA: "300100200300400", PhoneNumberID: "700100", WAID: "5511980000001", Now: time.Now}
	const webhooks = 200
	for range webhooks {
		if status, err := who.Send(t.Context(), who.Say("tudo bem?")); err != nil || status != 200 {
			t.Fatalf("post: %d %v", status, err)
		}
	}
	if err := syscall.Kill(-n.process.Process.Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = n.process.Wait()

	answers, without := answersInTrace(t, trace)
	if answers < webhooks || without > 0 {
		t.Errorf("%d answers in the trace, %d of them without a write and an fsync before", answers, without)
	}
	t.Logf("%d answers of 200, each after a write and an fsync of the database", answers)
}

var (
	wrote    = regexp.MustCompile(`pwrite64\(`)
	synced   = regexp.MustCompile(`(fsync|fdatasync)(\(\d+\)| resumed>\)) += 0`)
	answered = regexp.MustCompile(`write\(\d+, "HTTP/1\.1 200 `)
)

func answersInTrace(t *testing.T, path string) (answers, without int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	written, durable := false, false
	for lines.Scan() {
		switch line := lines.Text(); {
		case synced.MatchString(line):
			durable = written
		case wrote.MatchString(line):
			written = true
		case answered.MatchString(line) && !strings.Contains(line, "resumed"):
			answers++
			if !durable {
				without++
			}
			written, durable = false, false
		}
	}
	return answers, without
}
