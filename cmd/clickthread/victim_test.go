package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
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

// victim is one or several servers in processes of their own on one database, with a Meta that
// outlives them.
type victim struct {
	*testing.T
	binary, config, database string
	graph                    *sandbox.Graph
	nodes                    []*node
}

// node is one server process.
type node struct {
	addr    string
	process *exec.Cmd
	output  bytes.Buffer
}

// newVictim writes settings for nodes on one database; an empty URL is an SQLite file.
func newVictim(t *testing.T, database string, nodes int) *victim {
	t.Helper()
	folder := t.TempDir()
	if database == "" {
		database = "sqlite:" + filepath.Join(folder, "clickthread.db")
	}
	v := &victim{
		T: t, binary: filepath.Join(folder, "clickthread"), config: filepath.Join(folder, "clickthread.yaml"),
		database: database, graph: sandbox.NewGraph(sandbox.Options{Now: now}),
	}
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
	yaml := fmt.Sprintf(`database: %q
rules: %s
meta: {graph_url: %q, app_secrets: [%s], verify_token: verify-me, timeout: 1s}
accounts:
  - {id: shop, waba_id: "300100200300400", dataset_id: "900100", access_token: token, currency: BRL, locale: pt-BR}
`, v.database, filepath.Join(folder, "rules"), meta.URL, testSecret)
	if err := os.WriteFile(v.config, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	for range nodes {
		n := &node{addr: freeAddr(t)}
		v.nodes = append(v.nodes, n)
		t.Cleanup(func() {
			if n.process != nil && n.process.ProcessState == nil {
				_ = n.process.Process.Kill()
				_ = n.process.Wait()
			}
		})
	}
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

// start runs a node and returns when it is ready.
func (v *victim) start(n *node) {
	v.Helper()
	n.output.Reset()
	n.process = exec.Command(v.binary, "serve", "--config", v.config)
	n.process.Env = append(os.Environ(), "CLICKTHREAD_LISTEN="+n.addr)
	n.process.Stdout, n.process.Stderr = &n.output, &n.output
	if err := n.process.Start(); err != nil {
		v.Fatal(err)
	}
	v.until("the server is ready", func() bool { return v.ready(n) })
}

func (v *victim) ready(n *node) bool {
	client := &http.Client{Timeout: time.Second}
	resp, err := client.Get("http://" + n.addr + "/readyz")
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// kill ends a node as a power cut would.
func (v *victim) kill(n *node) {
	_ = n.process.Process.Kill()
	_ = n.process.Wait()
}

// signal sends a node a signal.
func (v *victim) signal(n *node, s syscall.Signal) {
	v.Helper()
	if err := n.process.Process.Signal(s); err != nil {
		v.Fatal(err)
	}
}

// stop ends a node as a supervisor would, and it has to end well.
func (v *victim) stop(n *node) {
	v.Helper()
	v.signal(n, syscall.SIGTERM)
	if err := n.process.Wait(); err != nil {
		v.Fatalf("SIGTERM: %v\n%s", err, n.output.String())
	}
}

// write sends every chat in its own order, eight chats at a time, and each message until it is
// acknowledged, as Meta does, to any of the nodes.
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
		status, err := sandbox.Post(ctx, client, "http://"+v.nodes[rand.N(len(v.nodes))].addr+webhook.Path, testSecret, n.Body)
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
			v.Fatalf("after 60 s still not: %s\n%s", what, v.said())
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
	store, err := sql.Open(v.Context(), sql.Options{URL: v.database, Node: "test", MustExist: true})
	if err != nil {
		v.Fatal(err)
	}
	return store
}

// said is what the nodes have logged.
func (v *victim) said() string {
	all := ""
	for _, n := range v.nodes {
		all += n.addr + ":\n" + n.output.String()
	}
	return all
}
