package sandbox

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	shopToken    = "EAAshop"
	oldToken     = "EAAold"
	readerToken  = "EAAreader"
	shop, cinema = "300", "301"
)

// business is a Meta with two companies on it: a shop with two numbers, and a cinema.
func business() *Graph {
	return NewGraph(Options{
		Accounts: []Account{
			{ID: shop, Name: "Loja", Dataset: "900", Numbers: []Number{
				{ID: "700", Display: "+55 11 90000-0001", Name: "Loja"},
				{ID: "701", Display: "+55 11 90000-0002", Name: "Loja 2"},
			}},
			{ID: cinema, Name: "Cine", Numbers: []Number{{ID: "710", Display: "+55 11 90000-0010", Name: "Cine"}}},
		},
		Datasets: []string{"950"},
		Grants: []Grant{
			{Token: shopToken, Accounts: []string{shop}},
			{Token: oldToken, Expires: now.Add(-time.Hour)},
			{Token: readerToken, Scopes: []string{management}},
		},
		Now: func() time.Time { return now },
	})
}

// as does one call with a token; the body may be empty.
func as(g *Graph, token, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

// wantAnswer checks for a 200 with exactly this JSON.
func wantAnswer(t *testing.T, w *httptest.ResponseRecorder, body string) {
	t.Helper()
	if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != body {
		t.Errorf("HTTP %d %s\nwant HTTP 200 %s", w.Code, got, body)
	}
}

// A company is connected: its numbers are found, its dataset made, its webhooks ordered.
func TestConnectingAnAccount(t *testing.T) {
	g := business()
	for _, step := range []struct{ method, path, body, want string }{
		{"GET", "/v25.0/301/phone_numbers", "", `{"data":[{"verified_name":"Cine","display_phone_number":"+55 11 90000-0010","quality_rating":"GREEN","id":"710"}]}`},
		{"GET", "/v25.0/301/dataset", "", `{"data":[]}`},
		{"POST", "/v25.0/301/dataset", `{"dataset_name":"Cine"}`, `{"id":"880000000000002"}`},
		{"POST", "/v25.0/301/dataset", "", `{"id":"880000000000002"}`},
		{"GET", "/v25.0/301/dataset", "", `{"data":[{"id":"880000000000002"}]}`},
		{"GET", "/v25.0/301/subscribed_apps", "", `{"data":[]}`},
		{"POST", "/v25.0/301/subscribed_apps", "", `{"success":true}`},
		{"POST", "/v25.0/301/subscribed_apps", `{"override_callback_uri":"https://cine.example/hook","verify_token":"v"}`, `{"success":true}`},
		{"GET", "/v25.0/301/subscribed_apps", "", `{"data":[{"whatsapp_business_api_data":{"id":"260000000000001","name":"Clickthread sandbox",` +
			`"link":"https://www.facebook.com/games/?app_id=260000000000001"},"override_callback_uri":"https://cine.example/hook"}]}`},
		{"POST", "/v25.0/301/subscribed_apps", "", `{"success":true}`},
		{"GET", "/v25.0/301/subscribed_apps", "", `{"data":[{"whatsapp_business_api_data":{"id":"260000000000001","name":"Clickthread sandbox",` +
			`"link":"https://www.facebook.com/games/?app_id=260000000000001"}}]}`},
		{"DELETE", "/v25.0/301/subscribed_apps", "", `{"success":true}`},
		{"GET", "/v25.0/301/subscribed_apps", "", `{"data":[]}`},
	} {
		wantAnswer(t, as(g, "EAAall", step.method, step.path, step.body), step.want)
	}
	if w := as(g, "EAAall", "POST", "/v25.0/880000000000002/events", `{"data":[`+lead+`]}`); w.Code != http.StatusOK {
		t.Errorf("the new dataset takes nothing: %s", w.Body)
	}
}

func TestAnOverrideNeedsASubscriptionAndASafeAddress(t *testing.T) {
	g := business()
	const override = `{"override_callback_uri":%q,"verify_token":%q}`
	at := func(address, verify string) *httptest.ResponseRecorder {
		return as(g, shopToken, "POST", "/v25.0/300/subscribed_apps", fmt.Sprintf(override, address, verify))
	}
	wantRefusal(t, at("https://loja.example/hook", "v"), 400, 100, 0)
	as(g, shopToken, "POST", "/v25.0/300/subscribed_apps", "")
	wantRefusal(t, at("http://loja.example/hook", "v"), 400, 100, 0)
	wantRefusal(t, at("https://loja.example/"+strings.Repeat("x", 200), "v"), 400, 100, 0)
	wantRefusal(t, at("https://loja.example/hook", ""), 400, 100, 0)
	wantRefusal(t, as(g, shopToken, "POST", "/v25.0/300/subscribed_apps", "override"), 400, 100, 0)
}

func TestATokenSeesItsOwnBusinessOnly(t *testing.T) {
	g := business()
	event := `{"data":[` + lead + `]}`
	for path, body := range map[string]string{
		"/v25.0/301/dataset": "", "/v25.0/301/subscribed_apps": "", "/v25.0/999/dataset": "",
		"/v25.0/710/block_users": `{"messaging_product":"whatsapp","block_users":[{"user":"5511987650001"}]}`,
	} {
		wantRefusal(t, as(g, shopToken, "POST", path, body), 400, 100, 33)
	}
	wantRefusal(t, as(g, shopToken, "GET", "/v25.0/301/phone_numbers", ""), 400, 100, 33)
	if w := as(g, shopToken, "POST", "/v25.0/900/events", event); w.Code != http.StatusOK {
		t.Errorf("its own dataset: %s", w.Body)
	}
	g = NewGraph(Options{
		Accounts: []Account{{ID: cinema, Dataset: "901"}}, Grants: []Grant{{Token: shopToken, Accounts: []string{shop}}},
		Now: func() time.Time { return now },
	})
	wantRefusal(t, as(g, shopToken, "POST", "/v25.0/901/events", event), 400, 100, 33)
	wantRefusal(t, as(business(), "EAAall", "POST", "/v25.0/951/events", event), 400, 100, 33)
}

func TestATokenThatMayNotOrNoLonger(t *testing.T) {
	for _, c := range [][2]string{
		{"POST", "/v25.0/900/events"},
		{"POST", "/v25.0/300/dataset"},
		{"GET", "/v25.0/300/dataset"},
		{"GET", "/v25.0/700/block_users"},
	} {
		wantRefusal(t, as(business(), readerToken, c[0], c[1], ""), 403, 200, 0)
		wantRefusal(t, as(business(), oldToken, c[0], c[1], ""), 401, 190, 463)
	}
	wantRefusal(t, as(business(), shopToken, "GET", "/latest/300/dataset", ""), 404, 2500, 0)
	if w := as(business(), readerToken, "GET", "/v25.0/300/phone_numbers", ""); w.Code != http.StatusOK {
		t.Errorf("what it may: %s", w.Body)
	}
}

func TestWhatATokenMayDoIsTold(t *testing.T) {
	g := business()
	const app = `{"data":{"app_id":"260000000000001","type":"SYSTEM_USER","application":"Clickthread sandbox","data_access_expires_at":0,`
	for token, want := range map[string]string{
		shopToken: `"expires_at":0,"is_valid":true,"scopes":["whatsapp_business_management","whatsapp_business_messaging","whatsapp_business_manage_events"],` +
			`"granular_scopes":[{"scope":"whatsapp_business_management","target_ids":["300"]},{"scope":"whatsapp_business_messaging","target_ids":["300"]},` +
			`{"scope":"whatsapp_business_manage_events","target_ids":["300"]}]`,
		readerToken: `"expires_at":0,"is_valid":true,"scopes":["whatsapp_business_management"],"granular_scopes":[{"scope":"whatsapp_business_management"}]`,
		oldToken: fmt.Sprintf(`"expires_at":%d,"is_valid":false,"error":{"code":190,"message":"Error validating access token: Session has expired","subcode":463},`, now.Add(-time.Hour).Unix()) +
			`"scopes":["whatsapp_business_management","whatsapp_business_messaging","whatsapp_business_manage_events"],` +
			`"granular_scopes":[{"scope":"whatsapp_business_management"},{"scope":"whatsapp_business_messaging"},{"scope":"whatsapp_business_manage_events"}]`,
	} {
		w := as(g, "EAAall", "GET", "/v25.0/debug_token?input_token="+token, "")
		wantAnswer(t, w, app+want+`,"user_id":"122000000000000001"}}`)
	}
	wantRefusal(t, as(g, "EAAall", "GET", "/v25.0/debug_token", ""), 400, 100, 0)

	strict := strictGraph()
	w := as(strict, "EAAtoken", "GET", "/v25.0/debug_token?input_token=EAAother", "")
	if got := w.Body.String(); !strings.Contains(got, `"is_valid":false,"error":{"code":190`) || !strings.Contains(got, `"scopes":[],"granular_scopes":[]`) {
		t.Errorf("a token of nobody: %s", got)
	}
}

// The vector is of Meta's own SDK.
func TestTheAppProvesItself(t *testing.T) {
	const proof = "79a70820a138eabab4b27a175c01b2af0ce3d288290ae4289651b3135275889c"
	g := NewGraph(Options{AppSecret: "app-secret-1", Now: func() time.Time { return now }})
	events := func(proof string) string { return `{"data":[` + lead + `],"appsecret_proof":"` + proof + `"}` }
	for _, wrong := range []string{"", "79A7", proof[1:]} {
		wantRefusal(t, as(g, "EAAtoken", "POST", "/v25.0/900/events", events(wrong)), 400, 104, 0)
		wantRefusal(t, as(g, "EAAtoken", "GET", "/v25.0/300/dataset?appsecret_proof="+wrong, ""), 400, 104, 0)
	}
	wantRefusal(t, as(g, "EAAother", "POST", "/v25.0/900/events", events(proof)), 400, 104, 0)
	for _, w := range []*httptest.ResponseRecorder{
		as(g, "EAAtoken", "POST", "/v25.0/900/events", events(proof)),
		as(g, "EAAtoken", "GET", "/v25.0/300/dataset?appsecret_proof="+proof, ""),
		as(g, "EAAtoken", "POST", "/v25.0/300/dataset", `{"appsecret_proof":"`+proof+`"}`),
	} {
		if w.Code != http.StatusOK {
			t.Errorf("with the right proof: %s", w.Body)
		}
	}
}

// FuzzGraphCall: whatever the body, a call is answered in JSON.
func FuzzGraphCall(f *testing.F) {
	f.Add(uint8(0), `{"override_callback_uri":"https://a.example","verify_token":"v"}`)
	f.Add(uint8(1), `{"messaging_product":"whatsapp","block_users":[{"user":"+1 650 555 1212"},{"user_id":"US.1"}]}`)
	f.Add(uint8(2), `{"block_users":[null]}`)
	calls := [][2]string{{"POST", "/v25.0/300/subscribed_apps"}, {"POST", "/v25.0/700/block_users"}, {"DELETE", "/v25.0/700/block_users"}}
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		c := calls[int(which)%len(calls)]
		w := as(business(), shopToken, c[0], c[1], body)
		if w.Header().Get("Content-Type") != "application/json" || w.Code != 200 && w.Code != 400 {
			t.Errorf("HTTP %d %s", w.Code, w.Body)
		}
	})
}

// Many senders at once, while clicks are made, people blocked and faults cleared.
func TestManyCallersAtOnce(t *testing.T) {
	g := business()
	g.AddClick("Afe-1")
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			for range 50 {
				as(g, shopToken, "POST", "/v25.0/900/events", `{"data":[`+lead+`]}`)
				g.AddClick(fmt.Sprint("Afe-", i+2))
				as(g, shopToken, "POST", blockPath, blockBody(fmt.Sprint(15550000000+i)))
				as(g, shopToken, "GET", blockPath, "")
				as(g, "EAAall", "POST", "/v25.0/301/dataset", "")
				g.Clear("901")
			}
		})
	}
	callers.Wait()
	wantAnswer(t, as(g, "EAAall", "GET", "/v25.0/301/dataset", ""), `{"data":[{"id":"880000000000002"}]}`)
	if blocked := strings.Count(as(g, shopToken, "GET", blockPath, "").Body.String(), "wa_id"); g.Taken() != 400 || blocked != 8 {
		t.Errorf("%d events taken and %d people blocked, want 400 and 8", g.Taken(), blocked)
	}
}
