package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/reason"
)

// held is a claim that a delivery without a clear value holds.
func held(key string) func(string) ClaimState {
	return func(asked string) ClaimState {
		if asked == key {
			return HeldForValue
		}
		return Free
	}
}

// Ledger 17: two conversations became one while a Purchase was held in the younger: its claim is the one to complete.
func TestLedger17AClearAmountCompletesAHeldClaim(t *testing.T) {
	set := setOf(t, Owner{ID: "shop", Currency: "BRL"}, paid("", "", ""))
	facts := Facts{
		Text: "paguei R$ 50", Conversations: []string{"now", "merged"}, Click: &Click{Key: "k"},
		Claimed: held("per_click:paid:merged:k"),
	}
	d := set.Eval(facts)[0]
	if d.Outcome != Fire || !d.Completes || d.Claim != "per_click:paid:merged:k" || d.Value.String() != "50.00 BRL" {
		t.Errorf("got %+v", d)
	}
	facts.Text = "paguei"
	if d := set.Eval(facts)[0]; d.Outcome != Blocked || d.Completes || d.Claim != "" {
		t.Errorf("an amount that is not clear completes nothing: %+v", d)
	}
	facts.Text, facts.Claimed = "paguei R$ 50", taken("per_click:paid:merged:k")
	if d := set.Eval(facts)[0]; d.Outcome != Blocked || d.Reason != reason.OnceClaimed {
		t.Errorf("what was sent is not completed: %+v", d)
	}
}

func TestMetaDetectsABusinessFact(t *testing.T) {
	set := setOf(t, Owner{ID: "shop"}, `version: 1
rules:
- {id: meta-sold, when: {meta_detects: Purchase}, send: Purchase, value: {from: message}}
- {id: meta-brl, when: {meta_detects: Purchase}, send: OrderCreated, value: {from: message, currency: BRL}}
- {id: meta-lead, when: {meta_detects: LeadSubmitted}, send: LeadSubmitted}
`)
	for _, c := range []struct {
		detected Detected
		want     []string
	}{
		{Detected{"Purchase", "25.5", "USD"}, []string{"Purchase 25.50 USD fire", "OrderCreated hold (value_ambiguous)"}},
		{Detected{"Purchase", "", ""}, []string{"Purchase hold (value_missing)", "OrderCreated hold (value_missing)"}},
		{Detected{"Purchase", "25,5", "USD"}, []string{"Purchase hold (value_ambiguous)", "OrderCreated hold (value_ambiguous)"}},
		{Detected{"LeadSubmitted", "", ""}, []string{"LeadSubmitted fire"}},
		{Detected{"AddToCart", "", ""}, nil},
	} {
		var got []string
		for _, d := range set.Eval(Facts{Detected: &c.detected, Click: &Click{}}) {
			got = append(got, describe(d))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.detected, diff)
		}
	}
}

// Ledger 15: the key is of the account and the event name, across rules.
func TestDedupeIsOfTheAccountAndFoldsWhatPeopleWrite(t *testing.T) {
	set := setOf(t, Owner{ID: "shop"}, `version: 1
rules:
- {id: shop, when: {we_say: "pedido {order_no}"}, send: OrderCreated, dedupe: "{order_no}"}
- {id: tried, mode: shadow, when: {we_say: "pedido {order_no}"}, send: OrderCreated, dedupe: "{order_no}"}
- {id: other, when: {we_say: "pedido"}, send: LeadSubmitted}
`)
	facts := Facts{Text: "Pedido # AB-12", Ours: true, Click: &Click{Key: "k"}, Conversations: []string{"c"}}
	want := []string{"dedupe:OrderCreated:634ccb18c748f1c01c5308f87ee51b563a52a529acca8ad4d28988d5edd2896d", "shadow:dedupe:OrderCreated:634ccb18c748f1c01c5308f87ee51b563a52a529acca8ad4d28988d5edd2896d"}
	if diff := cmp.Diff(want, set.DedupeKeys(facts)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var claims []string
	for _, d := range set.Eval(facts) {
		claims = append(claims, d.Claim)
	}
	if diff := cmp.Diff(append(want, "per_click:other:c:k"), claims); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if keys := (*Set)(nil).DedupeKeys(facts); keys != nil {
		t.Errorf("a nil set asks for %v", keys)
	}
}

func TestADecisionCarriesTheUserAndTheWait(t *testing.T) {
	set := setOf(t, Owner{ID: "shop"}, `version: 1
words: {no: [desisti]}
rules:
- id: form
  when: {customer_taps: {flow: {name: "lead*"}}}
  send: LeadSubmitted
  user: {email: "{flow.email}", external_id: "{flow.crm}-{flow.missing}"}
  event_id: "{flow.crm}"
  wait: 36h
  cancel_if: [{customer_says: "@no"}]
`)
	d := set.Eval(Facts{Click: &Click{}, Tap: &Tap{Kind: "flow", Name: "flow", Answers: map[string]any{
		"flow_token": "lead-7", "email": " a@b.co ", "crm": "C7",
	}}})
	if len(d) != 1 || d[0].User != (User{Email: "a@b.co"}) || d[0].EventID != "C7" || d[0].Wait != 36*time.Hour {
		t.Fatalf("got %+v", d)
	}
	if want := `[{"customer_says":["desisti"]}]`; string(d[0].CancelIf) != want {
		t.Errorf("kept %s, want %s: it must say by itself what cancels", d[0].CancelIf, want)
	}
}

func TestWhatCancelsIsReadBack(t *testing.T) {
	kept := []byte(`[{"customer_says":{"any":["desisti <b> \"agora\""]}},{"we_send_template":{"name":"cancel_*"}}]`)
	for _, c := range []struct {
		facts Facts
		want  bool
	}{
		{Facts{Text: `Desisti <b> "agora"`}, true},
		{Facts{Text: "desisti"}, false},
		{Facts{Text: `desisti <b> "agora"`, Ours: true}, false},
		{Facts{Template: &Template{Name: "cancel_order", Status: "delivered"}}, true},
	} {
		if got, err := Cancels(kept, c.facts); got != c.want || err != nil {
			t.Errorf("%+v: %v, %v", c.facts, got, err)
		}
	}
	if got, err := Cancels(nil, Facts{Text: "desisti"}); got || err != nil {
		t.Errorf("nothing kept: %v, %v", got, err)
	}
	for _, broken := range []string{"[", "{}", `[{"order":{}}]`, `[{"customer_says":""}]`} {
		if _, err := Cancels([]byte(broken), Facts{}); err == nil || !strings.Contains(err.Error(), "cancel_if cannot be read") {
			t.Errorf("%s: %v", broken, err)
		}
	}
}

func FuzzCancels(f *testing.F) {
	f.Add([]byte(`[{"customer_says":["desisti"]},{"meta_detects":"Purchase"}]`), "desisti")
	f.Add([]byte(`[{"customer_taps":{"flow":{"answers":{"a":{"not":"x","regex":"x"}}}}}]`), "\xff")
	f.Fuzz(func(t *testing.T, kept []byte, text string) {
		facts := Facts{Text: text, Tap: &Tap{Kind: "flow", Answers: map[string]any{"a": text, "b": []any{text, 1, nil, map[string]any{}}}}}
		if stops, err := Cancels(kept, facts); stops && err != nil {
			t.Errorf("both cancelled and %v", err)
		}
	})
}
