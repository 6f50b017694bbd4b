package capi

import (
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// graphMeta is a Meta that gives one answer and remembers the last request as "GET /path?query body".
func graphMeta(t *testing.T, status int, answer string) (c *Client, seen *string) {
	t.Helper()
	seen = new(string)
	return meta(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*seen = strings.TrimSpace(r.Method + " " + r.RequestURI + " " + string(body))
		if got := r.Header.Get("Authorization"); got != "Bearer EAAtoken" {
			t.Errorf("Authorization: %q", got)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}), seen
}

var caller = Credentials{Token: "EAAtoken"}

func TestAnAccountFindsItsDataset(t *testing.T) {
	for answer, want := range map[string]string{
		`{"id":"900"}`:            "900",
		`{"id":900}`:              "900",
		`{"data":[{"id":"900"}]}`: "900",
		`{"data":[]}`:             "",
		`{}`:                      "",
		`{"id":null}`:             "",
	} {
		c, seen := graphMeta(t, 200, answer)
		id, ok, err := c.ReadDataset(t.Context(), caller, "300")
		if err != nil || id != want || ok != (want != "") || *seen != "GET /v25.0/300/dataset" {
			t.Errorf("%s: %q, %t, %v by %s; want %q", answer, id, ok, err, *seen, want)
		}
	}
}

func TestAnAccountGetsADataset(t *testing.T) {
	c, seen := graphMeta(t, 200, `{"id":"900"}`)
	for name, body := range map[string]string{"Padaria": `{"dataset_name":"Padaria"}`, "": `{}`} {
		id, err := c.CreateDataset(t.Context(), caller, "300", name)
		if want := "POST /v25.0/300/dataset " + body; err != nil || id != "900" || *seen != want {
			t.Errorf("%q, %v by %s; want 900 by %s", id, err, *seen, want)
		}
	}
	c, _ = graphMeta(t, 200, `{}`)
	if id, err := c.CreateDataset(t.Context(), caller, "300", ""); err == nil {
		t.Errorf("a dataset %q out of an empty answer", id)
	}
}

func TestBlockingSaysWhoIsBlocked(t *testing.T) {
	people := []Person{{Phone: "+16505551212"}, {UserID: "US.1349"}}
	const failed = `"failed_users":[{"input":"US.1349","errors":[{"message":"Re-engagement message","code":131047,"error_data":{"details":"24 hours"}}]}]`
	const done = `"added_users":[{"input":"+16505551212","wa_id":"16505551212"}]`
	why := UserError{Code: 131047, Message: "Re-engagement message"}
	why.Data.Details = "24 hours"
	want := BlockResult{
		Done:   []BlockedUser{{Input: "+16505551212", WAID: "16505551212"}},
		Failed: []FailedUser{{BlockedUser{Input: "US.1349"}, []UserError{why}}},
	}
	for name, c := range map[string]struct {
		status int
		answer string
	}{
		"failures alone":           {200, `{"block_users":{` + done + "," + failed + `}}`},
		"with an error beside it":  {400, `{"block_users":{` + done + "," + failed + `},"error":{"code":139100,"message":"Failed to block some users"}}`},
		"an error with HTTP's 200": {200, `{"block_users":{` + done + "," + failed + `},"error":{"code":139100}}`},
	} {
		client, seen := graphMeta(t, c.status, c.answer)
		got, err := client.BlockUsers(t.Context(), caller, "500", people)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if want := `POST /v25.0/500/block_users {"block_users":[{"user":"+16505551212"},{"user_id":"US.1349"}],"messaging_product":"whatsapp"}`; *seen != want {
			t.Errorf("asked %s, want %s", *seen, want)
		}
	}
	client, seen := graphMeta(t, 200, `{"block_users":{"removed_users":[{"input":"US.1349","user_id":"US.1349"}]}}`)
	got, err := client.UnblockUsers(t.Context(), caller, "500", people[1:])
	if err != nil || len(got.Done) != 1 || got.Done[0].UserID != "US.1349" || !strings.HasPrefix(*seen, "DELETE ") {
		t.Errorf("%+v, %v by %s", got, err, *seen)
	}
}

func TestBlockingThatFailsAltogether(t *testing.T) {
	for answer, want := range map[string]Verdict{
		`{"error":{"code":139100}}`:                  Refused,
		`{"error":{"code":139103}}`:                  Again,
		`{"error":{"code":190},"block_users":{}}`:    Pause,
		`{"messaging_product":"whatsapp"}`:           Again,
		`{"block_users":"` + strings.Repeat("x", 10): Again,
	} {
		c, _ := graphMeta(t, 200, answer)
		result, err := c.BlockUsers(t.Context(), caller, "500", []Person{{Phone: "1"}})
		if e := asError(t, err); e.Retry() != want || e.Op != "block users" {
			t.Errorf("%s: %+v, %v, want %s", answer, result, err, want)
		}
	}
}

func asError(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *Error", err)
	}
	return e
}

func TestTheListOfBlockedPeopleHasAnEnd(t *testing.T) {
	pages := map[string]string{
		"limit=2":          `{"data":[{"messaging_product":"whatsapp","wa_id":"1"},{"user_id":"US.2"}],"paging":{"cursors":{"after":"c1","before":"c0"}}}`,
		"after=c1&limit=2": `{"data":[],"paging":{"cursors":{"after":"c1"}}}`,
	}
	c := meta(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, pages[r.URL.RawQuery]) })
	users, next, err := c.BlockedUsers(t.Context(), caller, "500", 2, "")
	if err != nil || next != "c1" || !reflect.DeepEqual(users, []BlockedUser{{WAID: "1"}, {UserID: "US.2"}}) {
		t.Errorf("%+v, %q, %v", users, next, err)
	}
	users, next, err = c.BlockedUsers(t.Context(), caller, "500", 2, next)
	if err != nil || next != "" || len(users) != 0 {
		t.Errorf("%+v, %q, %v; want the end", users, next, err)
	}
}

func TestATokenSaysWhatItMayDo(t *testing.T) {
	c, seen := graphMeta(t, 200, `{"data":{"app_id":"77","type":"SYSTEM_USER","application":"Shop","is_valid":true,"expires_at":0,
		"data_access_expires_at":1790000700,"scopes":["whatsapp_business_messaging"],"user_id":12345678901234567,
		"granular_scopes":[{"scope":"whatsapp_business_management","target_ids":["300",301]},{"scope":"ads_read"}]}}`)
	got, err := c.DebugToken(t.Context(), caller, "EAAother")
	want := TokenInfo{
		AppID: "77", Application: "Shop", Type: "SYSTEM_USER", UserID: "12345678901234567", Valid: true,
		DataAccessExpiresAt: time.Date(2026, 9, 21, 14, 25, 0, 0, time.UTC), Scopes: []string{"whatsapp_business_messaging"},
		GranularScopes: []GranularScope{{"whatsapp_business_management", []string{"300", "301"}}, {Scope: "ads_read"}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v\nwant %+v", got, err, want)
	}
	if *seen != "GET /v25.0/debug_token?input_token=EAAother" {
		t.Errorf("asked %s", *seen)
	}
	c, _ = graphMeta(t, 200, `{"data":{"is_valid":false,"error":{"code":190,"message":"Session has expired","subcode":463}}}`)
	if got, err = c.DebugToken(t.Context(), caller, "EAAother"); err != nil || got.Valid || got.Problem != "Session has expired" {
		t.Errorf("%+v, %v; want an invalid token and why", got, err)
	}
}

func TestAllPagesOfPhoneNumbersAreRead(t *testing.T) {
	pages := map[string]string{
		"": `{"data":[{"id":"500","display_phone_number":"+55 11 3000-0001","verified_name":"Padaria"}],
			"paging":{"cursors":{"after":"c1"},"next":"https://attacker.example/?access_token=x"}}`,
		"c1": `{"data":[{"id":501}],"paging":{"cursors":{"after":"c2"}}}`,
	}
	c := meta(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, pages[r.FormValue("after")]) })
	got, err := c.PhoneNumbers(t.Context(), caller, "300")
	if want := []PhoneNumber{{"500", "+55 11 3000-0001", "Padaria"}, {ID: "501"}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	pages["c1"] = pages[""]
	if _, err := c.PhoneNumbers(t.Context(), caller, "300"); !errors.Is(err, errEndless) {
		t.Errorf("%v, want an end of an endless list", err)
	}
}

func TestAnAppSubscribes(t *testing.T) {
	c, seen := graphMeta(t, 200, `{"success":true}`)
	if err := c.Subscribe(t.Context(), caller, "300"); err != nil || *seen != "POST /v25.0/300/subscribed_apps" {
		t.Errorf("%v by %s", err, *seen)
	}
	if err := c.Unsubscribe(t.Context(), caller, "300"); err != nil || *seen != "DELETE /v25.0/300/subscribed_apps" {
		t.Errorf("%v by %s", err, *seen)
	}
	c, _ = graphMeta(t, 200, `{"success":false}`)
	if e := asError(t, c.Subscribe(t.Context(), caller, "300")); !strings.HasPrefix(e.Error(), "subscribe the app: ") {
		t.Error(e)
	}
	c, _ = graphMeta(t, 200, `{"data":[{"whatsapp_business_api_data":{"id":"77","name":"Shop","link":"https://shop.example"},"override_callback_uri":"https://a.example"}]}`)
	got, err := c.Subscribed(t.Context(), caller, "300")
	if want := []App{{"77", "Shop", "https://shop.example", "https://a.example"}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

// A Graph call that fails says which one it was, and may be made again whatever became of it.
func TestAGraphCallThatFails(t *testing.T) {
	for answer, want := range map[string]Verdict{
		`{"error":{"code":190,"message":"Invalid OAuth access token"}}`: Pause,
		`{"error":{"code":4711}}`: Unclear,
		`<html>`:                  Again,
	} {
		c, _ := graphMeta(t, 400, answer)
		if _, err := c.Subscribed(t.Context(), caller, "300"); asError(t, err).Retry() != want || !strings.HasPrefix(err.Error(), "list the subscribed apps: ") {
			t.Errorf("%s: %v, want %s", answer, err, want)
		}
	}
	for _, status := range []int{200, 502, 504} {
		c, _ := graphMeta(t, status, "<html>")
		if _, err := c.Subscribed(t.Context(), caller, "300"); asError(t, err).Retry() != Again {
			t.Errorf("HTTP %d: %v, want again", status, err)
		}
	}
	c, _ := graphMeta(t, 503, `{"error":{"code":2}}`)
	_, err := c.Subscribed(t.Context(), caller, "300")
	if _, fix := asError(t, err).Words(); fix != "run it again in a while" {
		t.Errorf("%q: no call but the sending of events is repeated by itself", fix)
	}
	_, err = New(Options{BaseURL: "http://" + deaf(t), Timeout: 50 * time.Millisecond}).Subscribed(t.Context(), caller, "300")
	if e := asError(t, err); e.Retry() != Again || !e.Sent {
		t.Errorf("%v, want again", e)
	}
	_, err = New(Options{BaseURL: "http://["}).Subscribed(t.Context(), caller, "300")
	if _, fix := asError(t, err).Words(); !strings.HasSuffix(fix, "then run it again") {
		t.Errorf("%q for %v", fix, err)
	}
}
