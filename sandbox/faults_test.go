package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/capi"
)

// What a fault looks like to the sender, and whether Meta has the event afterwards.
func TestFaultsAsTheSenderSeesThem(t *testing.T) {
	for name, c := range map[string]struct {
		fault  string
		want   capi.Verdict // "" for a receipt
		status int
		taken  int
	}{
		"a proxy's 500":                  {`{}`, capi.Again, 500, 0},
		"502":                            {`{"status":502}`, capi.Unknown, 502, 0},
		"429":                            {`{"status":429}`, capi.Throttled, 429, 0},
		"a redirect":                     {`{"status":302}`, capi.Again, 302, 0},
		"200 in HTML, events lost":       {`{"status":200}`, capi.Unknown, 200, 0},
		"200 in HTML, events taken":      {`{"status":200,"taken":true}`, capi.Unknown, 200, 1},
		"a dead token":                   {`{"status":401,"code":190,"subcode":463}`, capi.Pause, 401, 0},
		"a refused event":                {`{"code":100,"subcode":2804087}`, capi.Refused, 400, 0},
		"service down":                   {`{"status":503,"code":2}`, capi.Again, 503, 0},
		"an answer lost, events as well": {`{"drop":true}`, capi.Unknown, 0, 0},
		"an answer lost, events taken":   {`{"drop":true,"taken":true}`, capi.Unknown, 0, 1},
		"slow":                           {`{"delay_ms":1}`, "", 200, 1},
		"slow, events taken at once":     {`{"delay_ms":1,"taken":true}`, "", 200, 1},
		"slow and then 500":              {`{"delay_ms":1,"status":500}`, capi.Again, 500, 0},
		"half a receipt":                 {`{"half":true}`, capi.Unknown, 200, 1},
		"half of a lost receipt":         {`{"half":true,"received":1}`, capi.Unknown, 200, 0},
		"half an error":                  {`{"half":true,"code":100}`, capi.Again, 400, 0},
		"a receipt that is too long":     {`{"huge":true}`, capi.Unknown, 200, 1},
		"half of too much":               {`{"huge":true,"half":true,"status":502}`, capi.Unknown, 502, 0},
		"a receipt for nothing":          {`{"received":0}`, capi.Again, 200, 0},
		"a receipt for nothing, taken":   {`{"received":0,"taken":true}`, capi.Again, 200, 1},
		"a named event":                  {`{"code":100,"subcode":2804087,"named":0}`, capi.Refused, 400, 0},
		"asked to wait":                  {`{"retry_after":30}`, capi.Throttled, 429, 0},
		"used up":                        {`{"code":80004,"usage_minutes":5}`, capi.Throttled, 400, 0},
		"too slow":                       {`{"delay_ms":60000}`, capi.Unknown, 0, 0},
		"too slow, events taken":         {`{"delay_ms":60000,"taken":true}`, capi.Unknown, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			g := strictGraph()
			srv := httptest.NewServer(g)
			t.Cleanup(srv.Close)
			if w := ask(g, "/sandbox/faults", c.fault); w.Code != http.StatusOK {
				t.Fatalf("HTTP %d %s", w.Code, w.Body)
			}
			timeout := 10 * time.Second
			if strings.HasPrefix(name, "too slow") {
				timeout = 250 * time.Millisecond
			}
			client := capi.New(capi.Options{BaseURL: srv.URL, Timeout: timeout})
			_, err := client.Send(t.Context(), capi.Dataset{ID: "900", Token: "EAAtoken"}, [][]byte{[]byte(lead)})
			var e *capi.Error
			switch {
			case c.want == "" && err != nil:
				t.Errorf("%v, want a receipt", err)
			case c.want != "" && (!errors.As(err, &e) || e.Retry() != c.want || e.HTTPStatus != c.status):
				t.Errorf("%v, want %s and HTTP %d", err, c.want, c.status)
			}
			if got := len(g.Events()); got != c.taken {
				t.Errorf("%d events taken, want %d", got, c.taken)
			}
		})
	}
}

func TestFaultsHappenInTurn(t *testing.T) {
	g := strictGraph()
	g.Fail(Fault{Next: 2, Status: 503})
	g.Fail(Fault{Status: 429})
	g.Fail(Fault{Status: 7, Drop: false}) // no HTTP status: answered as 500
	for i, want := range []int{503, 503, 429, 500, 200} {
		if w := ask(g, "/v25.0/900/events", `{"data":[`+lead+`]}`); w.Code != want {
			t.Errorf("answer %d is HTTP %d, want %d", i, w.Code, want)
		}
	}
}

// Two shops have trouble of their own: neither uses up the other's, and a third has none.
func TestFaultsOfOneDatasetLeaveTheOthersAlone(t *testing.T) {
	g := NewGraph(Options{Now: func() time.Time { return now }})
	for _, fault := range []string{
		`{"dataset":"901","next":2,"status":503}`,
		`{"dataset":"902","until_cleared":true,"code":190,"subcode":463}`,
		`{"dataset":"901","status":429}`,
	} {
		if w := ask(g, "/sandbox/faults", fault); w.Code != http.StatusOK {
			t.Fatalf("HTTP %d %s", w.Code, w.Body)
		}
	}
	send := func(dataset string, times int) (statuses []int) {
		for range times {
			statuses = append(statuses, ask(g, "/v25.0/"+dataset+"/events", `{"data":[`+lead+`]}`).Code)
		}
		return statuses
	}
	want := map[string][]int{"902": {401, 401, 401, 401}, "900": {200, 200}, "901": {503, 503, 429, 200}}
	got := map[string][]int{"902": send("902", 4), "900": send("900", 2), "901": send("901", 4)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("HTTP status (-want +got):\n%s", diff)
	}
	g.Fail(Fault{Dataset: "903", UntilCleared: true})
	wantAnswer(t, ask(g, "/sandbox/faults/clear", `{"dataset":"902"}`), `{"cleared":1}`)
	if got := append(send("902", 1), send("903", 2)...); !slices.Equal(got, []int{200, 500, 500}) {
		t.Errorf("902 and 903 get %v, want only 903 to fail", got)
	}
	g.Fail(Fault{UntilCleared: true})
	wantAnswer(t, as(g, "", "POST", "/sandbox/faults/clear", ""), `{"cleared":2}`)
	if got := send("903", 1); got[0] != 200 {
		t.Errorf("cleared, it answers %d", got[0])
	}
	if w := ask(g, "/sandbox/faults/clear", `{"datset":"902"}`); w.Code != http.StatusBadRequest {
		t.Errorf("a misspelt dataset cleared: %s", w.Body)
	}
}

// What a careful sender reads beside the verdict.
func TestWhatAFaultTellsTheSender(t *testing.T) {
	g := strictGraph()
	one, three := 1, 3
	g.Fail(Fault{Code: 100, Subcode: 2804087, Named: &one})
	g.Fail(Fault{Code: 4, RetryAfter: 90, UsageMinutes: 7})
	g.Fail(Fault{Received: &three})
	g.Fail(Fault{Huge: true})
	send := func() *httptest.ResponseRecorder { return ask(g, "/v25.0/900/events", `{"data":[`+lead+`]}`) }

	if w := send(); !strings.Contains(w.Body.String(), `"error_data":{"blame_field_specs":[["data","1"]]}`) {
		t.Errorf("the culprit is not named: %s", w.Body)
	}
	w := send()
	var usage map[string][]struct {
		Minutes int `json:"estimated_time_to_regain_access"`
	}
	if err := json.Unmarshal([]byte(w.Header().Get("X-Business-Use-Case-Usage")), &usage); err != nil {
		t.Fatal(err)
	}
	for _, u := range usage {
		if len(u) != 1 || u[0].Minutes != 7 {
			t.Errorf("usage %+v, want 7 minutes", u)
		}
	}
	if got := w.Header().Get("Retry-After"); got != "90" || w.Code != http.StatusForbidden || len(usage) != 1 {
		t.Errorf("HTTP %d, Retry-After %q, usage %v", w.Code, got, usage)
	}
	if w := send(); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"events_received":3`) {
		t.Errorf("HTTP %d %s, want a receipt for 3", w.Code, w.Body)
	}
	if w := send(); w.Body.Len() <= 1<<20 || !json.Valid(w.Body.Bytes()) {
		t.Errorf("%d bytes, want more than 1 MiB of JSON", w.Body.Len())
	}
}

func TestASenderThatGaveUpIsNotWaitedFor(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if (Fault{DelayMS: 600_000}).wait(ctx) {
		t.Error("waited to the end")
	}
}

func TestABadFaultIsExplained(t *testing.T) {
	for body, want := range map[string]string{
		`{"next":0}`:                       "next is 0",
		`{"named":1}`:                      "named needs a code",
		`{"named":-1,"code":100}`:          "named must be the index",
		`{"received":-1}`:                  "received must be a number",
		`{"received":1,"code":1}`:          "cannot have a code",
		`{"retry_after":-1}`:               "retry_after is -1",
		`{"usage_minutes":-5}`:             "usage_minutes is -5",
		`{"status":99,"delay_ms":-1}`:      "delay_ms is -1",
		`{"status":600}`:                   "status is 600",
		`{"subcode":33}`:                   "subcode needs a code",
		`{"sattus":500}`:                   "sattus",
		`{"next":"3"}`:                     "next",
		`five hundred`:                     "invalid character",
		`{"delay_ms":99999999999999999}`:   "600000",
		`{"next":99999999999999999999999}`: "next",
	} {
		w := ask(NewGraph(Options{}), "/sandbox/faults", body)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: HTTP %d %s, want %q", body, w.Code, w.Body, want)
		}
	}
}

// FuzzFault: any body is a fault or a 400, and whatever the fault, the next call is answered.
func FuzzFault(f *testing.F) {
	f.Add(`{"next":3,"status":500,"code":2,"subcode":0,"delay_ms":0,"drop":true,"taken":true}`)
	f.Add(`{"until_cleared":true,"dataset":"900","code":100,"named":2,"half":true,"huge":true}`)
	f.Add(`{"received":2,"retry_after":3,"usage_minutes":4}`)
	f.Add(`{"status":304}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, body string) {
		g := strictGraph()
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/sandbox/faults", strings.NewReader(body)))
		if w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
			t.Errorf("HTTP %d", w.Code)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/v25.0/900/events", strings.NewReader("{}")).WithContext(ctx))
	})
}
