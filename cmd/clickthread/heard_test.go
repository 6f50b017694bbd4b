package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/clickthread/clickthread/webhook"
)

// What the engine hears beside the customer: the business, its templates, and Meta itself.

// Ledger 16: a rule may ask what Meta was told of before; what is held was not told.
func TestLedger16AlreadySent(t *testing.T) {
	h, ana := engine(t, `
		{id: lead, when: {customer_says: "quanto custa"}, send: LeadSubmitted, once: per_conversation}
		{id: paid, when: {customer_says: paguei}, send: Purchase, value: {from: message}, once: always}
		{id: warm, when: {customer_says: obrigada}, if: {already_sent: {any: [LeadSubmitted], none: [Purchase]}}, send: QualifiedLead, once: always}`)
	begin := time.Now().Add(-time.Hour)
	say := func(minute int, text string) {
		h.post(ana, ana.At(begin.Add(time.Duration(minute)*time.Minute)).Say(text))
	}
	h.post(ana, ana.At(begin).Click(ad("Clid1"), "oi"))
	say(1, "obrigada")
	say(2, "quanto custa?")
	say(3, "paguei")
	say(4, "obrigada")
	say(5, "paguei R$ 10,00")
	say(6, "obrigada")
	h.wantAtMeta("LeadSubmitted Clid1", "QualifiedLead Clid1", "Purchase Clid1 10.00 BRL")
	if n := h.counted("unmet"); n != 2 {
		t.Errorf("unmet %d times, want 2", n)
	}
}

// An echo is what the business says: rules for the customer do not hear it, its price is remembered, and
// it begins no click. The same echo twice is one.
func TestTheBusinessIsHeard(t *testing.T) {
	h, ana := engine(t, `
		{id: asked, when: {customer_says: total}, send: LeadSubmitted}
		{id: sold, when: {customer_says: fechado}, send: Purchase, value: {from: last_amount_we_quoted}}
		{id: sure, when: {we_say: "pedido confirmado"}, send: OrderCreated, once: always}`)
	begin := time.Now().Add(-time.Hour)
	h.post(ana, ana.At(begin).Click(ad("Clid1"), "oi"))
	h.echoes("e1", begin.Add(time.Minute), "o total fica R$ 120,00")
	h.echoes("e2", begin.Add(2*time.Minute), "com desconto, total R$ 99,90")
	h.echoes("e4", begin.Add(4*time.Minute), "e o frete R$ 15,00")
	h.post(ana, ana.At(begin.Add(3*time.Minute)).Say("fechado!")) // before the freight was told, though it comes later
	for range 2 {
		h.echoes("e5", begin.Add(5*time.Minute), "Pedido confirmado ✅")
	}
	h.wantAtMeta("Purchase Clid1 99.90 BRL", "OrderCreated Clid1")
}

// Ledger 13 holds for what the business says too: it waits for its click, and is then read as what it is.
func TestWhatTheBusinessSaysWaitsForItsClick(t *testing.T) {
	h, ana := engine(t, `{id: sure, when: {we_say: "pedido confirmado"}, send: OrderCreated}`)
	h.echoes("e1", time.Now().Add(-time.Minute), "pedido confirmado")
	h.wantLedger("OrderCreated unattributed no_click_id")
	h.post(ana, ana.At(time.Now().Add(-time.Hour)).Click(ad("Clid1"), "oi"))
	h.wantAtMeta("OrderCreated Clid1")
}

// Ledger 6: the statuses of a template are one trigger, and others are only counted.
func TestLedger6TemplatesAreHeardByTheirStatuses(t *testing.T) {
	h, ana := engine(t, `{id: receipt, when: {we_send_template: {name: "recibo_*", status: delivered}}, send: Purchase, value: {from: template, parameter: 2}, once: always}`)
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	before := h.rowCounts()["messages"]
	h.status("wamid.1", "sent", "crm-4711")
	h.status("wamid.2", "failed", "tpl:recibo_pago;p2=1299.00")
	if n := h.rowCounts()["messages"]; n != before {
		t.Errorf("%d statuses that nobody listens to were stored", n-before)
	}
	for range 2 {
		h.status("wamid.2", "sent", "tpl:recibo_pago;p1=Ana;p2=1299.00")
		h.status("wamid.2", "read", "tpl:recibo_pago;p1=Ana;p2=1299.00")
		h.status("wamid.2", "delivered", "tpl:recibo_pago;p1=Ana;p2=1299.00")
	}
	h.status("wamid.3", "delivered", "tpl:lembrete;p2=5.00")
	h.wantAtMeta("Purchase Clid1 1299.00 BRL")
	if n := h.counted("status_sent"); n != 3 {
		t.Errorf("%d statuses counted, want all", n)
	}
}

// Where no rule listens, a template's statuses are only counted.
func TestLedger6StatusesNobodyListensToAreCounted(t *testing.T) {
	h, ana := engine(t, `{id: lead, when: {customer_says: oi}, send: LeadSubmitted}`)
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	h.status("wamid.2", "delivered", "tpl:recibo_pago;p2=1299.00")
	if n := h.rowCounts()["messages"]; n != 1 || h.counted("status_delivered") != 1 {
		t.Errorf("%d messages are stored", n)
	}
}

// What the business reports through the API is heard like what Meta tells, once.
func TestReportsOfSentMessagesAreHeard(t *testing.T) {
	h, ana := engine(t, `
		{id: sure, when: {we_say: "pedido confirmado"}, send: OrderCreated, once: always}
		{id: receipt, when: {we_send_template: {name: recibo}}, send: Purchase, value: {from: template, parameter: total}, once: always}`)
	h.post(ana, ana.At(time.Now().Add(-time.Minute)).Click(ad("Clid1"), "oi"))
	text := webhook.Sent{ID: "wamid.1", WAID: ana.WAID, Number: "700100", Text: "pedido confirmado"}
	template := webhook.Sent{ID: "wamid.2", UserID: ana.UserID, Number: "700100", Template: &webhook.SentTemplate{
		Name: "recibo", Parameters: map[string]string{"total": "R$ 75,00"},
	}}
	for _, s := range []webhook.Sent{text, text, template} {
		if err := h.app.intake.Said(t.Context(), "shop", s); err != nil {
			t.Fatal(err)
		}
	}
	h.echoes("wamid.1", time.Now(), "pedido confirmado")
	h.status("wamid.2", "sent", "tpl:recibo;total=75.00")
	h.status("wamid.2", "delivered", "tpl:recibo;total=75.00")
	h.wantAtMeta("OrderCreated Clid1", "Purchase Clid1 75.00 BRL")
}

// A report that cannot be taken says what it lacks, and nothing is stored.
func TestReportsThatLackSomethingAreRefused(t *testing.T) {
	h, _ := engine(t, `{id: sure, when: {we_say: oi}, send: LeadSubmitted}`)
	whole := webhook.Sent{ID: "wamid.1", WAID: "5511987650001", Number: "700100", Text: "oi"}
	for name, spoil := range map[string]func(*webhook.Sent) (account string){
		"of nobody":         func(*webhook.Sent) string { return "nobody" },
		"without an id":     func(s *webhook.Sent) string { s.ID = ""; return "shop" },
		"to nobody":         func(s *webhook.Sent) string { s.WAID = ""; return "shop" },
		"from no number":    func(s *webhook.Sent) string { s.Number = ""; return "shop" },
		"without a content": func(s *webhook.Sent) string { s.Text = ""; return "shop" },
		"with a NUL":        func(s *webhook.Sent) string { s.Text = "oi\x00"; return "shop" },
		"with two contents": func(s *webhook.Sent) string { s.Template = &webhook.SentTemplate{Name: "x"}; return "shop" },
	} {
		s := whole
		if err := h.app.intake.Said(context.Background(), spoil(&s), s); !errors.Is(err, webhook.ErrReport) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := h.rowCounts()["messages"]; n != 0 {
		t.Errorf("%d were stored", n)
	}
}

// Ledger 18: what Meta detected waits an hour, and is handed back to it, its price divided by 1,000.
func TestLedger18WhatMetaDetectedIsHandedBack(t *testing.T) {
	h, ana := engine(t, `{id: lead, when: {customer_says: "quanto custa"}, send: LeadSubmitted}`)
	h.post(ana, ana.At(time.Now().Add(-time.Minute)).Click(ad("Clid1"), "oi"))
	for range 2 {
		h.detects("wamid.A", "Purchase", "Clid1", 25500)
	}
	h.wantLedger("Purchase waiting")
	h.passes(59 * time.Minute)
	h.wantAtMeta()
	h.passes(2 * time.Minute)
	h.wantAtMeta("Purchase Clid1 25.50 BRL")
	if got := field(t, h.graph.Events()[0].Event, "messaging_outcome_data", "outcome_type"); got != "automatic_events" {
		t.Errorf("outcome_type = %v", got)
	}
}

// Ledger 18: a rule's own event of that click and name counts instead, before or after; once Meta's own
// was sent, a person decides.
func TestLedger18ARulesOwnEventCounts(t *testing.T) {
	const rule = `{id: lead, when: {customer_says: "quanto custa"}, send: LeadSubmitted}`
	t.Run("after it", func(t *testing.T) {
		h, ana := engine(t, rule)
		h.post(ana, ana.At(time.Now().Add(-time.Minute)).Click(ad("Clid1"), "oi"))
		h.detects("wamid.A", "LeadSubmitted", "Clid1", 0)
		h.post(ana, ana.Say("quanto custa?"))
		h.passes(2 * time.Hour)
		h.wantAtMeta("LeadSubmitted Clid1")
		h.wantLedger("LeadSubmitted sent", "LeadSubmitted cancelled told_by_rule")
	})
	t.Run("before it", func(t *testing.T) {
		h, ana := engine(t, rule)
		h.post(ana, ana.At(time.Now().Add(-time.Minute)).Click(ad("Clid1"), "quanto custa?"))
		h.detects("wamid.A", "LeadSubmitted", "Clid1", 0)
		h.passes(2 * time.Hour)
		h.wantAtMeta("LeadSubmitted Clid1")
		h.wantLedger("LeadSubmitted cancelled told_by_rule", "LeadSubmitted sent")
	})
	t.Run("of another click", func(t *testing.T) {
		h, ana := engine(t, rule)
		h.post(ana, ana.At(time.Now().Add(-2*time.Hour)).Click(ad("Clid1"), "quanto custa?"))
		h.post(ana, ana.At(time.Now().Add(-time.Hour)).Click(ad("Clid2"), "oi"))
		h.deliver()
		h.detects("wamid.A", "LeadSubmitted", "Clid2", 0)
		h.passes(2 * time.Hour)
		h.wantAtMeta("LeadSubmitted Clid1", "LeadSubmitted Clid2")
	})
	t.Run("when Meta's was sent", func(t *testing.T) {
		h, ana := engine(t, rule)
		h.post(ana, ana.At(time.Now().Add(-time.Minute)).Click(ad("Clid1"), "oi"))
		h.detects("wamid.A", "LeadSubmitted", "Clid1", 0)
		h.passes(2 * time.Hour)
		h.deliver()
		h.post(ana, ana.Say("quanto custa?"))
		h.wantAtMeta("LeadSubmitted Clid1")
		h.wantLedger("LeadSubmitted held meta_detected", "LeadSubmitted sent")
		if len(h.deliveries()[0].Payload) == 0 {
			t.Error("what a person may release has its bytes")
		}
	})
	t.Run("the rule that hears Meta", func(t *testing.T) {
		h, ana := engine(t, `{id: heard, when: {meta_detects: Purchase}, send: Purchase, value: {from: message}}`)
		h.post(ana, ana.At(time.Now().Add(-time.Minute)).Click(ad("Clid1"), "oi"))
		h.detects("wamid.A", "Purchase", "Clid1", 25000)
		h.wantAtMeta("Purchase Clid1 25.00 BRL")
		h.wantLedger("Purchase cancelled told_by_rule", "Purchase sent")
	})
}

// Ledger 18: an automatic event that comes before its click waits for it; one without a click id is
// counted.
func TestLedger18AnAutomaticEventWaitsForItsClick(t *testing.T) {
	h, ana := engine(t, `{id: lead, when: {customer_says: "quanto custa"}, send: LeadSubmitted}`)
	h.detects("wamid.A", "LeadSubmitted", "Clid1", 0)
	h.detects("wamid.B", "LeadSubmitted", "", 0)
	if n := h.counted("automatic_without_click"); n != 1 {
		t.Errorf("%d counted", n)
	}
	for range 2 {
		if n, err := h.app.replay(t.Context()); n != 0 || err != nil || h.rowCounts()["quarantine"] != 1 {
			t.Fatalf("replayed %d %v", n, err)
		}
	}
	h.post(ana, ana.At(time.Now().Add(-time.Minute)).Click(ad("Clid1"), "oi"))
	if n, err := h.app.replay(t.Context()); n != 1 || err != nil || h.rowCounts()["quarantine"] != 0 {
		t.Fatalf("replayed %d %v", n, err)
	}
	h.passes(2 * time.Hour)
	h.wantAtMeta("LeadSubmitted Clid1")
	h.detects("wamid.C", "purchase", "Clid1", 25000)
	if n := h.counted("automatic_other"); n != 1 {
		t.Errorf("%d of another name counted", n)
	}
}
