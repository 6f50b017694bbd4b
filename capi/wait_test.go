package capi

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const noon = "Mon, 21 Sep 2026 12:00:00 GMT"

func TestHowLongMetaWantsToBeLeftAlone(t *testing.T) {
	usedUp := `{"300":[{"type":"ads_management","call_count":100,"total_cputime":20,"total_time":20,"estimated_time_to_regain_access":7}]}`
	for name, c := range map[string]struct {
		retryAfter, usage     string
		afterError, afterSend time.Duration // a refusal with code 80004; a batch that was taken
	}{
		"nothing said":                    {"", "", 0, 0},
		"seconds":                         {"90", "", 90 * time.Second, 90 * time.Second},
		"a date, by Meta's clock":         {"Mon, 21 Sep 2026 12:05:00 GMT", "", 5 * time.Minute, 5 * time.Minute},
		"a date in the past":              {"Mon, 21 Sep 2026 11:00:00 GMT", "", 0, 0},
		"used up":                         {"", usedUp, 7 * time.Minute, 7 * time.Minute},
		"the longer of both":              {"600", usedUp, 10 * time.Minute, 10 * time.Minute},
		"used up by processor time":       {"", `{"300":[{"total_cputime":101,"estimated_time_to_regain_access":0.5}]}`, 30 * time.Second, 30 * time.Second},
		"the second entry of the second":  {"", `{"1":[],"2":[{"call_count":1},{"total_time":100,"estimated_time_to_regain_access":2}]}`, 2 * time.Minute, 2 * time.Minute},
		"not used up, said with a no":     {"", `{"300":[{"call_count":99,"estimated_time_to_regain_access":3}]}`, 3 * time.Minute, 0},
		"used up and open again":          {"", `{"300":[{"call_count":100,"estimated_time_to_regain_access":0}]}`, 0, 0},
		"one part of it unreadable":       {"", `{"1":"x","300":[{"type":7,"call_count":100,"estimated_time_to_regain_access":7}]}`, 7 * time.Minute, 7 * time.Minute},
		"not JSON":                        {"soon", `<html>`, 0, 0},
		"negative":                        {"-5", `{"300":[{"call_count":100,"estimated_time_to_regain_access":-7}]}`, 0, 0},
		"a year":                          {"31536000", "", 24 * time.Hour, 24 * time.Hour},
		"more seconds than there is room": {"99999999999999999999999", "", 24 * time.Hour, 24 * time.Hour},
		"more minutes than there is room": {"", `{"300":[{"call_count":100,"estimated_time_to_regain_access":1e300}]}`, 24 * time.Hour, 24 * time.Hour},
		"60 KiB of nothing":               {"", strings.Repeat("[", 60<<10), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := http.StatusForbidden, metaSays(t, 80004, 0, false)
			client := meta(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", noon)
				w.Header().Set("Retry-After", c.retryAfter)
				w.Header().Set("X-Business-Use-Case-Usage", c.usage)
				w.WriteHeader(status)
				_, _ = w.Write(body)
			})
			if _, e := send(t, client, `{}`); e == nil || e.Wait() != c.afterError {
				t.Errorf("after an error: %v, want %s", e, c.afterError)
			}
			status, body = http.StatusOK, []byte(`{"events_received":1}`)
			receipt, e := send(t, client, `{}`)
			if e != nil || receipt.Wait != c.afterSend {
				t.Errorf("after a batch: %s, want %s (%v)", receipt.Wait, c.afterSend, e)
			}
		})
	}
}

func TestMetasClockIsKnown(t *testing.T) {
	date, status := noon, http.StatusOK
	client := meta(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Date"] = []string{date}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"events_received":1}`)
	})
	want := time.Date(2026, 9, 21, 12, 0, 0, 0, time.UTC)
	if receipt, e := send(t, client, `{}`); e != nil || !receipt.ServerDate.Equal(want) {
		t.Errorf("a receipt of %s (%v), want %s", receipt.ServerDate, e, want)
	}
	status = http.StatusBadRequest
	if _, e := send(t, client, `{}`); e == nil || !e.ServerDate.Equal(want) {
		t.Errorf("%+v, want %s", e, want)
	}
	date = "yesterday"
	if _, e := send(t, client, `{}`); e == nil || !e.ServerDate.IsZero() {
		t.Errorf("%+v, want no time", e)
	}
}

func TestAWaitSetByHandIsBoundedToo(t *testing.T) {
	for set, want := range map[time.Duration]time.Duration{-time.Hour: 0, time.Minute: time.Minute, 1000 * time.Hour: 24 * time.Hour} {
		if got := (&Error{RetryAfter: set}).Wait(); got != want {
			t.Errorf("%s waits %s, want %s", set, got, want)
		}
	}
}

// FuzzWait: no header makes us wait longer than a day, or a negative time.
func FuzzWait(f *testing.F) {
	f.Add("90", noon, `{"300":[{"call_count":100,"estimated_time_to_regain_access":7}]}`, true)
	f.Add("Mon, 21 Sep 2026 12:05:00 GMT", noon, `{"":[{"call_count":1e999}]}`, false)
	f.Fuzz(func(t *testing.T, after, date, usage string, throttled bool) {
		h := http.Header{}
		h.Set("Retry-After", after)
		h.Set("Date", date)
		h.Set("X-Business-Use-Case-Usage", usage)
		if wait := askedWait(h, throttled); wait < 0 || wait > 24*time.Hour {
			t.Errorf("waits %s", wait)
		}
	})
}
