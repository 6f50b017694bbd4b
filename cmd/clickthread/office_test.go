package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/sandbox"
	"github.com/clickthread/clickthread/sql"
)

// office is the sending half of a house: the loop on a real ledger before a pretend Meta, for as many
// accounts as a story needs. Events go straight into the ledger, as what the rules decided would.
type office struct {
	*testing.T
	url      string // of its database
	store    *sql.Store
	graph    *sandbox.Graph
	forward  *forwarder.Forwarder
	accounts []account.Account
	now      func() time.Time
	messages int // that caused events so far
}

// officeOptions are what stories differ in.
type officeOptions struct {
	accounts  []account.Account
	meta      sandbox.Options
	now       func() time.Time
	transport http.RoundTripper // default: the usual one
	timeout   time.Duration
}

func openOffice(t *testing.T, o officeOptions) *office {
	t.Helper()
	url := "sqlite:" + filepath.Join(t.TempDir(), "clickthread.db")
	store, err := sql.Open(t.Context(), sql.Options{URL: url, Node: "test", Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	o.meta.Now = o.now
	graph := sandbox.NewGraph(o.meta)
	meta := httptest.NewServer(graph)
	t.Cleanup(meta.Close)
	client := capi.New(capi.Options{BaseURL: meta.URL, Timeout: o.timeout})
	if o.transport != nil {
		client.HTTP.Transport = o.transport
	}
	begin := o.now()
	forward, err := forwarder.New(forwarder.Options{
		Queue: store, Sender: client, Accounts: account.NewRegistry(o.accounts), Node: "test",
		Lease: o.timeout + leaseBeyond, Timeout: o.timeout, Log: slog.New(slog.DiscardHandler),
		Clock: forwarder.NewClock(o.now, func() time.Duration { return o.now().Sub(begin) }),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &office{T: t, url: url, store: store, graph: graph, forward: forward, accounts: o.accounts, now: o.now}
}

// merchants are n accounts, each with its own dataset.
func merchants(n int) []account.Account {
	list := make([]account.Account, n)
	for i := range list {
		list[i] = account.Account{
			ID: fmt.Sprintf("shop-%04d", i), WABAID: fmt.Sprintf("3001%04d", i), DatasetID: fmt.Sprintf("9001%04d", i),
			AccessToken: "token", Unknown: account.Resend,
		}
	}
	return list
}

// queue records one message of every account, of a time, that causes n events. clickID names the click of
// each, by the places of account and event.
func (o *office) queue(at time.Time, n int, clickID func(account, event int) string) {
	o.Helper()
	o.messages++
	batch := make([]*attribution.Arrival, len(o.accounts))
	for i, a := range o.accounts {
		batch[i] = &attribution.Arrival{
			Account: a.ID, Number: "700100", ID: uuid.Must(uuid.NewV7()), Key: o.store.Key(fmt.Sprintf("%s %d", a.ID, o.messages)),
			Type: "text", From: attribution.Identity{WAID: "5511987650001"}, At: at, ReceivedAt: o.now(),
		}
	}
	_, _, err := o.store.Record(o.Context(), o.now(), batch, func(s *attribution.Snapshot, _ []forwarder.Delivery) (all forwarder.Changes, err error) {
		for i, a := range s.Fresh {
			for j := range n {
				all.New = append(all.New, o.delivery(a, i, fmt.Sprintf("%d %d", o.messages, j), clickID(i, j)))
			}
		}
		return all, nil
	})
	if err != nil {
		o.Fatal(err)
	}
}

// delivery is a lead that a message of an account caused.
func (o *office) delivery(m *attribution.Arrival, i int, claim, clickID string) forwarder.Delivery {
	a := o.accounts[i]
	e := capi.Event{Name: "LeadSubmitted", Time: m.At, ID: forwarder.EventID(a.ID, claim), WABAID: a.WABAID, ClickID: clickID}
	return forwarder.Delivery{
		Account: a.ID, ID: uuid.Must(uuid.NewV7()), Status: forwarder.Queued, EventID: e.ID, EventName: e.Name, EventAt: m.At,
		Payload: e.JSON(), Claim: claim, Conversation: m.Thread.IDs[0], Trigger: m.ID, ClickID: clickID, Dataset: a.DatasetID,
		Due: o.now(), Revision: forwarder.Frozen, CreatedAt: o.now(), UpdatedAt: o.now(),
	}
}

// once makes passes over the lanes until none is due, and returns how many deliveries it settled.
func (o *office) once() (settled int) {
	o.Helper()
	for {
		n, err := o.forward.Once(o.Context())
		if err != nil {
			o.Fatal(err)
		}
		if settled += n; n == 0 {
			return settled
		}
	}
}

// ledger is every delivery of an account.
func (o *office) ledger(account string) []forwarder.Delivery {
	o.Helper()
	list, err := o.store.Deliveries(o.Context(), sql.Filter{Account: account, Limit: 1_000_000})
	if err != nil {
		o.Fatal(err)
	}
	return list
}

// taken is when Meta took each event, by Meta's event id.
func (o *office) taken() map[string][]time.Time {
	o.Helper()
	times := map[string][]time.Time{}
	for _, e := range o.graph.Events() {
		var event struct {
			ID string `json:"event_id"`
		}
		if err := json.Unmarshal(e.Event, &event); err != nil {
			o.Fatal(err)
		}
		times[event.ID] = append(times[event.ID], e.ReceivedAt)
	}
	return times
}

// command runs the program beside the loop, as a person would; it has to end well.
func (o *office) command(args ...string) {
	o.Helper()
	var accounts strings.Builder
	for _, a := range o.accounts {
		fmt.Fprintf(&accounts, "  - {id: %s, waba_id: %q, dataset_id: %q, access_token: token}\n", a.ID, a.WABAID, a.DatasetID)
	}
	file := filepath.Join(o.TempDir(), "settings.yaml")
	settings := fmt.Sprintf("database: %q\nmeta: {app_secrets: [%s], verify_token: verify-me}\naccounts:\n%s", o.url, testSecret, &accounts)
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		o.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := run(o.Context(), append(args, "--config", file), &out, &errs); code != exitOK {
		o.Fatalf("%s ends with %d:\n%s%s", strings.Join(args, " "), code, &out, &errs)
	}
}
