package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/internal/pgtest"
	"github.com/clickthread/clickthread/sandbox"
	"github.com/clickthread/clickthread/sql"
	"github.com/clickthread/clickthread/webhook"
)

// TestKillNine kills the server at random moments while webhooks come in, starts it again, and sends
// what was not acknowledged once more, as Meta would. Afterwards an independent model, which shares
// no code with the server, says what Meta must hold: nothing lost, nothing invented, and nothing
// twice unless a call is marked unknown, and then with identical bytes (promises 1 to 5).
func TestKillNine(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { killNine(t, "") })
	t.Run("postgres", func(t *testing.T) { killNine(t, pgtest.Shared(t).Database(t)) })
}

// torture reports whether the long runs are wanted: make torture.
func torture() bool { return os.Getenv("CLICKTHREAD_TORTURE") != "" }

func killNine(t *testing.T, database string) {
	kills, shoppers := 6, 100
	if torture() {
		kills, shoppers = 50, 1500
	}
	v := newVictim(t, database, 1)
	server := v.nodes[0]
	load, expected := chats(shoppers)

	ctx, stop := context.WithTimeout(t.Context(), 20*time.Minute)
	defer stop()
	written := make(chan struct{})
	go func() { v.write(ctx, load); close(written) }()
	landed := 0
	for range kills {
		v.start(server)
		select {
		case <-written:
		case <-time.After(time.Duration(5+rand.N(75)) * time.Millisecond):
			landed++
		}
		v.kill(server)
	}
	if landed < kills/2 {
		t.Fatalf("only %d of %d kills landed while webhooks came in; the run proves nothing", landed, kills)
	}
	v.start(server)
	<-written
	v.drain()
	v.stop(server)
	unknown, twice := v.check(expected)
	t.Logf("%d webhooks, %d kills while they came in; %d events with a call marked unknown, %d of them taken twice",
		len(load)*len(load[0]), landed, unknown, twice)
}

// TestGracefulStop stops the server while a call to Meta is in flight: the call is settled, nothing
// is marked unknown, and the process ends well.
func TestGracefulStop(t *testing.T) {
	v := newVictim(t, "", 1)
	v.start(v.nodes[0])
	who := &sandbox.Shopper{URL: "http://" + v.nodes[0].addr + webhook.Path, AppSecret: testSecret, WABA: "300100200300400", PhoneNumberID: "700100", WAID: "5511980000001", Now: time.Now}
	v.graph.Fail(sandbox.Fault{DelayMS: 300})
	for _, n := range []sandbox.Notification{who.Click(ad("Clid1"), "oi"), who.Say("paguei R$ 5,00")} {
		if status, err := who.Send(t.Context(), n); err != nil || status != http.StatusOK {
			t.Fatalf("post: %d %v", status, err)
		}
	}
	store := v.open()
	defer func() { _ = store.Close() }()
	v.until("a call is in flight", func() bool { return v.statuses(store)[forwarder.Sending] == 1 })
	v.stop(v.nodes[0])
	deliveries, err := store.Deliveries(t.Context(), sql.Filter{})
	if err != nil || len(deliveries) != 1 || deliveries[0].Status != forwarder.Sent || deliveries[0].Unknowns != 0 {
		t.Errorf("deliveries %+v %v, want one, sent, nothing unknown", deliveries, err)
	}
	if n := len(v.graph.Events()); n != 1 {
		t.Errorf("Meta holds %d events", n)
	}
}

// chats makes every shopper's five messages, and what Meta must hold for each: the model is that an
// ad shopper who asks is a lead and one who pays is a purchase; the others are nothing.
func chats(shoppers int) (load [][]sandbox.Notification, expected map[string]bool) {
	expected = map[string]bool{}
	for i := range shoppers {
		who := &sandbox.Shopper{WABA: "300100200300400", PhoneNumberID: "700100", WAID: fmt.Sprintf("551198%07d", i), Now: time.Now}
		clid := fmt.Sprintf("AfeKill%05d", i)
		opening := who.Click(ad(clid), "oi")
		if i%5 == 4 {
			opening = who.Say("oi") // came by himself
		} else {
			expected["LeadSubmitted "+clid] = true
			expected["Purchase "+clid+fmt.Sprintf(" %d.50 BRL", 10+i)] = true
		}
		load = append(load, []sandbox.Notification{
			opening, who.Say("tudo bem?"), who.Say("quanto custa?"),
			who.Say(fmt.Sprintf("paguei R$ %d,50", 10+i)), who.Say("obrigada"),
		})
	}
	return load, expected
}

// check compares what Meta took with the model, and with the ledger's own marks. It returns how many
// events had a call with an unknown outcome, and how many Meta took twice.
func (v *victim) check(expected map[string]bool) (unknown, twice int) {
	v.Helper()
	store := v.open()
	defer func() { _ = store.Close() }()
	unknowns := map[string]int{}
	deliveries, err := store.Deliveries(v.Context(), sql.Filter{Limit: 100_000})
	if err != nil {
		v.Fatal(err)
	}
	for _, d := range deliveries {
		unknowns[d.EventID] = d.Unknowns
		if d.Unknowns > 0 {
			unknown++
		}
	}
	taken, bodies := map[string]int{}, map[string]json.RawMessage{}
	for _, e := range v.graph.Events() {
		p := promiseOf(e)
		name := strings.TrimSpace(p.event + " " + p.clickID + " " + p.value)
		id, _ := field(v.T, e.Event, "event_id").(string)
		if !expected[name] {
			v.Errorf("phantom: Meta holds %s", name)
		}
		if body, seen := bodies[name]; seen && !bytes.Equal(body, e.Event) {
			v.Errorf("divergent: %s was sent as\n%s\nand as\n%s", name, body, e.Event)
		}
		bodies[name] = e.Event
		if taken[name]++; taken[name] == 2 {
			twice++
		}
		if taken[name] > 1+unknowns[id] {
			v.Errorf("double: %s was taken %d times, with %d calls marked unknown", name, taken[name], unknowns[id])
		}
	}
	for name := range expected {
		if taken[name] == 0 {
			v.Errorf("lost: %s", name)
		}
	}
	if n, err := store.Stranded(v.Context()); n != 0 || err != nil {
		v.Errorf("%d matches stand beside a click that counts (%v)", n, err)
	}
	return unknown, twice
}
