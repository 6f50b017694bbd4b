package rules

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/reason"
)

// The numbers of the ledger as far as the engine alone decides them; cmd/clickthread has them with the
// server around it.

// outcomes prints what each rule came to: "asked fire".
func outcomes(set *Set, f Facts) []string {
	var lines []string
	for _, d := range set.Eval(f) {
		text := d.Rule.ID + " " + string(d.Outcome)
		if d.Reason != reason.None {
			text += " " + string(d.Reason)
		}
		lines = append(lines, text)
	}
	return lines
}

// Ledger 11: within_click is inclusive, and the click of a post is no ad.
func TestLedger11WhatAnIfSaysOfTheClick(t *testing.T) {
	set := setOf(t, Owner{ID: "shop"}, `version: 1
rules:
- {id: soon, when: {customer_says: oi}, if: {within_click: 3d}, send: LeadSubmitted}
- {id: ad, when: {customer_says: oi}, if: {ad: {source_id: "12*"}}, send: ViewContent}
`)
	at := time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)
	click := func(ago time.Duration, kind string) *Click {
		return &Click{Key: "k", At: at.Add(-ago), AdID: "120", SourceType: kind}
	}
	for _, c := range []struct {
		click *Click
		want  []string
	}{
		{click(72*time.Hour, "ad"), []string{"soon fire", "ad fire"}},
		{click(72*time.Hour+time.Second, "ad"), []string{"soon unmet if_unmet", "ad fire"}},
		{click(0, "post"), []string{"soon fire", "ad unmet if_unmet"}},
	} {
		if diff := cmp.Diff(c.want, outcomes(set, Facts{Text: "oi", At: at, Click: c.click})); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.click, diff)
		}
	}
}

// Ledger 12 and 13: what would match but for the click waits for one and takes no claim; what an if says
// of the click is not known then, and what else it says decides.
func TestLedger13WhatLacksAClickWaitsForOne(t *testing.T) {
	set := setOf(t, Owner{ID: "shop"}, `version: 1
rules:
- {id: ad, when: {customer_says: oi}, if: {ad: {source_id: "12*"}, within_click: 1d}, send: LeadSubmitted}
- {id: night, when: {customer_says: oi}, if: {hours: {from: "22:00", to: "06:00"}}, send: ViewContent}
- {id: tried, mode: shadow, when: {customer_says: oi}, send: LeadSubmitted, dedupe: "{message.id}"}
`)
	noon := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	for _, why := range []reason.Code{reason.NoClickID, reason.ClickExpired, reason.StatusAdWithoutClid} {
		facts := Facts{Text: "oi", At: noon, Trigger: "t", NoClick: why}
		want := []string{"ad unattributed " + string(why), "night unmet if_unmet", "tried unattributed " + string(why)}
		if diff := cmp.Diff(want, outcomes(set, facts)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, d := range set.Eval(facts) {
			if d.Claim != "" {
				t.Errorf("%s takes the claim %s", d.Rule.ID, d.Claim)
			}
		}
	}
}

// Ledger 14: a rule that was only tried has claims of its own, so it may fire where it was tried.
func TestLedger14ShadowThenLive(t *testing.T) {
	facts := Facts{Text: "oi", Conversations: []string{"c"}, Click: &Click{Key: "k"}}
	for mode, want := range map[string]string{"shadow": "shadow:per_click:asked:c:k", "live": "per_click:asked:c:k"} {
		d := setOf(t, Owner{ID: "shop"}, "version: 1\nrules:\n- {id: asked, mode: "+mode+", when: {customer_says: oi}, send: LeadSubmitted}\n").Eval(facts)
		if len(d) != 1 || d[0].Claim != want {
			t.Errorf("%s: %+v", mode, d)
		}
	}
}

// Ledger 14: once per click is once for every click.
func TestLedger14OncePerClickAndASecondClick(t *testing.T) {
	set := setOf(t, Owner{ID: "shop"}, "version: 1\nrules:\n- {id: asked, when: {customer_says: oi}, send: LeadSubmitted}\n")
	for key, want := range map[string]string{"first": "asked blocked once_claimed", "second": "asked fire"} {
		facts := Facts{Text: "oi", Conversations: []string{"c"}, Click: &Click{Key: key}, Claimed: taken("per_click:asked:c:first")}
		if got := outcomes(set, facts); len(got) != 1 || got[0] != want {
			t.Errorf("the %s click: %v", key, got)
		}
	}
}

// Ledger 18: a rule that hears what Meta detected is judged beside the automatic event, which is not its
// own: which of the two counts is decided where both are known.
func TestLedger18AnAutomaticEventBesideARule(t *testing.T) {
	set := setOf(t, Owner{ID: "shop"}, "version: 1\nrules:\n- {id: lead, when: {meta_detects: LeadSubmitted}, send: LeadSubmitted}\n")
	facts := Facts{Trigger: "t", Conversations: []string{"c"}, Click: &Click{Key: "k"}, Detected: &Detected{Event: "LeadSubmitted"}}
	own, automatic := set.Eval(facts), Automatic().Eval(facts)
	if len(own) != 1 || len(automatic) != 1 || own[0].Outcome != Fire || automatic[0].Outcome != Fire {
		t.Fatalf("%+v %+v", own, automatic)
	}
	if own[0].Claim == automatic[0].Claim || IsAutomatic(own[0].Rule.ID) || !IsAutomatic(automatic[0].Rule.ID) {
		t.Errorf("%s and %s cannot be told apart", own[0].Claim, automatic[0].Claim)
	}
}
