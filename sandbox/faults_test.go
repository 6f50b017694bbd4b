package sandbox

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

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
		"a redirect":                     {`{"status":302}`, capi.Unclear, 302, 0},
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
