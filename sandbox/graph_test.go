package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/clickthread/clickthread/capi"
)

var now = time.Date(2026, 9, 21, 14, 25, 0, 0, time.UTC)

// strictGraph knows one click, one dataset and one token.
func strictGraph() *Graph {
	return NewGraph(Options{
		Clicks: []string{"Afe-1"}, Datasets: []string{"900"}, Tokens: []string{"EAAtoken"},
		Now: func() time.Time { return now },
	})
}

// ask does one request; with a body it is a POST as capi.Client makes it.
func ask(g *Graph, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if body != "" {
		r = httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer EAAtoken")
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

// lead is an event that Meta takes.
var lead = string(capi.Event{Name: "LeadSubmitted", Time: now, ID: "lead_1", WABAID: "300", ClickID: "Afe-1"}.JSON())

func TestGraphRefusesAsMetaDoes(t *testing.T) {
	at := func(age time.Duration) string { return fmt.Sprintf(`"event_time":%d`, now.Add(-age).Unix()) }
	with := func(old, new string) string { return strings.Replace(lead, old, new, 1) }
	for name, c := range map[string]struct {
		event         string
		code, subcode int
	}{
		"a name from the website pixel":    {with("LeadSubmitted", "Lead"), 100, 2804066},
		"no channel":                       {with(`"messaging_channel":"whatsapp",`, ""), 100, 2804063},
		"another channel":                  {with(`"whatsapp",`, `"messenger",`), 100, 0},
		"a website event":                  {with("business_messaging", "website"), 100, 0},
		"an address of a browser":          {with(`"ctwa_clid"`, `"client_ip_address":"192.0.2.1","ctwa_clid"`), 100, 2804064},
		"a click that never was":           {with("Afe-1", "Afe-2"), 100, 2804087},
		"no click":                         {with(`,"ctwa_clid":"Afe-1"`, ""), 100, 2804087},
		"a click that is a number":         {with(`"Afe-1"`, "1"), 100, 2804087},
		"more than 7 days old":             {with(at(0), at(7*24*time.Hour+time.Second)), 100, 2804003},
		"in the future":                    {with(at(0), at(-61*time.Second)), 100, 0},
		"no time":                          {with(at(0)+",", ""), 100, 0},
		"a time with decimals":             {with(at(0), `"event_time":1790000700.5`), 100, 0},
		"a time that no int64 holds":       {with(at(0), `"event_time":1e999`), 100, 0},
		"the first second of all":          {with(at(0), `"event_time":-9223372036854775808`), 100, 2804003},
		"a Purchase without an amount":     {with("LeadSubmitted", "Purchase"), 100, 2804009},
		"a Purchase without a currency":    {with(`"LeadSubmitted"`, `"Purchase","custom_data":{"value":1}`), 100, 2804009},
		"a time that is null":              {with(at(0), `"event_time":null`), 100, 0},
		"a name that is a number":          {with(`"LeadSubmitted"`, "5"), 100, 0},
		"an amount that is a word":         {with(`"LeadSubmitted"`, `"Purchase","custom_data":{"value":"ten","currency":"BRL"}`), 100, 0},
		"custom_data that is a list":       {with(`"LeadSubmitted"`, `"Purchase","custom_data":[]`), 100, 0},
		"an event that is a list":          {`[]`, 100, 0},
		"an event that is nothing":         {`null`, 100, 2804066},
		"user_data that is not what it is": {with(`"user_data":{`, `"user_data":[],"x":{`), 100, 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := strictGraph()
			w := ask(g, "/v25.0/900/events", `{"data":[`+lead+`,`+c.event+`]}`)
			wantRefusal(t, w, 400, c.code, c.subcode)
			if taken := g.Events(); len(taken) != 0 {
				t.Errorf("a refused batch left %d events", len(taken))
			}
		})
	}
}

// wantRefusal checks for an error in Meta's shape.
func wantRefusal(t *testing.T, w *httptest.ResponseRecorder, status, code, subcode int) {
	t.Helper()
	var got struct {
		Error struct {
			Code    int    `json:"code"`
			Subcode int    `json:"error_subcode"`
			Trace   string `json:"fbtrace_id"`
		} `json:"error"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("not Meta's shape: %s", w.Body)
	}
	if w.Code != status || got.Error.Code != code || got.Error.Subcode != subcode || got.Error.Trace == "" {
		t.Errorf("HTTP %d %s, want HTTP %d and %d/%d", w.Code, w.Body, status, code, subcode)
	}
}

func TestGraphRefusesTheWholeRequest(t *testing.T) {
	batch := func(n int) string {
		return `{"data":[` + strings.TrimSuffix(strings.Repeat(lead+",", n), ",") + `]}`
	}
	for name, c := range map[string]struct {
		path, body            string
		status, code, subcode int
	}{
		"a dataset of someone else":  {"/v25.0/901/events", batch(1), 400, 100, 33},
		"a dataset that is a name":   {"/v25.0/shop/events", batch(1), 400, 100, 33},
		"no version":                 {"/latest/900/events", batch(1), 404, 2500, 0},
		"another path":               {"/v25.0/900/insights", batch(1), 404, 2500, 0},
		"reading instead of writing": {"/v25.0/900/events", "", 404, 2500, 0},
		"not JSON":                   {"/v25.0/900/events", "data=[]", 400, 100, 0},
		"no data":                    {"/v25.0/900/events", "{}", 400, 100, 0},
		"no event":                   {"/v25.0/900/events", batch(0), 400, 100, 0},
		"data that is a number":      {"/v25.0/900/events", `{"data":1}`, 400, 100, 0},
		"a test code that is none":   {"/v25.0/900/events", `{"test_event_code":1,` + batch(1)[1:], 400, 100, 0},
		"two requests":               {"/v25.0/900/events", batch(1) + batch(1), 400, 100, 0},
		"1,001 events":               {"/v25.0/900/events", batch(capi.MaxBatch + 1), 400, 100, 0},
		"a body without end":         {"/v25.0/900/events", strings.Repeat(" ", maxRequest+1), 400, 100, 0},
	} {
		t.Run(name, func(t *testing.T) {
			wantRefusal(t, ask(strictGraph(), c.path, c.body), c.status, c.code, c.subcode)
		})
	}
	for _, authorization := range []string{"", "EAAtoken", "Bearer ", "Bearer other"} {
		r := httptest.NewRequest(http.MethodPost, "/v25.0/900/events", strings.NewReader(batch(1)))
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		strictGraph().ServeHTTP(w, r)
		wantRefusal(t, w, 401, 190, 0)
	}
}

func TestWhatWasTakenIsShownAsReceived(t *testing.T) {
	g := strictGraph()
	if got := ask(g, "/sandbox/events", "").Body.String(); strings.TrimSpace(got) != "[]" {
		t.Errorf("at first there is %s", got)
	}
	odd := `{ "event_id" : "<2>", ` + lead[1:]
	ask(g, "/v25.0/900/events", `{"data":[`+lead+`, `+odd+` ],"test_event_code":"TEST1"}`)
	w := ask(g, "/sandbox/events", "")
	want := `[{"dataset_id":"900","received_at":"2026-09-21T14:25:00Z","test_event_code":"TEST1","event":` + lead + `},` +
		`{"dataset_id":"900","received_at":"2026-09-21T14:25:00Z","test_event_code":"TEST1","event":` + odd + `}]`
	if got := strings.TrimSpace(w.Body.String()); got != want || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var listed []Taken
	if err := json.Unmarshal(w.Body.Bytes(), &listed); err != nil || len(listed) != 2 {
		t.Errorf("%d events, %v", len(listed), err)
	}
}

func TestAClickMadeLaterIsKnown(t *testing.T) {
	g := NewGraph(Options{Now: func() time.Time { return now }})
	body := `{"data":[` + lead + `]}`
	if w := ask(g, "/v25.0/900/events", body); w.Code != 200 {
		t.Errorf("without a list any click is good: %s", w.Body)
	}
	g.AddClick("Afe-2")
	wantRefusal(t, ask(g, "/v25.0/900/events", body), 400, 100, 2804087)
	g.AddClick("Afe-1")
	if w := ask(g, "/v25.0/900/events", body); w.Code != 200 {
		t.Errorf("a known click: %s", w.Body)
	}
}

// The client and the pretend Meta understand each other.
func TestRoundTrip(t *testing.T) {
	g := strictGraph()
	srv := httptest.NewServer(g)
	t.Cleanup(srv.Close)
	client := capi.New(capi.Options{BaseURL: srv.URL})
	to := capi.Dataset{ID: "900", Token: "EAAtoken"}
	good := capi.Event{
		Name: "Purchase", Time: now, ID: "order_1", WABAID: "300", ClickID: "Afe-1",
		Value: capi.Money{Minor: 129990, Currency: "BRL"}, ContentIDs: []string{"SKU-1"},
	}
	receipt, err := client.Send(t.Context(), to, [][]byte{good.JSON(), []byte(lead)})
	if err != nil || receipt.EventsReceived != 2 || receipt.TraceID == "" {
		t.Fatalf("%+v, %v", receipt, err)
	}
	if got := string(g.Events()[0].Event); got != string(good.JSON()) {
		t.Errorf("Meta has %s", got)
	}
	bad := good
	bad.ClickID = "made up"
	_, err = client.Send(t.Context(), to, [][]byte{good.JSON(), bad.JSON()})
	var e *capi.Error
	if !errors.As(err, &e) || e.Retry() != capi.Refused || e.Subcode != 2804087 || !strings.Contains(e.UserMessage, "event 1") {
		t.Errorf("a made-up click: %v", err)
	}
	to.ID = "901"
	if _, err = client.Send(t.Context(), to, [][]byte{good.JSON()}); !errors.As(err, &e) || e.Retry() != capi.Pause {
		t.Errorf("another dataset: %v", err)
	}
	if got := len(g.Events()); got != 2 {
		t.Errorf("%d events taken, want 2", got)
	}
}

// FuzzEventsBody: any body is answered with a receipt or a refusal, and what is taken can be listed.
func FuzzEventsBody(f *testing.F) {
	f.Add(`{"data":[` + lead + `]}`)
	f.Add(`{"data":[` + lead + `,{"event_name":5}],"test_event_code":"<T>"}`)
	f.Add(`{"data":[null],"data":[[]]}`)
	f.Add(`{"data":[{"event_name":"\`)
	f.Add(`{"data":5,"test_event_code":7,"event_time":null,"user_data":5}`)
	f.Fuzz(func(t *testing.T, body string) {
		g := NewGraph(Options{Now: func() time.Time { return now }})
		r := httptest.NewRequest(http.MethodPost, "/v25.0/900/events", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer t")
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if answer, err := io.ReadAll(w.Body); err != nil || !json.Valid(answer) {
			t.Errorf("answer %s, %v", answer, err)
		}
		if listed := ask(g, "/sandbox/events", "").Body.Bytes(); !json.Valid(listed) {
			t.Errorf("list %s", listed)
		}
	})
}
