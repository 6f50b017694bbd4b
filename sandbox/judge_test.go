package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clickthread/clickthread/capi"
)

// One bad event hides among good ones: by default the sender has to search for it.
func TestTheCulpritOfABatch(t *testing.T) {
	sale := strings.Replace(lead, "LeadSubmitted", "Purchase", 1)
	for name, c := range map[string]struct {
		culprit, blamed string
	}{
		"a click nobody made":   {strings.Replace(lead, "Afe-1", "Afe-poison-7", 1), `["data","2","user_data","ctwa_clid"]`},
		"a sale without amount": {sale, `["data","2","custom_data"]`},
		"not an event at all":   {`"lead"`, `["data","2"]`},
	} {
		t.Run(name, func(t *testing.T) {
			batch := `{"data":[` + strings.Join([]string{lead, lead, c.culprit, lead, c.culprit}, ",") + `]}`
			for named, want := range map[bool]string{true: `"error_data":{"blame_field_specs":[` + c.blamed + `]}`, false: ""} {
				g := NewGraph(Options{Poison: "poison", NameEvents: named, Now: func() time.Time { return now }})
				w := ask(g, "/v25.0/900/events", batch)
				if got := w.Body.String(); w.Code != http.StatusBadRequest || !strings.Contains(got, want) || strings.Contains(got, "blame") != named {
					t.Errorf("named %v: HTTP %d %s, want %s", named, w.Code, got, want)
				}
				if w := ask(g, "/v25.0/900/events", `{"data":[`+lead+`]}`); w.Code != http.StatusOK {
					t.Errorf("without the culprit: %s", w.Body)
				}
			}
		})
	}
}

// What an event may say about the person, and what a strict dataset takes of it.
func TestWhatAnEventTellsAboutThePerson(t *testing.T) {
	const waba = `"whatsapp_business_account_id":"300"`
	const taken = -1
	for name, c := range map[string]struct {
		old, new        string
		lenient, strict int // subcode of the refusal, or taken
	}{
		"the account":           {"", "", taken, taken},
		"the account, a number": {waba, `"whatsapp_business_account_id":300`, taken, taken},
		"the page instead":      {waba, `"page_id":"400"`, taken, taken},
		"neither":               {waba + ",", "", 0, 0},
		"an empty account":      {waba, `"whatsapp_business_account_id":""`, 0, 0},
		"an e-mail":             {waba, waba + `,"em":["62a1"]`, taken, 2804064},
		"a phone":               {waba, `"ph":["e323"],` + waba, taken, 2804064},
		"an id of the shop's":   {waba, `"external_id":["6d89"],` + waba, taken, 2804064},
		"a browser":             {waba, waba + `,"client_user_agent":"x"`, 2804064, 2804064},
		"limited use":           {waba + `,"ctwa_clid":"Afe-1"}`, waba + `,"ctwa_clid":"Afe-1"},"data_processing_options":["LDU"],"data_processing_options_country":0`, taken, taken},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(lead, c.old) {
				t.Fatalf("%s is not in %s", c.old, lead)
			}
			body := `{"data":[` + strings.Replace(lead, c.old, c.new, 1) + `]}`
			for strict, subcode := range map[bool]int{false: c.lenient, true: c.strict} {
				w := ask(NewGraph(Options{RefuseExtras: strict, Now: func() time.Time { return now }}), "/v25.0/900/events", body)
				switch {
				case subcode != taken:
					wantRefusal(t, w, 400, 100, subcode)
				case w.Code != http.StatusOK:
					t.Errorf("strict %v: %s", strict, w.Body)
				}
			}
		})
	}
}

// A million events are counted without being kept.
func TestAGraphThatForgets(t *testing.T) {
	g := NewGraph(Options{Forget: true, Now: func() time.Time { return now }})
	for range 3 {
		ask(g, "/v25.0/900/events", `{"data":[`+lead+`,`+lead+`]}`)
	}
	ask(g, "/v25.0/900/events", `{"data":[`+lead+`,{}]}`)
	if g.Taken() != 6 || len(g.Events()) != 0 {
		t.Errorf("%d taken, %d kept, want 6 and none", g.Taken(), len(g.Events()))
	}
}

func BenchmarkJudge(b *testing.B) {
	g := strictGraph()
	sale := string(capi.Event{
		Name: "Purchase", Time: now, ID: "01999999-7000-7000-8000-000000000001", WABAID: "300100200300400", ClickID: "Afe-1",
		Value: capi.Money{Minor: 129990, Currency: "BRL"}, ContentIDs: []string{"SKU-1"},
	}.JSON())
	body := []byte(`{"data":[` + strings.TrimSuffix(strings.Repeat(sale+",", capi.MaxBatch), ",") + `]}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, no := g.world.judge(body, now); no != nil {
			b.Fatal(no.words)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/capi.MaxBatch, "ns/event")
}
