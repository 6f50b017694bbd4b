package main

import (
	"testing"
	"time"

	"github.com/clickthread/clickthread/rules"
)

// More stories of the rule engine in a running server, named by the ledger's numbers.

// putInForce puts other rules in force for the shop.
func (h *house) putInForce(text string) {
	h.Helper()
	f, problems := rules.ParseFile("rules.yaml", []byte(text))
	if f == nil {
		h.Fatal(problems)
	}
	set, problems := rules.NewSet(rules.Owner{ID: "shop", Currency: "BRL"}, f)
	if set == nil {
		h.Fatal(problems)
	}
	h.app.rules.Swap(map[string]*rules.Set{"shop": set})
}

// Ledger 14: what a rule in shadow mode did is kept apart. When it goes live it may fire for the click
// that it was tried on.
func TestLedger14ShadowThenLive(t *testing.T) {
	h, ana := engine(t, `{id: asked, mode: shadow, when: {customer_says: quanto custa}, send: LeadSubmitted}`)
	h.post(ana, ana.Click(ad("Clid1"), "quanto custa?"))
	h.post(ana, ana.Say("quanto custa o azul?")) // once per click, in shadow mode too
	h.wantLedger("LeadSubmitted skipped shadow")
	h.wantAtMeta()
	h.putInForce("version: 1\nrules:\n- {id: asked, when: {customer_says: quanto custa}, send: LeadSubmitted}\n")
	h.post(ana, ana.Say("quanto custa mesmo?"))
	h.post(ana, ana.Say("quanto custa?"))
	h.wantAtMeta("LeadSubmitted Clid1")
	h.wantLedger("LeadSubmitted sent", "LeadSubmitted skipped shadow")
}

// Ledger 14: once per click is once, however often it is said, and a second click may be a second lead.
func TestLedger14OncePerClickAndASecondClick(t *testing.T) {
	h, ana := engine(t, `{id: asked, when: {customer_says: quanto custa}, send: LeadSubmitted}`)
	h.post(ana, ana.Click(ad("Clid1"), "quanto custa?"))
	h.post(ana, ana.Say("quanto custa o azul?"))
	h.post(ana, ana.Click(ad("Clid2"), "quanto custa?"))
	h.post(ana, ana.Say("quanto custa o verde?"))
	h.wantAtMeta("LeadSubmitted Clid1", "LeadSubmitted Clid2")
	if n := h.counted("blocked"); n != 2 {
		t.Errorf("blocked %d times, want 2", n)
	}
}

// Ledger 15: a receipt, the customer's word and the agent's tell of one sale once.
func TestLedger15AChatMessageAndATemplateReceipt(t *testing.T) {
	h, ana := engine(t, `
		{id: receipt, when: {we_send_template: {name: recibo, parameters: {1: {regex: '(?P<order_no>\d+)'}}}}, send: Purchase, value: {from: template, parameter: 2}, dedupe: "{order_no}"}
		{id: said, when: {customer_says: "paguei pedido {order_no}"}, send: Purchase, value: {amount: 10}, dedupe: "{order_no}"}
		{id: agent, when: {we_say: "pedido {order_no} confirmado"}, send: Purchase, value: {amount: 20}, dedupe: "{order_no}"}`)
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	h.post(ana, ana.Say("paguei pedido #4512"))
	h.status("wamid.1", "sent", "tpl:recibo;p1=Pedido 4512;p2=R$ 75,00")
	h.status("wamid.2", "sent", "tpl:recibo;p1=Pedido 4513;p2=R$ 80,00")
	h.post(ana, ana.Say("paguei pedido 4513"))
	h.echoes("e1", time.Now(), "pedido #4513 confirmado")
	h.wantAtMeta("Purchase Clid1 10.00 BRL", "Purchase Clid1 80.00 BRL")
	if n := h.counted("blocked"); n != 3 {
		t.Errorf("blocked %d times, want 3", n)
	}
}

// Ledger 16: of two live rules that send the same event the first wins, also where it is held, and the
// other is counted as shadowed. One whose if fails leaves the event to the next.
func TestLedger16TheFirstRuleWins(t *testing.T) {
	h, ana := engine(t, `
		{id: night, when: {customer_says: paguei}, if: {ad: {source_id: none}}, send: Purchase, value: {amount: 1}}
		{id: paid, when: {customer_says: paguei}, send: Purchase, value: {from: message}}
		{id: flat, when: {customer_says: paguei}, send: Purchase, value: {amount: 10}, once: always}`)
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	h.post(ana, ana.Say("paguei"))
	h.wantLedger("Purchase held value_missing")
	h.wantAtMeta()
	if n := h.counted("shadowed"); n != 1 {
		t.Errorf("shadowed %d times, want 1", n)
	}
}
