package main

// What a message meets that comes while rules change, or that no set of rules gets through.

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/rules"
	"github.com/clickthread/clickthread/webhook"
)

// A message that was asked about under rules that are not in force any more is read again for what the new ones
// ask for: the price that was quoted before.
func TestRulesThatAskForMoreAreAnswered(t *testing.T) {
	const quoted = "version: 1\nrules:\n  - id: paid\n    when: {customer_says: paguei}\n    send: Purchase\n" +
		"    value: {from: last_amount_we_quoted, currency: BRL}\n"
	h := openHouse(t, edition(1)+"  - id: we\n    when: {we_say: xyz}\n    send: LeadSubmitted\n")
	ana := h.ana()
	h.post(ana, ana.At(time.Now().Add(-time.Hour)).Click(ad("Clid1"), "oi"))
	sent := webhook.Sent{ID: "wamid.q", WAID: ana.WAID, Number: "700100", At: time.Now().Add(-time.Minute), Text: "fica R$ 42,00"}
	if err := h.app.intake.Said(t.Context(), "shop", sent); err != nil {
		t.Fatal(err)
	}
	h.save("shop", quoted)
	old := h.app.intake.Planner.Rules
	changed := false
	h.app.intake.Planner.Rules = setsThat{old, func() { // between the door and the plan
		if !changed {
			changed = true
			h.reload()
		}
	}}
	h.post(ana, ana.Say("paguei"))
	h.app.intake.Planner.Rules = old
	if diff := cmp.Diff([]string{"Purchase Clid1 42.00 BRL"}, h.metaHolds()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// setsThat are rules after which something happens, once they were asked for.
type setsThat struct {
	webhook.RuleSets
	after func()
}

func (s setsThat) Set(account string) *rules.Set {
	defer s.after()
	return s.RuleSets.Set(account)
}

// Promise 2: a message that uses up what one may cost before all rules had their turn is counted.
func TestAMessageThatNoRulesGetThroughIsCounted(t *testing.T) {
	var hard strings.Builder
	hard.WriteString("version: 1\nrules:\n")
	for i := range 1000 {
		fmt.Fprintf(&hard, "- {id: r-%d, when: {customer_says: {regex: '.*.*.*x%d'}}, send: ViewContent}\n", i, i)
	}
	h := openHouse(t, hard.String())
	ana := h.ana()
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	h.post(ana, ana.Say(strings.Repeat("ab", 4000)))
	if _, err := h.app.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	counts, err := h.app.store.Counts(t.Context())
	if n := counts[attribution.Count{Account: "shop", Kind: "not_looked_through"}]; n != 1 || err != nil {
		t.Errorf("counted %d %v, want 1", n, err)
	}
}
