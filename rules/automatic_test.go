package rules

import (
	"testing"
	"time"

	"github.com/clickthread/clickthread/reason"
)

// Ledger 18: what Meta detected goes back after an hour, with Meta's price; a sale without one is held.
func TestWhatMetaDetectsIsHandedBack(t *testing.T) {
	facts := func(d Detected) Facts {
		return Facts{Trigger: "t1", Conversations: []string{"c1"}, Click: &Click{Key: "k"}, Detected: &d}
	}
	for _, c := range []struct {
		detected Detected
		outcome  Outcome
		why      reason.Code
		value    string
	}{
		{Detected{Event: "LeadSubmitted"}, Fire, reason.None, ""},
		{Detected{Event: "Purchase", Amount: "25.5", Currency: "usd"}, Fire, reason.None, "25.50 USD"},
		{Detected{Event: "Purchase", Amount: "12000", Currency: "CLP"}, Fire, reason.None, "12000 CLP"},
		{Detected{Event: "Purchase"}, Hold, reason.ValueMissing, ""},
		{Detected{Event: "Purchase", Amount: "5"}, Hold, reason.ValueMissing, ""},
		{Detected{Event: "Purchase", Amount: "0", Currency: "USD"}, Hold, reason.ValueOutOfRange, ""},
		{Detected{Event: "Purchase", Amount: "-5", Currency: "USD"}, Hold, reason.ValueAmbiguous, ""},
	} {
		decisions := Automatic().Eval(facts(c.detected))
		if len(decisions) != 1 {
			t.Fatalf("%+v: %d decisions", c.detected, len(decisions))
		}
		d := decisions[0]
		value := ""
		if !d.Value.IsZero() {
			value = d.Value.String()
		}
		if d.Event != c.detected.Event || d.Outcome != c.outcome || d.Reason != c.why || value != c.value || d.Wait != time.Hour || !IsAutomatic(d.Rule.ID) {
			t.Errorf("%+v: %s %s %s %q after %s by %s", c.detected, d.Event, d.Outcome, d.Reason, value, d.Wait, d.Rule.ID)
		}
	}
	for _, other := range []string{"purchase", "AddToCart", ""} { // the dashboard's test button sends the first
		if d := Automatic().Eval(facts(Detected{Event: other})); len(d) != 0 {
			t.Errorf("%q: %d decisions", other, len(d))
		}
	}
	if IsAutomatic("automatic") {
		t.Error("a merchant's rule may be called so")
	}
}
