package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/internal/pgtest"
	"github.com/clickthread/clickthread/sandbox"
	"github.com/clickthread/clickthread/sql"
	"github.com/clickthread/clickthread/webhook"
)

// Two nodes on one PostgreSQL. Every message goes to a node at random, a fifth of them twice, and the
// messages of a chat all at once: a click and the message that needs it meet on different nodes in any
// order. Every expected event is at Meta exactly once.
func TestTwoNodesShareOneDatabase(t *testing.T) {
	shoppers := 400
	if torture() {
		shoppers = 17_000 // about 100,000 webhooks with the duplicates
	}
	v := newVictim(t, pgtest.Shared(t).Database(t), 2)
	for _, n := range v.nodes {
		v.start(n)
	}
	load, expected := chats(shoppers)
	v.scatter(t.Context(), load)
	v.drain()
	for _, n := range v.nodes {
		v.stop(n)
	}
	if unknown, twice := v.check(expected); unknown != 0 || twice != 0 {
		t.Errorf("%d events with an unknown call, %d taken twice; want each exactly once", unknown, twice)
	}
}

// scatter sends the messages of each chat at the same instant to nodes at random, a fifth of them
// twice.
func (v *victim) scatter(ctx context.Context, load [][]sandbox.Notification) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	chats := make(chan []sandbox.Notification)
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for chat := range chats {
				var together sync.WaitGroup
				for _, n := range chat {
					for range 1 + rand.N(10)/8 {
						together.Go(func() { v.until200(ctx, client, n) })
					}
				}
				together.Wait()
			}
		})
	}
	for _, chat := range load {
		chats <- chat
	}
	close(chats)
	writers.Wait()
}

// PostgreSQL is stopped and started again and again while webhooks come in: the server stays up,
// answers 503 meanwhile, is back within 5 seconds, and nothing is lost or doubled.
func TestPostgresRestartsUnderLoad(t *testing.T) {
	restarts, shoppers := 2, 150
	if torture() {
		restarts, shoppers = 5, 600
	}
	cluster, err := pgtest.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Stop() })
	v := newVictim(t, cluster.Database(t), 1)
	server := v.nodes[0]
	v.start(server)
	load, expected := chats(shoppers)
	written := make(chan struct{})
	go func() { v.paced(t.Context(), load, 5*time.Millisecond); close(written) }()
	for range restarts {
		before := len(v.graph.Events())
		v.until("webhooks come in", func() bool { return len(v.graph.Events()) > before })
		if err := cluster.StopImmediate(); err != nil {
			t.Fatal(err)
		}
		v.until("the server says that it is not ready", func() bool { return !v.ready(server) })
		v.refuses(server) // and a webhook is not taken meanwhile
		if err := cluster.Start(); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		v.until("the server is ready again", func() bool { return v.ready(server) })
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("back after %s, want 5 s at most", took)
		}
	}
	<-written
	if err := server.process.Process.Signal(syscall.Signal(0)); err != nil {
		t.Fatalf("the server ended: %v\n%s", err, v.said())
	}
	v.drain()
	v.stop(server)
	if _, twice := v.check(expected); twice != 0 {
		t.Errorf("%d events were taken twice", twice)
	}
}

// refuses posts a webhook of somebody else's to a server without its database: 503, so that Meta tries again.
func (v *victim) refuses(n *node) {
	v.Helper()
	who := &sandbox.Shopper{WABA: "300100200300400", PhoneNumberID: "700100", WAID: "5511970000001", Now: time.Now}
	client := &http.Client{Timeout: 5 * time.Second}
	status, err := sandbox.Post(v.Context(), client, "http://"+n.addr+webhook.Path, testSecret, who.Say("quanto custa?").Body)
	if err != nil || status != http.StatusServiceUnavailable {
		v.Errorf("a webhook while the database is away: %d %v, want 503", status, err)
	}
}

// paced sends one message after another, a wait apart, each until it is acknowledged.
func (v *victim) paced(ctx context.Context, load [][]sandbox.Notification, wait time.Duration) {
	client := &http.Client{Timeout: 5 * time.Second}
	tick := time.NewTicker(wait)
	defer tick.Stop()
	for _, chat := range load {
		for _, n := range chat {
			<-tick.C
			v.until200(ctx, client, n)
		}
	}
}

// Ledger 21: a node is stopped while its call to Meta is in flight, another takes its lane over, and
// the first goes on: what it settles late changes no row.
func TestAStoppedNodeSettlesNothing(t *testing.T) {
	v := newVictim(t, pgtest.Shared(t).Database(t), 2)
	first, second := v.nodes[0], v.nodes[1]
	v.start(first)
	who := &sandbox.Shopper{URL: "http://" + first.addr + webhook.Path, AppSecret: testSecret, WABA: "300100200300400", PhoneNumberID: "700100", WAID: "5511980000001", Now: time.Now}
	v.graph.Fail(sandbox.Fault{DelayMS: 500, Taken: true})
	for _, n := range []sandbox.Notification{who.Click(ad("Clid1"), "oi"), who.Say("paguei R$ 5,00")} {
		if status, err := who.Send(t.Context(), n); err != nil || status != http.StatusOK {
			t.Fatalf("post: %d %v", status, err)
		}
	}
	store := v.open()
	defer func() { _ = store.Close() }()
	v.until("a call is in flight", func() bool { return v.statuses(store)[forwarder.Sending] == 1 })
	v.signal(first, syscall.SIGSTOP)
	v.start(second)
	v.until("the second node took the lane over and sent", func() bool { return v.statuses(store)[forwarder.Sent] == 1 })
	before := v.delivery(store)
	v.signal(first, syscall.SIGCONT)
	v.until("the first node is ready again", func() bool { return v.ready(first) })
	v.stop(first)
	v.stop(second)
	if log := first.output.String(); !strings.Contains(log, "settled too late") {
		t.Errorf("the first node has not tried to settle its call:\n%s", log)
	}
	if after := v.delivery(store); after.Status != before.Status || after.Call != before.Call || !after.UpdatedAt.Equal(before.UpdatedAt) || after.Unknowns != 1 {
		t.Errorf("the late settle changed the row: before %+v, after %+v", before, after)
	}
}

func (v *victim) delivery(store *sql.Store) forwarder.Delivery {
	v.Helper()
	list, err := store.Deliveries(v.Context(), sql.Filter{})
	if err != nil || len(list) != 1 {
		v.Fatalf("%d deliveries %v, want one", len(list), err)
	}
	return list[0]
}
