package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/sandbox"
	"github.com/clickthread/clickthread/sql"
)

// What goes wrong and is mended: files, accounts, Meta. Nothing is lost meanwhile.

// restart closes the house and opens it again with changed settings.
func (h *house) restart(change func(*configs.Settings)) {
	h.Helper()
	settings := h.app.settings
	if err := h.app.close(); err != nil {
		h.Fatal(err)
	}
	if change != nil {
		change(&settings)
	}
	h.start(settings)
	if err := h.app.keepLanes(h.Context()); err != nil {
		h.Fatal(err)
	}
}

// Promise 7: a broken file takes no effect, also across a restart; the last good set stays.
func TestBrokenRulesKeepTheLastGoodSet(t *testing.T) {
	h := openHouse(t, testRules)
	ana := h.ana()
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	file := filepath.Join(h.app.settings.Rules, "shop", "rules.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(testRules, "send:", "sned:", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	h.restart(nil)
	if !strings.Contains(h.log.String(), "its last good rules stay in force") {
		t.Errorf("the log does not say so:\n%s", h.log)
	}
	ana = h.ana()
	h.post(ana, ana.Say("paguei R$ 50,00"))
	if diff := cmp.Diff([]string{"Purchase Clid1 50.00 BRL"}, h.metaHolds()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Without any rules, what waits for its click goes on waiting; it is not dropped.
func TestAClickWithoutRulesDropsNothing(t *testing.T) {
	h := openHouse(t, testRules)
	ana := h.ana()
	begin := time.Now().Add(-time.Hour)
	h.post(ana, ana.At(begin.Add(time.Minute)).Say("paguei R$ 50,00"))
	h.app.rules.Swap(nil)
	h.post(ana, ana.At(begin).Click(ad("Clid1"), "oi"))
	if diff := cmp.Diff([]string{"Purchase unattributed no_click_id"}, h.ledger()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Ledger 32: what an account that left the settings has queued rests, and is sent when it is back.
func TestAnAccountThatLeftTheSettings(t *testing.T) {
	h := openHouse(t, testRules)
	ana := h.ana()
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	h.post(ana, ana.Say("paguei R$ 50,00"))
	accounts := h.app.settings.Accounts
	h.restart(func(s *configs.Settings) { s.Accounts = nil })
	if held := h.metaHolds(); len(held) > 0 {
		t.Errorf("sent for an account that left: %v", held)
	}
	r, err := h.app.readiness(t.Context())
	if err != nil || len(r.Paused) != 1 || r.Paused[0].Cause != forwarder.AccountRemoved || r.Paused[0].Queued != 1 || r.Paused[0].Deadline == nil {
		t.Errorf("/readyz says %+v %v", r.Paused, err)
	}
	h.restart(func(s *configs.Settings) { s.Accounts = accounts })
	if diff := cmp.Diff([]string{"Purchase Clid1 50.00 BRL"}, h.metaHolds()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// While Meta is away, the age of the queue is that of its oldest event, not of its next try.
func TestQueueAgeDuringAnOutage(t *testing.T) {
	h := openHouse(t, testRules)
	ana := h.ana()
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	h.post(ana, ana.Say("paguei R$ 50,00"))
	h.graph.Fail(sandbox.Fault{Status: 500})
	h.deliver()
	counts, err := h.app.store.OpenCounts(t.Context())
	if err != nil || len(counts) != 1 {
		t.Fatalf("%v %v", counts, err)
	}
	if age := time.Since(time.UnixMicro(counts[0].Oldest)); age < 0 || age > time.Minute {
		t.Errorf("the oldest queued event is %s old", age)
	}
}

// A gateway that gives up may have passed the event on: the call is unknown, and events show says so.
func TestAGatewayTimeoutIsUnknown(t *testing.T) {
	h := openHouse(t, testRules, func(s *configs.Settings) { s.Accounts[0].Unknown = "hold" })
	ana := h.ana()
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	h.post(ana, ana.Say("paguei R$ 50,00"))
	h.graph.Fail(sandbox.Fault{Status: http.StatusGatewayTimeout, Taken: true})
	if diff := cmp.Diff([]string{"Purchase Clid1 50.00 BRL"}, h.metaHolds()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Purchase held unknown_outcome"}, h.ledger()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Only the field "messages" fires: the same message under another field is history, or news.
func TestOnlyTheFieldMessagesFires(t *testing.T) {
	h := openHouse(t, testRules)
	ana := h.ana()
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	for _, field := range []string{"history", "standby", "a_new_one"} {
		body := strings.Replace(string(ana.Say("paguei R$ 50,00").Body), `"field":"messages"`, `"field":"`+field+`"`, 1)
		status, err := sandbox.Post(t.Context(), nil, h.url+"/webhooks/whatsapp", testSecret, []byte(body))
		if err != nil || status != http.StatusOK || !strings.Contains(body, field) {
			t.Fatalf("%s: %d %v", field, status, err)
		}
	}
	if held := h.metaHolds(); len(held) > 0 {
		t.Errorf("fired: %v", held)
	}
	if n, err := h.app.intake.FlushCounts(t.Context()); n != 3 || err != nil {
		t.Errorf("%d kinds counted %v, want 3", n, err)
	}
}

// events ls --since is about all lines, unattributed ones too.
func TestEventsSince(t *testing.T) {
	h := openHouse(t, testRules)
	ana := h.ana()
	h.post(ana, ana.Say("quanto custa?"))
	lines, err := eventLines(t.Context(), h.app.store, sql.Filter{Since: time.Now().Add(time.Minute)})
	if len(lines) != 0 || err != nil {
		t.Errorf("%v %v, want none from the future", lines, err)
	}
}

// /readyz is about storing: when nothing can be written it is 503, and /healthz is still 200.
func TestReadyMeansWebhooksCanBeStored(t *testing.T) {
	h := openHouse(t, testRules)
	status := func(path string) int {
		resp, err := http.Get(h.url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if got := status("/readyz"); got != http.StatusOK {
		t.Errorf("/readyz %d", got)
	}
	if err := h.app.close(); err != nil {
		t.Fatal(err)
	}
	if got := status("/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("/readyz %d with the database gone, want 503", got)
	}
	if got := status("/healthz"); got != http.StatusOK {
		t.Errorf("/healthz %d", got)
	}
}
