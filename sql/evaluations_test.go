package sql

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/reason"
)

// lastEvaluations: ledger 16. The newest 20 of each rule of each account are kept, whichever node wrote
// them, and writing again what was written changes nothing.
func lastEvaluations(t *testing.T, l *ledger) {
	evaluation := func(account, rule string, n int) attribution.Evaluation {
		return attribution.Evaluation{
			Account: account, Rule: rule, Event: "LeadSubmitted", Trigger: newID(), At: l.now.Add(-time.Minute), Decided: l.now.Add(time.Duration(n) * time.Second),
			Outcome: "blocked", Reason: reason.OnceClaimed, Why: fmt.Sprintf("the customer said %d", n),
		}
	}
	var first, second []attribution.Evaluation
	for n := range 15 {
		for rule := range 30 { // more than one transaction's worth
			first = append(first, evaluation("shop", fmt.Sprintf("rule-%02d", rule), n))
		}
		second = append(second, evaluation("shop", "rule-07", 100+n), evaluation("clinic", "rule-07", n))
	}
	for _, list := range [][]attribution.Evaluation{first, second, second, nil} {
		if err := l.KeepEvaluations(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	got, err := l.Evaluations(t.Context(), "shop", "rule-07")
	if err != nil || len(got) != attribution.MaxEvaluations {
		t.Fatalf("%d are kept, want %d (%v)", len(got), attribution.MaxEvaluations, err)
	}
	if diff := cmp.Diff(second[len(second)-2], got[0]); diff != "" {
		t.Errorf("the newest (-want +got):\n%s", diff)
	}
	if got[19].Why != "the customer said 10" {
		t.Errorf("the oldest is %q", got[19].Why)
	}
	for account, want := range map[string]int{"clinic": 15, "gone": 0} {
		if list, err := l.Evaluations(t.Context(), account, "rule-07"); err != nil || len(list) != want {
			t.Errorf("%s: %d %v, want %d", account, len(list), err, want)
		}
	}
	of, err := l.EvaluationsOf(t.Context(), "shop", got[0].Trigger)
	if diff := cmp.Diff(got[:1], of); diff != "" || err != nil {
		t.Errorf("of one message (-want +got) %v:\n%s", err, diff)
	}
	l.wantRows(map[string]int{"rule_evaluations": 29*15 + attribution.MaxEvaluations + 15})
}
