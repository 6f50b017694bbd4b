package main

import (
	stdsql "database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// Two sets that hear the same chats in different ways, with everything in them that looks back: once, dedupe,
// ids, holds, quotes, waits, what was sent, trials.
const (
	rulesInForce = `version: 1
defaults: {currency: BRL}
rules:
  - {id: asked, when: {customer_says: ["quanto custa"]}, send: LeadSubmitted, once: per_conversation}
  - {id: asked-daily, when: {customer_says: ["tem desconto"]}, send: ViewContent, once: per_day}
  - {id: paid, when: {customer_says: ["paguei {money}", "ja paguei"]}, send: Purchase, value: {from: message}}
  - {id: order, when: {any: [{customer_says: "pedido {order_no}"}, {we_say: "pedido {order_no} confirmado"}]}, send: OrderCreated, value: {amount: 10}, dedupe: "{order_no}"}
  - {id: ad-seen, when: {customer_says: "vi o anuncio"}, send: AddToCart, event_id: "seen-{ad.id}", once: always}
  - {id: cart, when: {customer_orders: {at_least: {items: 2}}}, send: InitiateCheckout, value: {from: cart}}
  - {id: later, when: {customer_says: "volto depois"}, send: QualifiedLead, wait: 30h, cancel_if: [{customer_says: desisto}, {we_say: cancelado}]}
  - {id: fecho, when: {customer_says: "pode fechar"}, send: OrderShipped, value: {from: last_amount_we_quoted}}
  - {id: trial, mode: shadow, when: {customer_says: "paguei"}, send: OrderDelivered, once: per_conversation}
  - {id: back, when: {customer_says: "quanto custa"}, if: {already_sent: {any: [Purchase]}}, send: CartAbandoned}
`
	rulesCandidate = `version: 1
defaults: {currency: BRL}
rules:
  - {id: asked, when: {customer_says: ["quanto custa", "tem desconto"]}, if: {within_click: 2d}, send: LeadSubmitted, once: per_click}
  - {id: asked-daily, mode: shadow, when: {customer_says: ["tem desconto"]}, send: ViewContent, once: per_day}
  - {id: paid, when: {customer_says: ["paguei {money}"]}, send: Purchase, value: {from: message, max: 500}, once: per_conversation}
  - {id: paid-too, when: {customer_says: "ja paguei"}, send: Purchase, value: {from: last_amount_we_quoted}}
  - {id: order, when: {customer_says: "pedido {order_no}"}, send: OrderCreated, value: {amount: 12}, once: always}
  - {id: ad-seen, when: {customer_says: "vi o anuncio"}, send: AddToCart, once: per_conversation}
  - {id: cart, when: {customer_orders: {at_least: {items: 1}}}, send: InitiateCheckout, value: {from: cart}, once: per_conversation}
  - {id: later, when: {customer_says: "volto depois"}, send: QualifiedLead, wait: 20h, cancel_if: [{customer_says: [desisto, "quanto custa"]}]}
  - {id: fecho, when: {customer_says: "pode fechar"}, send: OrderShipped, value: {from: last_amount_we_quoted, multiply: 0.5}}
  - {id: trial, when: {customer_says: "paguei"}, send: OrderDelivered, once: per_conversation}
`
)

// A backtest's numbers are those of a real replay: the same notifications through the real door into one
// ledger with the rules in force, and into another with the candidate. With CLICKTHREAD_TORTURE=1 it is
// 100,000 messages, and the backtest takes less than 10 s.
func TestBacktestEqualsARealReplay(t *testing.T) {
	messages := 5000
	if torture() {
		messages = 100_000
	}
	end := time.Now().UTC().Truncate(time.Second).Add(-time.Minute)
	traffic := newTraffic(end.Add(-6*24*time.Hour), end, messages)
	inForce, candidate := newRecording(t, rulesInForce), newRecording(t, rulesCandidate)
	inForce.play(traffic)
	candidate.play(traffic)
	if err := inForce.app.close(); err != nil {
		t.Fatal(err)
	}
	before := inForce.figuresSince(time.Time{})

	began := time.Now()
	got := inForce.backtest(candidate.app.settings.Rules)
	took := time.Since(began)
	t.Logf("%d messages: %s", got.Messages, took)
	if torture() && took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	wantFigures := map[string]map[string]int64{"now": before, "candidate": candidate.figuresSince(time.Time{})}
	if diff := cmp.Diff(wantFigures, got.figures()); diff != "" {
		t.Errorf("(-real replay +backtest):\n%s", diff)
	}
	if got.Messages < messages*9/10 || got.Judged+got.TooOld != got.Messages || len(before) < 25 || got.Changed == 0 || len(got.Sample) != 10 {
		t.Errorf("%+v: it shows too little", got)
	}
	if !torture() {
		inForce.halfOfIt(end.Add(-3 * 24 * time.Hour))
	}
	if after := inForce.figuresSince(time.Time{}); !maps.Equal(before, after) {
		t.Error("the backtest changed the ledger")
	}
}

// halfOfIt backtests the same rules from a time on: with all that stood by then, they come to what they came
// to. Nothing that is stored tells of which click an event was before it was completed; of 100,000 messages
// that is seen in one, of these in none.
func (r *recording) halfOfIt(from time.Time) {
	r.Helper()
	half := r.backtest(r.app.settings.Rules, "--since", from.Format(time.RFC3339))
	if diff := cmp.Diff(r.figuresSince(from), half.figures()["now"]); diff != "" || half.Changed > 0 {
		r.Errorf("%d changed by the same rules; from the middle on (-ledger +backtest):\n%s", half.Changed, diff)
	}
}

// recording is a server without a network, whose clock the traffic moves.
type recording struct {
	*testing.T
	app *app
	now time.Time
}

func newRecording(t *testing.T, text string) *recording {
	t.Helper()
	s := settingsIn(t, t.TempDir(), text)
	a, err := newApp(t.Context(), s, slog.New(slog.DiscardHandler), toServe)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.close() })
	if a.rules.Set("shop") == nil {
		t.Fatal("the rules do not load")
	}
	r := &recording{T: t, app: a}
	var n uint64
	newID := func() (id uuid.UUID) { // UUIDv7, at the traffic's time
		n++
		binary.BigEndian.PutUint64(id[:], uint64(r.now.UnixMilli())<<16)
		binary.BigEndian.PutUint64(id[8:], n)
		id[6], id[8] = 0x70, 0x80
		return id
	}
	a.intake.Now, a.intake.NewID, a.intake.Planner.NewID = func() time.Time { return r.now }, newID, newID
	return r
}

// play takes the traffic in; what waits is queued in time, as a server's job does it.
func (r *recording) play(notifications []notification) {
	r.Helper()
	for _, n := range notifications {
		r.now = n.at
		if _, err := r.app.store.Ripen(r.Context(), r.now); err != nil {
			r.Fatal(err)
		}
		if err := r.app.intake.Receive(r.Context(), n.body); err != nil {
			r.Fatal(err)
		}
	}
}

// figuresSince counts the ledger's events by name and state, and adds up what is sent, past all our own code:
// those of messages that were recorded from a time on.
func (r *recording) figuresSince(from time.Time) map[string]int64 {
	r.Helper()
	db, err := stdsql.Open("sqlite", strings.TrimPrefix(r.app.settings.Database, "sqlite:"))
	if err != nil {
		r.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(r.Context(), `
WITH events AS (
    SELECT event_name, currency, value_minor, CASE WHEN status IN ('waiting', 'queued') THEN 'sent' WHEN status = 'skipped' THEN 'shadow' ELSE status END AS state
    FROM deliveries WHERE hex(trigger_id) >= ?1
    UNION ALL
    SELECT event_name, '', 0, 'unattributed' FROM unattributed WHERE hex(trigger_id) >= ?1)
SELECT event_name || ' ' || state, count(*) FROM events GROUP BY event_name, state
UNION ALL
SELECT event_name || ' ' || currency, sum(value_minor) FROM events WHERE state = 'sent' AND currency <> '' GROUP BY event_name, currency`,
		fmt.Sprintf("%012X", max(0, from.UnixMilli())))
	if err != nil {
		r.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	figures := map[string]int64{}
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			r.Fatal(err)
		}
		figures[name] = n
	}
	if err := rows.Err(); err != nil {
		r.Fatal(err)
	}
	return figures
}

// backtest runs the command on the recording's ledger.
func (r *recording) backtest(dir string, flags ...string) backtestLine {
	r.Helper()
	var report backtestReport
	stdout, _ := (&house{T: r.T, app: r.app}).command(exitOK, append([]string{"rules", "backtest", dir, "--json"}, flags...)...)
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || len(report.Accounts) != 1 {
		r.Fatalf("%v: %s", err, stdout)
	}
	return report.Accounts[0]
}

// figures are the counts and revenues as a recording tells them.
func (b backtestLine) figures() map[string]map[string]int64 {
	now, candidate := map[string]int64{}, map[string]int64{}
	put := func(into map[string]int64, name string, n int64) {
		if n != 0 {
			into[name] = n
		}
	}
	for _, c := range b.Counts {
		put(now, c.Event+" "+string(c.State), int64(c.Now))
		put(candidate, c.Event+" "+string(c.State), int64(c.Candidate))
	}
	for _, v := range b.Revenue {
		put(now, v.Event+" "+v.Currency, minor(v.Now))
		put(candidate, v.Event+" "+v.Currency, minor(v.Candidate))
	}
	return map[string]map[string]int64{"now": now, "candidate": candidate}
}

// minor reads cents.
func minor(amount string) (n int64) {
	_, _ = fmt.Sscan(strings.Replace(amount, ".", "", 1), &n)
	return n
}
