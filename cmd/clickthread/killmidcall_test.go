package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/sandbox"
	"github.com/clickthread/clickthread/sql"
	"github.com/clickthread/clickthread/webhook"
)

// Promise 5: the server is killed when Meta has taken an event and before the answer is written down. The
// next process sends the same bytes again and marks the event unknown; where the account says hold, it
// sends nothing and leaves the event to a person.
func TestKillBetweenSendAndSettle(t *testing.T) {
	for policy, taken := range map[account.UnknownPolicy]int{account.Resend: 2, account.Hold: 1} {
		t.Run(string(policy), func(t *testing.T) {
			kills := 4
			if torture() {
				kills = 200
			}
			v := newVictim(t, "", 1)
			v.setUnknown(policy)
			server := v.nodes[0]
			v.start(server)
			for i := range kills {
				v.killMidCall(server, fmt.Sprintf("AfeKilled%05d", i))
			}
			v.stop(server)
			v.eachWasTaken(kills, taken)
			v.eachIsMarked(kills, policy)
		})
	}
}

// setUnknown sets the account's policy for unknown outcomes.
func (v *victim) setUnknown(policy account.UnknownPolicy) {
	v.Helper()
	settings, err := os.ReadFile(v.config)
	if err != nil {
		v.Fatal(err)
	}
	changed := strings.Replace(string(settings), "locale: pt-BR}", fmt.Sprintf("locale: pt-BR, unknown: %s}", policy), 1)
	if err := os.WriteFile(v.config, []byte(changed), 0o600); err != nil {
		v.Fatal(err)
	}
}

// killMidCall lets a sale reach Meta, whose answer takes longer than the server lives, and starts the server
// again to do what the account's policy says.
func (v *victim) killMidCall(n *node, clickID string) {
	v.Helper()
	before := v.graph.Taken()
	v.graph.Fail(sandbox.Fault{Taken: true, DelayMS: 60_000})
	who := &sandbox.Shopper{URL: "http://" + n.addr + webhook.Path, AppSecret: testSecret, WABA: "300100200300400", PhoneNumberID: "700100", WAID: "5511980000001", Now: time.Now}
	for _, n := range []sandbox.Notification{who.Click(ad(clickID), "oi"), who.Say("paguei R$ 5,00")} {
		if status, err := who.Send(v.Context(), n); err != nil || status != http.StatusOK {
			v.Fatalf("post: %d %v", status, err)
		}
	}
	v.until("Meta has taken the event", func() bool { return v.graph.Taken() > before })
	v.kill(n)
	v.start(n)
	v.drain()
}

// eachWasTaken: Meta took each event so many times, with the same bytes.
func (v *victim) eachWasTaken(events, times int) {
	v.Helper()
	bodies := map[any][][]byte{}
	for _, e := range v.graph.Events() {
		clickID := field(v.T, e.Event, "user_data", "ctwa_clid")
		bodies[clickID] = append(bodies[clickID], e.Event)
	}
	if len(bodies) != events {
		v.Errorf("Meta holds %d events, want %d", len(bodies), events)
	}
	for clickID, sent := range bodies {
		if len(sent) != times || !bytes.Equal(sent[0], sent[len(sent)-1]) {
			v.Errorf("%v was taken %d times, want %d of the same bytes:\n%s", clickID, len(sent), times, bytes.Join(sent, []byte("\n")))
		}
	}
}

// eachIsMarked: the ledger says of each event that one call has an unknown outcome.
func (v *victim) eachIsMarked(events int, policy account.UnknownPolicy) {
	v.Helper()
	status, why := forwarder.Sent, reason.None
	if policy == account.Hold {
		status, why = forwarder.Held, reason.UnknownOutcome
	}
	store := v.open()
	defer func() { _ = store.Close() }()
	deliveries, err := store.Deliveries(v.Context(), sql.Filter{Limit: 100_000})
	if err != nil || len(deliveries) != events {
		v.Fatalf("%d deliveries %v, want %d", len(deliveries), err, events)
	}
	for _, d := range deliveries {
		calls, err := store.Calls(v.Context(), d)
		if err != nil || len(calls) == 0 || calls[0].Outcome != forwarder.Unknown {
			v.Fatalf("the first call of %s: %+v %v, want its outcome unknown", d.ClickID, calls, err)
		}
		if d.Status != status || d.Reason != why || d.Unknowns != 1 {
			v.Errorf("%s is %s (%s) and marked unknown %d times; want %s (%s) and once", d.ClickID, d.Status, d.Reason, d.Unknowns, status, why)
		}
	}
}
