package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/sandbox"
)

// One ad click, one chat, one sale at Meta: the story that everything else serves.
func TestOneClickOneChatOneSale(t *testing.T) {
	h := openHouse(t, testRules)
	ana := h.ana()
	paidAt := time.Now().Truncate(time.Second)

	h.post(ana, ana.Click(ad("AfeClickOfAna"), "Oi! Vi o anúncio"))
	h.post(ana, ana.At(paidAt).Say("pronto, paguei R$ 1.299,90 agora"))
	h.deliver()

	events := h.graph.Events()
	if len(events) != 1 {
		t.Fatalf("Meta holds %d events, want 1: %v", len(events), events)
	}
	got := events[0]
	for path, want := range map[string]any{
		"event_name": "Purchase", "action_source": "business_messaging", "messaging_channel": "whatsapp",
		"event_time": float64(paidAt.Unix()), "user_data.ctwa_clid": "AfeClickOfAna",
		"user_data.whatsapp_business_account_id": "300100200300400",
		"custom_data.value":                      1299.90, "custom_data.currency": "BRL",
	} {
		if v := field(t, got.Event, strings.Split(path, ".")...); v != want {
			t.Errorf("%s = %v, want %v", path, v, want)
		}
	}
	if got.DatasetID != "900100" {
		t.Errorf("dataset = %s", got.DatasetID)
	}
	if diff := cmp.Diff([]string{"Purchase sent"}, h.ledger()); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

// Promise 3: the same notification ten times, five of them at the same instant, is one event.
func TestDuplicatesInOneConversionOut(t *testing.T) {
	h := openHouse(t, testRules)
	ana := h.ana()
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	sale := ana.Say("paguei R$ 50,00")

	var together sync.WaitGroup
	start := make(chan struct{})
	for range 5 {
		together.Go(func() {
			<-start
			if status, err := ana.Send(t.Context(), sale); err != nil || status != 200 {
				t.Errorf("post: %d %v", status, err)
			}
		})
	}
	close(start)
	together.Wait()
	for range 5 {
		h.post(ana, sale)
		h.deliver()
	}
	if diff := cmp.Diff([]string{"Purchase Clid1 50.00 BRL"}, h.metaHolds()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Promise 4: a paid message that arrives before its own referral waits, and is revived once.
func TestOrderDoesNotMatter(t *testing.T) {
	h := openHouse(t, testRules)
	ana := h.ana()
	begin := time.Now().Add(-time.Hour)
	click := ana.At(begin).Click(ad("Clid1"), "oi")
	paid := ana.At(begin.Add(time.Minute)).Say("paguei R$ 50,00")

	h.post(ana, paid)
	if diff := cmp.Diff([]string{"Purchase unattributed no_click_id"}, h.ledger()); diff != "" {
		t.Errorf("before the click (-want +got):\n%s", diff)
	}
	h.post(ana, click)
	h.post(ana, click)
	h.post(ana, paid)
	if diff := cmp.Diff([]string{"Purchase Clid1 50.00 BRL"}, h.metaHolds()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Purchase sent"}, h.ledger()); diff != "" {
		t.Errorf("after the click (-want +got):\n%s", diff)
	}
}

// Ledger 11: the window is 7 days, and what is outside says why.
func TestClickWindow(t *testing.T) {
	for _, c := range []struct {
		name   string
		before time.Duration
		meta   []string
		ledger []string
	}{
		{"7 days and 1 minute", 7*24*time.Hour + time.Minute, []string{}, []string{"LeadSubmitted unattributed click_expired"}},
		{"6 days 23 hours", 6*24*time.Hour + 23*time.Hour, []string{"LeadSubmitted Clid1"}, []string{"LeadSubmitted sent"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := openHouse(t, testRules)
			ana := h.ana()
			h.post(ana, ana.At(time.Now().Add(-c.before)).Click(ad("Clid1"), "oi"))
			h.post(ana, ana.Say("quanto custa?"))
			if diff := cmp.Diff(c.meta, h.metaHolds()); diff != "" {
				t.Errorf("Meta (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.ledger, h.ledger()); diff != "" {
				t.Errorf("ledger (-want +got):\n%s", diff)
			}
		})
	}
}

// Ledger 5: a trigger that is more than 7 days old when it arrives fires nothing; its click counts.
func TestOldMessagesFireNothing(t *testing.T) {
	h := openHouse(t, testRules)
	ana := h.ana()
	old := time.Now().Add(-8 * 24 * time.Hour)
	h.post(ana, ana.At(old).Click(ad("Clid1"), "quanto custa?"))
	if got := h.ledger(); len(got) > 0 {
		t.Errorf("an old message fired: %v", got)
	}
	clicks, err := h.app.store.Clicks(t.Context(), "shop")
	if err != nil || len(clicks) != 1 {
		t.Errorf("the old click is kept: %v %v", clicks, err)
	}
}

// Ledger 12: prune removes clicks past window and grace, and nothing else.
func TestPruneRemovesOldClicksOnly(t *testing.T) {
	h := openHouse(t, testRules)
	ana := h.ana()
	day := 24 * time.Hour
	for i, age := range []time.Duration{15 * day, 15 * day, 13 * day, time.Hour} {
		h.post(ana, ana.At(time.Now().Add(-age)).Click(ad(fmt.Sprintf("Clid%d", i)), "oi"))
	}
	h.post(ana, ana.Say("quanto custa?"))
	h.deliver()
	before, events := h.rowCounts(), h.deliveries()

	n, err := h.app.prune(t.Context())
	if err != nil || n != 2 {
		t.Fatalf("prune = %d %v, want 2: the two of 15 days ago", n, err)
	}
	after := h.rowCounts()
	before["clicks"], before["click_days"] = 2, 1
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(events, h.deliveries()); diff != "" {
		t.Errorf("deliveries changed:\n%s", diff)
	}
	if n, err := h.app.prune(t.Context()); n != 0 || err != nil {
		t.Errorf("a second prune = %d %v", n, err)
	}
}

// Every documented notification is answered 200; clicks are kept, also without a click id; nothing
// fires from what is old or is history.
func TestEverySamplePayloadIsTaken(t *testing.T) {
	h := openHouse(t, strings.Replace(testRules, "quanto custa", "antigo", 1))
	files, err := filepath.Glob("../../whatsapp/testdata/*.json")
	if err != nil || len(files) < 30 {
		t.Fatalf("samples: %d %v", len(files), err)
	}
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		status, err := sandbox.Post(t.Context(), nil, h.url+"/webhooks/whatsapp", testSecret, body)
		if err != nil || status != http.StatusOK {
			t.Errorf("%s: %d %v", name, status, err)
		}
	}
	clicks, err := h.app.store.Clicks(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	without := slices.ContainsFunc(clicks, func(c click) bool { return c.ClickID == "" })
	with := slices.ContainsFunc(clicks, func(c click) bool { return c.ClickID != "" })
	if !with || !without {
		t.Errorf("clicks with and without an id are kept, got %d: with %v, without %v", len(clicks), with, without)
	}
	if events := h.metaHolds(); len(events) > 0 {
		t.Errorf("old samples and history fired: %v", events)
	}
}

// Ledger 4: an unknown account's notifications wait, and are recorded when the account appears.
func TestUnknownAccountIsReplayedWhenItAppears(t *testing.T) {
	h := openHouse(t, testRules, func(s *configs.Settings) { s.Accounts[0].WABAID = "1" })
	ana := h.ana()
	click, paid := ana.Click(ad("Clid1"), "oi"), ana.Say("paguei R$ 50,00")
	h.post(ana, click)
	h.post(ana, paid)
	h.post(ana, paid)
	if n := h.rowCounts(); n["quarantine"] != 2 || n["messages"] != 0 {
		t.Fatalf("rows: %v", n)
	}
	settings := h.app.settings
	settings.Accounts[0].WABAID = "300100200300400"
	if err := h.app.close(); err != nil {
		t.Fatal(err)
	}
	h.start(settings)
	n, err := h.app.replay(t.Context())
	if err != nil || n != 2 {
		t.Fatalf("replayed %d %v, want 2", n, err)
	}
	if diff := cmp.Diff([]string{"Purchase Clid1 50.00 BRL"}, h.metaHolds()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := h.rowCounts()["quarantine"]; n != 0 {
		t.Errorf("%d still in quarantine", n)
	}
}

// Storage failing is 503, and nothing is lost when the sender sends again.
func TestStorageFailingIs503(t *testing.T) {
	h := openHouse(t, testRules)
	ana := h.ana()
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	sale := ana.Say("paguei R$ 50,00")
	settings := h.app.settings
	if err := h.app.close(); err != nil { // the database goes away under a running server
		t.Fatal(err)
	}
	if status, err := ana.Send(t.Context(), sale); err != nil || status != http.StatusServiceUnavailable {
		t.Fatalf("status %d %v, want 503", status, err)
	}
	h.start(settings)
	again := h.ana()
	h.post(again, sale)
	if diff := cmp.Diff([]string{"Purchase Clid1 50.00 BRL"}, h.metaHolds()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
