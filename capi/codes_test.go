package capi

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// metaSays is an answer in Meta's shape.
func metaSays(t *testing.T, code, subcode int, transient bool) []byte {
	t.Helper()
	answer := map[string]any{"message": "Invalid parameter", "type": "OAuthException", "code": code, "is_transient": transient, "fbtrace_id": "Asample"}
	if subcode != 0 {
		answer["error_subcode"] = subcode
	}
	body, err := json.Marshal(map[string]any{"error": answer})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// failure is what judge makes of an answer to one event.
func failure(t *testing.T, status int, body []byte, readErr error) *Error {
	t.Helper()
	_, err := judge(reply{status: status, body: body, err: readErr}, 1)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("HTTP %d %s: err is %v, not an *Error", status, body, err)
	}
	return e
}

func TestWithoutAKnownCode(t *testing.T) {
	page := []byte("<html>502 Bad Gateway</html>")
	cut := io.ErrUnexpectedEOF
	for name, c := range map[string]struct {
		err  *Error
		want Verdict
	}{
		"unknown code, 400":                {failure(t, 400, metaSays(t, 4711, 0, false), nil), Unclear},
		"unknown code, 500":                {failure(t, 500, metaSays(t, 4711, 0, false), nil), Again},
		"unknown code that passes, 400":    {failure(t, 400, metaSays(t, 4711, 0, true), nil), Again},
		"invalid parameter that passes":    {failure(t, 400, metaSays(t, 100, 0, true), nil), Again},
		"a dead token that passes is dead": {failure(t, 400, metaSays(t, 190, 0, true), nil), Pause},
		"a limit that passes is a limit":   {failure(t, 400, metaSays(t, 4, 0, true), nil), Throttled},
		"429 with an unknown code":         {failure(t, 429, metaSays(t, 4711, 0, false), nil), Throttled},
		"429 in HTML":                      {failure(t, 429, page, nil), Throttled},
		"400 in HTML":                      {failure(t, 400, page, nil), Again},
		"400 cut short: nothing was taken": {failure(t, 400, page, cut), Again},
		"502 in HTML":                      {failure(t, 502, page, nil), Unknown},
		"502 cut short":                    {failure(t, 502, page, cut), Unknown},
		"302":                              {failure(t, 302, nil, nil), Again},
		"407 of a proxy":                   {failure(t, 407, page, nil), Again},
		"a wrong proof":                    {failure(t, 400, []byte(`{"error":{"message":"Invalid appsecret_proof provided in the API argument","type":"GraphMethodException","code":100}}`), nil), Pause},
		"200 in HTML":                      {failure(t, 200, page, nil), Unknown},
		"200 cut short":                    {failure(t, 200, []byte(`{"events_rec`), cut), Unknown},
		"200 without a count":              {failure(t, 200, []byte(`{}`), nil), Unknown},
		"200 with an unknown error":        {failure(t, 200, metaSays(t, 4711, 0, false), nil), Unknown},
		"200 with an error we know":        {failure(t, 200, metaSays(t, 190, 0, false), nil), Pause},
		"200 and none counted":             {failure(t, 200, []byte(`{"events_received":0}`), nil), Again},
		"200 and more counted than sent":   {failure(t, 200, []byte(`{"events_received":2}`), nil), Unknown},
		"204":                              {failure(t, 204, nil, nil), Unknown},
		"no answer after a connection":     {&Error{Sent: true, Err: cut}, Unknown},
		"no connection":                    {&Error{Err: cut}, Again},
		"the zero Error":                   {&Error{}, Again},
	} {
		what, fix := c.err.Words()
		if got := c.err.Retry(); got != c.want || what == "" || fix == "" {
			t.Errorf("%s: %s (%s; %s), want %s", name, got, what, fix, c.want)
		}
	}
	_, err := judge(reply{status: 200, body: []byte(`{"events_received":2}`)}, 3)
	if e := new(Error); !errors.As(err, &e) || e.Retry() != Unknown {
		t.Errorf("2 of 3 counted: %v, want unknown", err)
	}
}

// samples are answers in Meta's documented shape; a file's name begins with its HTTP status.
func samples(tb testing.TB) map[string][]byte {
	tb.Helper()
	paths, err := filepath.Glob("testdata/answers/*.json")
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no answers in testdata: %v", err)
	}
	bodies := make(map[string][]byte)
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		bodies[strings.TrimSuffix(filepath.Base(path), ".json")] = body
	}
	return bodies
}

func statusOf(name string) int {
	status, _ := strconv.Atoi(name[:3])
	return status
}

func TestErrorIsOneLineForPeople(t *testing.T) {
	want := map[string]string{
		"200_event_dropped":        "again: send events: Meta answered, but took none of the events (HTTP 200, trace A0sampletraceXXXXXXXY): counted none of the events",
		"400_click_id_unknown":     "refused: send events: Meta does not know this click id (HTTP 400, code 100/2804087, trace Arsample): Messaging Event Invalid Ctwa Clid",
		"400_dataset_out_of_reach": "pause: send events: the dataset does not exist, or the token may not use it (HTTP 400, code 100/33, trace Arsample): Unsupported post request. Object with ID '123' does not exist, cannot be loaded due to missing permissions, or does not support this operation",
		"400_event_name_unknown":   "refused: send events: Meta does not take this event name for WhatsApp (HTTP 400, code 100/2804066, trace Arsample): Messaging Event Invalid Event Type",
		"400_event_too_old":        "refused: send events: the event is more than 7 days old (HTTP 400, code 100/2804003, trace Arsample): Event Timestamp Too Old: The timestamp for this event is too far in the past. Events need to be sent from your server within 7 days of when they occurred. Enter a timestamp that has occurred within the last 7 days.",
		"401_token_invalid":        "pause: send events: Meta does not accept the token (HTTP 401, code 190, trace Arsample): Invalid OAuth access token - Cannot parse access token",
		"403_too_many_calls":       "throttled: send events: the app has used up its calls (HTTP 403, code 4, trace Arsample): Application request limit reached",
		"503_service_down":         "again: send events: Meta's service is down for a moment (HTTP 503, code 2, trace Arsample): Service temporarily unavailable",
	}
	for name, body := range samples(t) {
		if name == "200_one_event_taken" {
			continue
		}
		e := failure(t, statusOf(name), body, nil)
		if got := string(e.Retry()) + ": " + e.Error(); got != want[name] {
			t.Errorf("%s\ngot  %s\nwant %s", name, got, want[name])
		}
	}
	rude := &Error{HTTPStatus: 400, Code: 100, Message: "line\none\x1b[31m" + strings.Repeat("long ", 200)}
	if got := rude.Error(); strings.ContainsAny(got, "\n\x1b") || len([]rune(got)) > 500 {
		t.Errorf("not fit for a terminal: %q", got)
	}
}

// FuzzAnswer: whatever comes back, it is either a receipt for exactly what was sent or an error that
// knows what to do next.
func FuzzAnswer(f *testing.F) {
	for name, body := range samples(f) {
		f.Add(statusOf(name), body, 1, false)
	}
	f.Add(http.StatusOK, []byte(`{"events_received":-1,"messages":{"a":1}}`), 0, false)
	f.Add(http.StatusOK, []byte(`{"events_received":1e999,"error":[]}`), 1, true)
	f.Add(http.StatusBadGateway, []byte("\x1f\x8b\x08\x00"), 1000, false)
	verdicts := map[Verdict]bool{Again: true, Throttled: true, Pause: true, Refused: true, Unclear: true, Unknown: true}
	f.Fuzz(func(t *testing.T, status int, body []byte, sent int, cut bool) {
		var readErr error
		if cut {
			readErr = io.ErrUnexpectedEOF
		}
		receipt, err := judge(reply{status: status, body: body, err: readErr}, sent)
		var e *Error
		switch {
		case err == nil && (receipt.EventsReceived != sent || cut):
			t.Errorf("a receipt for %d of %d events, cut %t", receipt.EventsReceived, sent, cut)
		case err != nil && (!errors.As(err, &e) || !verdicts[e.Retry()]):
			t.Errorf("no verdict on %v", err)
		case err != nil && strings.ContainsAny(e.Error(), "\n\r"):
			t.Errorf("more than one line: %q", e)
		case err != nil && (strings.ContainsAny(e.Cause(), "\n\r\"@?") || private.MatchString(e.Cause())):
			t.Errorf("foreign words in the cause: %q", e.Cause())
		}
	})
}
