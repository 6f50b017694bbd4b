package sql

import (
	"slices"
	"testing"
	"time"
)

// oneNodeAtATime: a job is one node's until it ends or its lease does, and a pass that another node
// has just made is not made again.
func oneNodeAtATime(t *testing.T, l *ledger) {
	take := func(node string) bool {
		t.Helper()
		mine, err := l.TakeJob(t.Context(), "prune", node, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return mine
	}
	end := func(node string) {
		t.Helper()
		if err := l.EndJob(t.Context(), "prune", node); err != nil {
			t.Fatal(err)
		}
	}
	if !take("a") {
		t.Fatal("the first to ask gets the turn")
	}
	if take("b") || take("a") {
		t.Error("the job runs; nobody else gets it")
	}
	end("b")
	if take("b") {
		t.Error("b ended what a runs")
	}
	end("a")
	if take("b") {
		t.Error("the pass that a has just made is not made again")
	}
	if mine, err := l.TakeJob(t.Context(), "check", "b", time.Hour); !mine || err != nil {
		t.Errorf("another job: %v %v", mine, err)
	}
	l.passTime("jobs", "ended_at", time.Hour)
	if !take("b") {
		t.Error("in the next period it is anybody's turn")
	}
	l.passTime("jobs", "lease_until", 2*time.Hour) // b died
	if !take("a") {
		t.Error("the lease of a node that died runs out")
	}
}

// passTime moves a time of the database's clock into the past, as if so much time had gone by.
func (l *ledger) passTime(table, column string, d time.Duration) {
	l.Helper()
	if _, err := l.write.NewRaw("UPDATE "+table+" SET "+column+" = "+column+" - ?", d.Microseconds()).Exec(l.Context()); err != nil {
		l.Fatal(err)
	}
}

// nodesCompareRules: nodes that run show when their rule sets differ (ledger 30).
func nodesCompareRules(t *testing.T, l *ledger) {
	see := func(node, shop, clinic string) {
		t.Helper()
		inForce := map[string]RulesInForce{"shop": {Hash: shop, Rules: 2}, "clinic": {Hash: clinic, Problem: "a.yaml:1:1: " + clinic}}
		if err := l.SeeNode(t.Context(), l.now, node, inForce); err != nil {
			t.Fatal(err)
		}
	}
	differ := func(want ...string) {
		t.Helper()
		if got, err := l.RuleSetsDiffer(t.Context(), l.now); !slices.Equal(got, want) || err != nil {
			t.Errorf("rule sets differ for %v %v, want %v", got, err, want)
		}
	}
	see("a", "one", "one")
	differ()
	if !l.Shared() {
		l.now = l.now.Add(time.Second)
		see("b", "two", "")
		differ() // the server was restarted with other rules
		return
	}
	see("b", "two", "one")
	differ("shop")
	see("b", "two", "")
	differ("clinic", "shop")
	see("b", "one", "one")
	differ()
	see("b", "two", "one")
	l.now = l.now.Add(3 * time.Minute) // a is gone, with the old rules
	see("b", "two", "one")
	differ()
	l.now = l.now.Add(8 * time.Minute)
	see("b", "two", "one")
	want := []RulesInForce{{"clinic", "b", "one", 0, "a.yaml:1:1: one"}, {"shop", "b", "two", 2, ""}}
	if got, err := l.RulesInForce(t.Context(), l.now); !slices.Equal(got, want) || err != nil {
		t.Errorf("in force are %v %v, want those of b alone: %v", got, err, want)
	}
}
