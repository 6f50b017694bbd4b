package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/sandbox"
	"github.com/clickthread/clickthread/sql"
	"github.com/clickthread/clickthread/webhook"
)

// victim is a server in a process of its own, with a Meta that outlives it.
type victim struct {
	*testing.T
	binary, config, database, addr string
	graph                          *sandbox.Graph
	process                        *exec.Cmd
	output                         bytes.Buffer
}

func newVictim(t *testing.T) *victim {
	t.Helper()
	folder := t.TempDir()
	v := &victim{T: t, binary: filepath.Join(folder, "clickthread"), graph: sandbox.NewGraph(sandbox.Options{Now: now})}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, v.binary); err != nil { // TestMain runs the program under this name
		t.Fatal(err)
	}
	meta := httptest.NewServer(v.graph)
	t.Cleanup(meta.Close)
	settingsIn(t, folder, testRules)
	v.addr, v.database = freeAddr(t), filepath.Join(folder, "clickthread.db")
	v.config = filepath.Join(folder, "clickthread.yaml")
	yaml := fmt.Sprintf(`listen: %s
database: sqlite:%s
rules: %s
meta: {graph_url: %q, app_secrets: [%s], verify_token: verify-me}
accounts:
  - {id: shop, waba_id: "300100200300400", dataset_id: "900100", access_token: token, currency: BRL, locale: pt-BR}
`, v.addr, v.database, filepath.Join(folder, "rules"), meta.URL, testSecret)
	if err := os.WriteFile(v.config, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if v.process != nil && v.process.ProcessState == nil {
			_ = v.process.Process.Kill()
		}
	})
	return v
}

func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}

// start runs the server and returns when it is ready.
func (v *victim) start() {
	v.Helper()
	v.output.Reset()
	v.process = exec.Command(v.binary, "serve", "--config", v.config)
	v.process.Stdout, v.process.Stderr = &v.output, &v.output
	if err := v.process.Start(); err != nil {
		v.Fatal(err)
	}
	v.until("the server is ready", func() bool {
		resp, err := http.Get("http://" + v.addr + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// kill ends the server as a power cut would.
func (v *victim) kill() {
	_ = v.process.Process.Kill()
	_ = v.process.Wait()
}

// stop ends the server as a supervisor would, and it has to end well.
func (v *victim) stop() {
	v.Helper()
	if err := v.process.Process.Signal(syscall.SIGTERM); err != nil {
		v.Fatal(err)
	}
	if err := v.process.Wait(); err != nil {
		v.Fatalf("SIGTERM: %v\n%s", err, v.output.String())
	}
}

// write sends every chat in its own order, eight chats at a time, and each message until it is
// acknowledged, as Meta does.
func (v *victim) write(ctx context.Context, load [][]sandbox.Notification) {
	next := make(chan []sandbox.Notification)
	var writers sync.WaitGroup
	client := &http.Client{Timeout: 5 * time.Second}
	for range 8 {
		writers.Go(func() {
			for chat := range next {
				for _, n := range chat {
					v.until200(ctx, client, n)
				}
			}
		})
	}
	for _, chat := range load {
		next <- chat
	}
	close(next)
	writers.Wait()
}

func (v *victim) until200(ctx context.Context, client *http.Client, n sandbox.Notification) {
	for ctx.Err() == nil {
		status, err := sandbox.Post(ctx, client, "http://"+v.addr+webhook.Path, testSecret, n.Body)
		if err == nil && status == http.StatusOK {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// drain waits until the ledger has nothing on its way.
func (v *victim) drain() {
	v.Helper()
	store := v.open()
	defer func() { _ = store.Close() }()
	v.until("nothing is on its way", func() bool {
		open := v.statuses(store)
		return open[forwarder.Queued]+open[forwarder.Sending] == 0
	})
}

// until polls another process, which has no other way to say that it is so far.
func (v *victim) until(what string, so func() bool) {
	v.Helper()
	for deadline := time.Now().Add(60 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			v.Fatalf("after 60 s still not: %s\n%s", what, v.output.String())
		}
	}
}

func (v *victim) statuses(store *sql.Store) map[forwarder.Status]int {
	v.Helper()
	deliveries, err := store.Deliveries(v.Context(), sql.Filter{Limit: 100_000})
	if err != nil {
		v.Fatal(err)
	}
	statuses := map[forwarder.Status]int{}
	for _, d := range deliveries {
		statuses[d.Status]++
	}
	return statuses
}

func (v *victim) open() *sql.Store {
	v.Helper()
	store, err := sql.Open(v.Context(), sql.Options{URL: "sqlite:" + v.database, Node: "test", MustExist: true})
	if err != nil {
		v.Fatal(err)
	}
	return store
}
