package main

import (
	"crypto/sha256"
	stdsql "database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/sandbox"
	"github.com/clickthread/clickthread/webhook"
)

// The stories of the rule engine in a running server, named by the ledger's numbers.

// engine opens a house with rules in the short form "{id: ..., when: ...}", one a line.
func engine(t *testing.T, rules string) (*house, *sandbox.Shopper) {
	t.Helper()
	text := "version: 1\ndefaults: {currency: BRL}\nrules:\n"
	for rule := range strings.Lines(rules) {
		if rule = strings.TrimSpace(rule); rule != "" {
			text += "  - " + rule + "\n"
		}
	}
	h := openHouse(t, text)
	return h, h.ana()
}

// passes lets time pass for what waits, and the job of every second run.
func (h *house) passes(d time.Duration) {
	h.Helper()
	h.waits(d)
	if _, err := h.app.ripen(h.Context()); err != nil {
		h.Fatal(err)
	}
}

// waits lets time pass for what waits.
func (h *house) waits(d time.Duration) {
	h.Helper()
	db, err := stdsql.Open("sqlite", strings.TrimPrefix(h.app.settings.Database, "sqlite:"))
	if err != nil {
		h.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(h.Context(), "UPDATE deliveries SET due_at = due_at - ? WHERE status = 'waiting'", d.Microseconds()); err != nil {
		h.Fatal(err)
	}
}

// counted is how often something was only counted.
func (h *house) counted(kind string) int64 {
	h.Helper()
	if _, err := h.app.intake.FlushCounts(h.Context()); err != nil {
		h.Fatal(err)
	}
	counts, err := h.app.store.Counts(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	for c, n := range counts {
		if c.Kind == kind && c.Account == "shop" {
			return n
		}
	}
	return 0
}

// notify posts one change of a field, as Meta does; value is JSON without its metadata.
func (h *house) notify(field, value string) {
	h.Helper()
	body := fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"300100200300400","changes":[{"field":%q,"value":{`+
		`"messaging_product":"whatsapp","metadata":{"phone_number_id":"700100"},%s}}]}]}`, field, value)
	status, err := sandbox.Post(h.Context(), nil, h.url+webhook.Path, testSecret, []byte(body))
	if err != nil || status != 200 {
		h.Fatalf("post: %d %v", status, err)
	}
}

// echoes is what the business writes to Ana in its own app.
func (h *house) echoes(id string, at time.Time, text string) {
	h.Helper()
	h.notify("smb_message_echoes", fmt.Sprintf(`"message_echoes":[{"from":"5511900000001","to":"5511987650001",`+
		`"to_user_id":"BR.7001002003004005","id":%q,"timestamp":"%d","type":"text","text":{"body":%q}}]`, id, at.Unix(), text))
}

// status is what becomes of a message that the business sent to Ana.
func (h *house) status(id, state, callback string) {
	h.Helper()
	h.notify("messages", fmt.Sprintf(`"statuses":[{"id":%q,"status":%q,"timestamp":"%d","recipient_id":"5511987650001",`+
		`"biz_opaque_callback_data":%q}]`, id, state, time.Now().Unix(), callback))
}

// detects is a conversion that Meta found by itself; thousandths is its price times 1,000.
func (h *house) detects(id, event, clickID string, thousandths int) {
	h.Helper()
	custom := ""
	if thousandths > 0 {
		custom = fmt.Sprintf(`,"custom_data":{"currency":"BRL","value":%d}`, thousandths)
	}
	h.notify("automatic_events", fmt.Sprintf(`"automatic_events":[{"id":%q,"event_name":%q,"timestamp":%d,"ctwa_clid":%q%s}]`,
		id, event, time.Now().Unix(), clickID, custom))
}

// Ledger 33: what a rule names of the person is sent hashed whatever the account says; the account's
// options are about the rest. The plain address is in the customer's own message and nowhere else.
func TestLedger33WhatARuleNamesIsSentHashed(t *testing.T) {
	const rule = `{id: mail, when: {customer_says: "meu email {email}"}, send: LeadSubmitted, event_id: "lead-{ad.id}", user: {email: "{email}", external_id: CRM-7}}`
	sum := func(text string) []any { return []any{fmt.Sprintf("%x", sha256.Sum256([]byte(text)))} }
	for name, c := range map[string]struct {
		send account.Send
		want map[string]any
	}{
		"nothing chosen": {account.Send{}, map[string]any{
			"user_data.em": sum("ana@example.com"), "user_data.external_id": sum("crm-7"), "user_data.ph": nil, "data_processing_options": nil,
			"user_data.whatsapp_business_account_id": "300100200300400", "event_id": "lead-120210000000000001",
		}},
		"all chosen": {account.Send{PageID: "55", Phone: true, ExternalID: true, LimitedDataUse: true}, map[string]any{
			"user_data.em": sum("ana@example.com"), "user_data.external_id": sum("crm-7"), "user_data.ph": sum("5511987650001"),
			"data_processing_options": []any{"LDU"}, "user_data.page_id": "55", "user_data.whatsapp_business_account_id": nil,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h, ana := engine(t, rule)
			shop, _ := h.app.accounts.ByID("shop")
			shop.Send = c.send
			h.app.intake.Planner.Accounts = account.NewRegistry([]account.Account{shop})
			h.post(ana, ana.Click(ad("Clid1"), "oi"))
			h.post(ana, ana.Say("meu email Ana@Example.com"))
			d := h.deliveries()
			if len(d) != 1 {
				t.Fatalf("%d events", len(d))
			}
			for path, want := range c.want {
				if diff := cmp.Diff(want, field(t, json.RawMessage(d[0].Payload), strings.Split(path, ".")...)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", path, diff)
				}
			}
			h.deliver()
			if told := fmt.Sprintf("%+v", d) + string(d[0].Payload) + h.log.String(); strings.Contains(strings.ToLower(told), "example.com") {
				t.Errorf("the plain address is kept or logged: %s", told)
			}
		})
	}
}

// Ledger 19 and 27: an event waits, is sent as it was planned, and a later message may cancel it
// meanwhile; what is due is not taken back.
func TestLedger27WhatWaitsMayBeCancelled(t *testing.T) {
	const rule = `{id: paid, when: {customer_says: "paguei {money}"}, send: Purchase, value: {from: message}, wait: 2h, cancel_if: [{customer_says: cancela}, {we_say: estornado}]}`
	for name, c := range map[string]struct {
		then func(*house, *sandbox.Shopper)
		meta []string
		last string
	}{
		"nothing happens":                  {func(*house, *sandbox.Shopper) {}, []string{"Purchase Clid1 50.00 BRL"}, "Purchase sent"},
		"the customer cancels":             {func(h *house, ana *sandbox.Shopper) { h.post(ana, ana.Say("cancela por favor")) }, nil, "Purchase cancelled cancel_if"},
		"the business refunds":             {func(h *house, _ *sandbox.Shopper) { h.echoes("e1", time.Now(), "pronto, estornado") }, nil, "Purchase cancelled cancel_if"},
		"it was said before":               {func(h *house, ana *sandbox.Shopper) { h.post(ana, ana.At(time.Now().Add(-time.Hour)).Say("cancela")) }, []string{"Purchase Clid1 50.00 BRL"}, "Purchase sent"},
		"it is said when the wait is over": {func(h *house, ana *sandbox.Shopper) { h.passes(3 * time.Hour); h.post(ana, ana.Say("cancela")) }, []string{"Purchase Clid1 50.00 BRL"}, "Purchase sent"},
	} {
		t.Run(name, func(t *testing.T) {
			h, ana := engine(t, rule)
			h.post(ana, ana.At(time.Now().Add(-3*time.Hour)).Click(ad("Clid1"), "oi"))
			h.post(ana, ana.At(time.Now().Add(-time.Minute)).Say("paguei R$ 50,00"))
			h.wantLedger("Purchase waiting")
			h.wantAtMeta()
			c.then(h, ana)
			h.passes(3 * time.Hour)
			h.wantAtMeta(c.meta...)
			h.wantLedger(c.last)
		})
	}
}

// Ledger 27: an event goes on by the cancel_if that it was made with, also when its rule is gone.
func TestLedger27ADeletedRuleStillCancels(t *testing.T) {
	h, ana := engine(t, `{id: paid, when: {customer_says: paguei}, send: LeadSubmitted, wait: 2h, cancel_if: [{customer_says: cancela}]}`)
	h.post(ana, ana.Click(ad("Clid1"), "paguei"))
	h.app.rules.Swap(nil)
	h.post(ana, ana.Say("cancela"))
	h.wantLedger("LeadSubmitted cancelled cancel_if")
}

// Ledger 17: an event that is held for want of a value is completed by a later match with a clear
// amount, as the same event.
func TestLedger17AClearAmountCompletesWhatIsHeld(t *testing.T) {
	h, ana := engine(t, `{id: paid, when: {customer_says: paguei}, send: Purchase, value: {from: message}, once: per_conversation}`)
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	h.post(ana, ana.Say("paguei"))
	h.wantLedger("Purchase held value_missing")
	held := h.deliveries()[0]
	h.post(ana, ana.Say("paguei de novo")) // as unclear as before
	if n := h.counted("blocked"); n != 1 {
		t.Errorf("blocked %d times, want 1", n)
	}
	h.post(ana, ana.Click(ad("Clid2"), "oi de novo"))
	h.post(ana, ana.Say("paguei R$ 89,00"))
	h.post(ana, ana.Say("paguei R$ 90,00")) // once is over
	h.wantAtMeta("Purchase Clid2 89.00 BRL")
	h.wantLedger("Purchase sent")
	if now := h.deliveries()[0]; now.ID != held.ID || now.EventID != held.EventID {
		t.Error("it became another event")
	}
}

// Ledger 15: rules and conversations that share a dedupe tell Meta of one sale once.
func TestLedger15OneSaleInTwoChatsIsOne(t *testing.T) {
	h, ana := engine(t, `
		{id: said, when: {customer_says: "paguei pedido {order_no}"}, send: Purchase, value: {amount: 10}, dedupe: "{order_no}"}
		{id: sent, when: {we_say: "pedido {order_no} confirmado"}, send: Purchase, value: {amount: 10}, dedupe: "{order_no}"}`)
	ben := h.ana()
	ben.WAID, ben.UserID = "5511987650002", "BR.2"
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	h.post(ben, ben.Click(ad("Clid2"), "oi"))
	h.post(ana, ana.Say("paguei pedido #4512"))
	h.post(ben, ben.Say("paguei pedido #4512"))
	h.echoes("e1", time.Now(), "pedido #4512 confirmado")
	h.echoes("e2", time.Now(), "pedido #4513 confirmado")
	h.wantAtMeta("Purchase Clid1 10.00 BRL", "Purchase Clid1 10.00 BRL")
	if n := h.counted("blocked"); n != 2 {
		t.Errorf("blocked %d times, want 2", n)
	}
}

// Ledger 15 and 1: two chats that tell of one sale in the same instant are one event too, and the other
// is counted.
func TestLedger15OneSaleInOneBatchIsOne(t *testing.T) {
	h, ana := engine(t, `{id: said, when: {customer_says: "paguei {order_no}"}, send: Purchase, value: {amount: 10}, dedupe: "{order_no}"}`)
	ben := h.ana()
	ben.WAID, ben.UserID = "5511987650002", "BR.2"
	h.post(ana, sandbox.Batch(ana.Click(ad("Clid1"), "oi"), ben.Click(ad("Clid2"), "oi"), ana.Say("paguei #4512"), ben.Say("paguei #4512")))
	h.wantAtMeta("Purchase Clid1 10.00 BRL")
	if n := h.counted("blocked"); n != 1 {
		t.Errorf("blocked %d times, want 1", n)
	}
}

// An address that a rule makes a key or an id of is in neither: both outlive the message.
func TestLedger33KeysHoldNoAddress(t *testing.T) {
	h, ana := engine(t, `{id: mail, when: {customer_says: "meu email {email}"}, send: LeadSubmitted, event_id: "{email}", dedupe: "{email}"}`)
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	for _, address := range []string{"ana@example.com", "Ana@example.com", "bia@example.com"} {
		h.post(ana, ana.Say("meu email "+address))
	}
	list := h.deliveries()
	if len(list) != 2 {
		t.Fatalf("%d events, want one an address", len(list))
	}
	for _, d := range list {
		if told := fmt.Sprintf("%+v%s", d, d.Payload); strings.Contains(told, "example.com") {
			t.Errorf("the address is kept: %s", told)
		}
	}
}

// Ledger 14: an event's id is what Meta sees, once; a second event that a rule gives the same id is
// counted, and harms nothing beside it.
func TestLedger14AnIDOfTheRulesOwnIsOneEvent(t *testing.T) {
	h, ana := engine(t, `
		{id: asked, when: {customer_says: "quanto custa"}, send: LeadSubmitted, event_id: "lead-{ad.id}", once: always}
		{id: seen, when: {customer_says: "quanto custa"}, send: ViewContent, once: always}`)
	h.post(ana, ana.Click(ad("Clid1"), "quanto custa?"))
	h.post(ana, ana.Say("quanto custa o azul?"))
	h.wantAtMeta("LeadSubmitted Clid1", "ViewContent Clid1", "ViewContent Clid1")
	if n := h.counted("blocked"); n != 1 {
		t.Errorf("blocked %d times, want 1", n)
	}
}
