package capi

import (
	"net/http"
	"strings"
	"testing"
)

// From Meta's answer to what a person reads, for every row of the table.
func TestEveryKnownCode(t *testing.T) {
	hit := make(map[Explanation]bool)
	for _, c := range []struct {
		status, code, subcode int
		want                  Verdict
		words                 string // in what happened
		fix                   string // in what to do
	}{
		{400, 100, 2804066, Refused, "event name", "LeadSubmitted"},
		{400, 100, 2804087, Refused, "click id", "ad account"},
		{400, 100, 2804063, Refused, "messaging channel", "whatsapp"},
		{400, 100, 2804064, Refused, "field that messaging events may not have", "click id"},
		{400, 100, 2804003, Refused, "7 days", "nothing can be done"},
		{400, 100, 2804009, Refused, "no value", "amount"},
		{400, 100, 2804081, Refused, "OrderCreated has no currency", "amount"},
		{400, 100, 2804050, Refused, "too little about the person", "click id"},
		{400, 100, 2804072, Refused, "not the Page whose ad was clicked", "WhatsApp Business Account"},
		{400, 100, 2804073, Refused, "Messenger", "WhatsApp Business Account"},
		{400, 100, 2804075, Refused, "without an ig_sid", "messaging_channel"},
		{400, 100, 2804079, Refused, "without an account id", "messaging_channel"},
		{400, 100, 2804133, Refused, "no Instagram account", "messaging_channel"},
		{400, 100, 2804001, Refused, "not published", "Meta's words"},
		{400, 100, 2804007, Refused, "not published", "Meta's words"},
		{400, 100, 2804016, Refused, "not published", "Meta's words"},
		{400, 100, 2804017, Refused, "not published", "Meta's words"},
		{400, 100, 2804019, Refused, "not published", "Meta's words"},
		{400, 100, 2804048, Refused, "not published", "Meta's words"},
		{400, 100, 2804071, Refused, "not published", "Meta's words"},
		{400, 100, 33, Pause, "dataset does not exist", "system user to the dataset with the task UPLOAD; if the dataset belongs to another Business, share it"},
		{400, 100, 2804132, Pause, "not linked to this dataset", "own dataset"},
		{400, 100, 2804131, Pause, "no Page is linked", "connect the Page"},
		{400, 100, 2804065, Pause, "not the one linked", "connect that Page"},
		{400, 100, 2804116, Pause, "neither", "waba_id"},
		{400, 100, 0, Refused, "wrong in the request", "Meta's words"},
		{400, 100, 4711, Refused, "wrong in the request", "Meta's words"},
		{503, 100, 2804087, Refused, "click id", "ad account"}, // the code decides, not the status
		{401, 190, 0, Pause, "token", "make a new token"},
		{400, 190, 460, Pause, "password", "make a new token"},
		{400, 190, 463, Pause, "expired", "never expires; then run: clickthread accounts resume ID (sending also tries by itself every 10 minutes)"},
		{400, 190, 467, Pause, "revoked", "make a new token"},
		{400, 190, 999, Pause, "token", "make a new token"},
		{403, 10, 0, Pause, "permission", "whatsapp_business_manage_events"},
		{403, 200, 0, Pause, "permission", "whatsapp_business_manage_events"},
		{403, 294, 0, Pause, "ads_management", "give the token ads_management"},
		{400, 299, 0, Pause, "permission", "whatsapp_business_manage_events"},
		{400, 803, 0, Pause, "dataset", "numeric id"},
		{400, 102, 0, Pause, "session", "new token"},
		{400, 104, 0, Pause, "proof", "app's secret"},
		{400, 368, 0, Throttled, "policies", "Business Support Home"},
		{500, 1, 0, Again, "unknown error", "by itself"},
		{400, 1, 99, Again, "unknown error", "by itself"},
		{503, 2, 0, Again, "down", "by itself"},
		{500, 5000, 0, Again, "unknown error", "by itself"},
		{500, 3910001, 0, Again, "down", "by itself"},
		{403, 4, 0, Throttled, "app has used up", "by itself"},
		{400, 17, 2446079, Throttled, "owner has used up", "by itself"},
		{400, 32, 0, Throttled, "page has used up", "by itself"},
		{400, 341, 0, Throttled, "limit", "by itself"},
		{400, 613, 1487742, Throttled, "faster", "by itself"},
		{400, 613, 0, Throttled, "faster", "by itself"},
		{400, 80000, 0, Throttled, "business has used up", "by itself"},
		{400, 80003, 0, Throttled, "business has used up", "by itself"},
		{400, 80004, 0, Throttled, "business has used up", "by itself"},
		{400, 80014, 0, Throttled, "business has used up", "by itself"},
		{400, 130429, 0, Throttled, "phone number has used up", "by itself"},
		{400, 139100, 0, Refused, "some of the people", "24 hours"},
		{400, 139101, 0, Refused, "full", "unblock"},
		{400, 139102, 0, Again, "changed while it was read", "again"},
		{500, 139103, 0, Again, "for a moment", "run it again"},
	} {
		client := meta(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = w.Write(metaSays(t, c.code, c.subcode, false))
		})
		_, e := send(t, client, `{}`)
		if e == nil {
			t.Fatalf("%d/%d gave a receipt", c.code, c.subcode)
		}
		hit[e.explanation()] = true
		what, fix := e.Words()
		if (c.want == Pause) != strings.HasSuffix(fix, resume) {
			t.Errorf("%d/%d: %q; only what pauses says how sending goes on", c.code, c.subcode, fix)
		}
		if e.Retry() != c.want || !strings.Contains(what, c.words) || !strings.Contains(fix, c.fix) {
			t.Errorf("%d/%d: %s, %q, %q; want %s, %q and %q", c.code, c.subcode, e.Retry(), what, fix, c.want, c.words, c.fix)
		}
	}
	for _, row := range codes {
		if !hit[row] {
			t.Errorf("no line here for %d/%d", row.Code, row.Subcode)
		}
	}
}

// Words are parts of a sentence, since they are joined with "; " and ": ".
func TestExplanationsReadWell(t *testing.T) {
	for _, row := range Explanations() {
		for _, words := range []string{row.What, row.Fix} {
			if words == "" || strings.HasSuffix(words, ".") || strings.Contains(words, ",;") || strings.Contains(words, "  ") {
				t.Errorf("%d/%d: %q", row.Code, row.Subcode, words)
			}
		}
	}
	if _, fix := (&Error{HTTPStatus: 400, Code: 4711}).Words(); !strings.HasSuffix(fix, "release or cancel it: clickthread events release|cancel") {
		t.Errorf("an unknown code: %q", fix)
	}
}

// A proxy that takes no body of this size says so with a page: half the batch may fit. Of a single event there are
// no halves, and nothing is wrong with it. What Meta itself says is another matter.
func TestABatchThatAProxyFindsTooLarge(t *testing.T) {
	page := says(413, `<html>413 Request Entity Too Large</html>`)
	if _, e := send(t, meta(t, page), `{}`, `{}`); e.Retry() != Refused {
		t.Errorf("two events: %v", e)
	}
	if _, e := send(t, meta(t, page), `{}`); e.Retry() != Again {
		t.Errorf("one event: %v", e)
	}
	if _, e := send(t, meta(t, says(413, `{"error":{"code":190}}`)), `{}`, `{}`); e.Retry() != Pause {
		t.Errorf("a code of Meta's: %v", e)
	}
}

func TestATooLargeBatchIsNotSent(t *testing.T) {
	c := meta(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	_, e := send(t, c, `{"a":"`+strings.Repeat("x", MaxBatchBytes/2)+`"}`, `{"b":"`+strings.Repeat("x", MaxBatchBytes/2)+`"}`)
	if e == nil || e.Sent || e.Retry() != Refused {
		t.Errorf("%v, want refused, so that it is halved", e)
	}
}
