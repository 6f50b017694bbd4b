package main

import (
	stdsql "database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/sandbox"
	"github.com/clickthread/clickthread/sql"
	"github.com/clickthread/clickthread/webhook"
)

// house is a real server on a real database with a pretend Meta, for one test. Nothing is sent until
// the test calls deliver, so that no test waits for time.
type house struct {
	*testing.T
	app   *app
	graph *sandbox.Graph
	url   string
	log   *strings.Builder
}

const testRules = `version: 1
defaults: {currency: BRL}
rules:
  - id: asked-price
    when: {customer_says: ["quanto custa", "how much"]}
    send: LeadSubmitted
    once: per_conversation
  - id: paid
    when: {customer_says: ["paguei {money}"]}
    send: Purchase
    value: {from: message}
`

const testSecret = "app-secret-of-the-test"

// openHouse starts a house with one account whose rules are given. Options change its settings.
func openHouse(t *testing.T, rules string, options ...func(*configs.Settings)) *house {
	t.Helper()
	folder := t.TempDir()
	h := &house{T: t, log: &strings.Builder{}}
	h.graph = sandbox.NewGraph(sandbox.Options{Now: now})
	meta := httptest.NewServer(h.graph)
	t.Cleanup(meta.Close)
	s := settingsIn(t, folder, rules)
	s.Meta.GraphURL = meta.URL
	for _, change := range options {
		change(&s)
	}
	h.start(s)
	return h
}

// settingsIn writes the rules and makes settings for one account, "shop".
func settingsIn(t *testing.T, folder, rules string) configs.Settings {
	t.Helper()
	dir := filepath.Join(folder, "rules", "shop")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rules.yaml"), []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	s := configs.Defaults()
	s.Database = "sqlite:" + filepath.Join(folder, "clickthread.db")
	s.Rules = filepath.Join(folder, "rules")
	s.Meta.AppSecrets = []account.Secret{testSecret}
	s.Meta.VerifyToken = "verify-me"
	s.Accounts = []configs.Account{{
		ID: "shop", WABAID: "300100200300400", DatasetID: "900100", AccessToken: "token", Country: "BR",
		Currency: "BRL", Locale: "pt-BR", Timezone: "America/Sao_Paulo", Click: "last", Unknown: "resend",
		Send: configs.Send{Identity: "waba"},
	}}
	return s
}

// start wires the server; a second start on the same settings is a restart.
func (h *house) start(s configs.Settings) {
	h.Helper()
	a, err := newApp(h.Context(), s, slog.New(slog.NewTextHandler(h.log, nil)), toServe)
	if err != nil {
		h.Fatal(err)
	}
	e := newEcho(nil)
	a.routes(e, e)
	door := httptest.NewServer(e)
	h.app, h.url = a, door.URL
	h.Cleanup(func() { door.Close(); _ = a.close() })
}

// ana is the shopper of every story.
func (h *house) ana() *sandbox.Shopper {
	return &sandbox.Shopper{
		URL: h.url + webhook.Path, AppSecret: testSecret, WABA: "300100200300400", PhoneNumberID: "700100",
		WAID: "5511987650001", UserID: "BR.7001002003004005", Name: "Ana", Now: time.Now,
	}
}

// post sends a notification and fails the test unless it is answered 200.
func (h *house) post(who *sandbox.Shopper, n sandbox.Notification) {
	h.Helper()
	status, err := who.Send(h.Context(), n)
	if err != nil || status != 200 {
		h.Fatalf("post: %d %v", status, err)
	}
}

// deliver runs the sending loop until nothing is due.
func (h *house) deliver() {
	h.Helper()
	for {
		n, err := h.app.forward.Once(h.Context())
		if err != nil {
			h.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// metaHolds is what the pretend Meta took, as "Name clid value currency".
func (h *house) metaHolds() []string {
	h.Helper()
	h.deliver()
	held := []string{}
	for _, taken := range h.graph.Events() {
		p := promiseOf(taken)
		held = append(held, strings.TrimSpace(p.event+" "+p.clickID+" "+p.value))
	}
	return held
}

// ledger is every event with its state and reason: "Name state reason".
func (h *house) ledger() []string {
	h.Helper()
	lines, err := eventLines(h.Context(), h.app.store, sql.Filter{Limit: 1000})
	if err != nil {
		h.Fatal(err)
	}
	list := []string{}
	for _, l := range lines {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %s", l.Event, l.State, l.Reason)))
	}
	return list
}

// deliveries are the account's deliveries, newest first.
func (h *house) deliveries() []forwarder.Delivery {
	h.Helper()
	list, err := h.app.store.Deliveries(h.Context(), sql.Filter{Limit: 1000})
	if err != nil {
		h.Fatal(err)
	}
	return list
}

// field reads one key of an event as Meta took it.
func field(t *testing.T, event json.RawMessage, path ...string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(event, &v); err != nil {
		t.Fatal(err)
	}
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

func ad(clickID string) sandbox.Ad {
	return sandbox.Ad{ID: "120210000000000001", Headline: "Vestidos", ClickID: clickID, SourceType: "ad", URL: "https://fb.me/x"}
}

// rowCounts counts the rows of the ledger's tables, past all our own code.
func (h *house) rowCounts() map[string]int {
	h.Helper()
	db, err := stdsql.Open("sqlite", strings.TrimPrefix(h.app.settings.Database, "sqlite:"))
	if err != nil {
		h.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	counts := map[string]int{}
	for _, table := range []string{
		"message_keys", "messages", "contacts", "aliases", "conversations", "clicks", "click_days", "unattributed",
		"claims", "deliveries", "calls", "attempts", "lanes", "quarantine", "counters",
	} {
		var n int
		if err := db.QueryRowContext(h.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			h.Fatal(err)
		}
		counts[table] = n
	}
	return counts
}

type click = attribution.Click
