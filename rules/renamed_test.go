package rules

import (
	"strings"
	"testing"
)

// rules-format: renaming "name" is free, changing "id" makes a new rule, and people are told.
func TestAnotherIDIsAnotherRule(t *testing.T) {
	const file = "rules:\n- {id: paid, name: Paid, when: {customer_says: paguei}, send: Purchase, value: {amount: 5, currency: BRL}}\n" +
		"- {id: asked, when: {customer_says: quanto}, send: LeadSubmitted}\n"
	owner := Owner{ID: "shop"}
	before := setOf(t, owner, "version: 1\n"+file)
	for change, want := range map[[2]string]string{
		{"id: paid", "id: paid-by-pix"}: `shop.yaml:3: warning: rule "paid-by-pix" was called "paid": it is a new rule now, and may send once more what it has sent under that id; keep id: paid, and change name: instead`,
		{"name: Paid", "name: Pago"}:    "",
		{"amount: 5", "amount: 6"}:      "",
		{"id: asked", "id: paid-2"}:     `rule "paid-2" was called "asked"`,
		{"paguei", "comprei"}:           "",
	} {
		now := setOf(t, owner, "version: 1\n"+strings.Replace(file, change[0], change[1], 1))
		said := ""
		for _, p := range Renamed(before, now) {
			said += p.String()
		}
		if want == "" && said != "" || !strings.Contains(said, want) {
			t.Errorf("%v: %q", change, said)
		}
	}
	if Renamed(nil, before) != nil || Renamed(before, nil) != nil {
		t.Error("there is nothing to compare")
	}
}
