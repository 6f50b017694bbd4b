package whatsapp

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// samples are all notifications in testdata by file name without ".json".
func samples(tb testing.TB) map[string][]byte {
	tb.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		tb.Fatalf("no testdata: %v", err)
	}
	bodies := make(map[string][]byte, len(files))
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		bodies[strings.TrimSuffix(filepath.Base(file), ".json")] = body
	}
	return bodies
}

// ignoreRaw leaves the received bytes to TestRawIsAsReceived.
var ignoreRaw = cmp.Options{
	cmpopts.IgnoreFields(Message{}, "Raw"),
	cmpopts.IgnoreFields(Status{}, "Raw"),
	cmpopts.IgnoreFields(AutomaticEvent{}, "Raw"),
}

func TestDecodeSamples(t *testing.T) {
	bodies := samples(t)
	for name, want := range sampleChanges {
		t.Run(name, func(t *testing.T) {
			n, err := Decode(bodies[name])
			if err != nil {
				t.Fatal(err)
			}
			delete(bodies, name)
			if len(n.Entries) != 1 || n.Entries[0].WABA != "300100200300400" {
				t.Fatalf("entries = %+v, want the one of the sample account", n.Entries)
			}
			if diff := cmp.Diff([]Change{want}, n.Entries[0].Changes, ignoreRaw); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
	for _, elsewhere := range []string{"batch_2_accounts_3_changes", "dashboard_test", "malformed_among_good"} {
		delete(bodies, elsewhere)
	}
	for name := range bodies {
		t.Errorf("testdata/%s.json is expected nowhere", name)
	}
}

func TestDecodeBatchOfTwoAccounts(t *testing.T) {
	body := samples(t)["batch_2_accounts_3_changes"]
	n, err := Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range n.Entries {
		if !json.Valid(e.Raw) || !bytes.Contains(body, e.Raw) {
			t.Errorf("entry %s does not keep its bytes: %s", e.WABA, e.Raw)
		}
		for _, c := range e.Changes {
			for _, m := range c.Messages {
				got = append(got, e.WABA+" message "+m.ID)
			}
			for _, s := range c.Statuses {
				got = append(got, e.WABA+" "+s.State+" "+s.ID)
			}
		}
	}
	want := []string{
		"300100200300400 message wamid.B1",
		"300100200300400 read wamid.OUT3",
		"300100200300401 message wamid.B2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("updates (-want +got):\n%s", diff)
	}
}

func TestMalformedItemsLeaveTheirNeighbours(t *testing.T) {
	n, err := Decode(samples(t)["malformed_among_good"])
	if err != nil {
		t.Fatal(err)
	}
	c := n.Entries[0].Changes[0]
	if len(c.Contacts) != 1 || len(c.Messages) != 1 || c.Messages[0].Text != "eu fico" ||
		len(c.Statuses) != 1 || !c.Statuses[0].Timestamp.IsZero() {
		t.Errorf("neighbours did not survive: %+v", c)
	}
	var got []string
	for _, m := range c.Malformed {
		got = append(got, m.Err.Error())
		if len(m.Raw) == 0 {
			t.Errorf("%s without its bytes", m.Kind)
		}
	}
	want := []string{
		`decode contact: unexpected string`,
		`decode message: unexpected number at "text"`,
		`decode message: unexpected string`,
		`decode message: not a JSON object`,
		`decode message: no id`,
		`decode status: unexpected array`,
		`decode error: not a JSON array`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("malformed (-want +got):\n%s", diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	deep := func(levels int) string {
		return `{"object":"whatsapp_business_account","x":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + `}`
	}
	tests := []struct {
		name, body string
		want       error // nil: any
	}{
		{"empty", ``, nil},
		{"not JSON", `webhook_id=1`, nil},
		{"byte order mark", "\ufeff" + plainBody, nil},
		{"truncated", plainBody[:40], nil},
		{"trailing data", plainBody + plainBody, nil},
		{"null", `null`, errNotObject},
		{"list", `[]`, nil},
		{"other product", `{"object":"page","entry":[]}`, ErrObject},
		{"no object", `{"entry":[]}`, ErrObject},
		{"entry is no list", `{"object":"whatsapp_business_account","entry":{}}`, nil},
		{"entry is text", `{"object":"whatsapp_business_account","entry":["1"]}`, nil},
		{"changes is text", `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":"none"}]}`, nil},
		{"too deep", deep(MaxDepth + 1), ErrTooDeep},
		{"a million levels", deep(1_000_000), ErrTooDeep},
		{"never closed", strings.Repeat(`{"a":`, 1_000_000), ErrTooDeep},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Decode([]byte(tt.body)); err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("Decode = %v, want error %v", err, tt.want)
			}
		})
	}
	for _, body := range []string{deep(MaxDepth), strings.Replace(plainBody, `"1"`, `"[[[\"{{{"`, 1)} {
		if _, err := Decode([]byte(body)); err != nil {
			t.Errorf("Decode(%.60s) = %v", body, err)
		}
	}
}

// What no sender should send costs at most the value it stands in.
func TestDecodeOddScalars(t *testing.T) {
	tests := []struct {
		name, raw string
		want      Message
	}{
		{
			"huge numbers", `{"id":"m","timestamp":1e999,"order":{"product_items":[{"quantity":1e999,"item_price":1e999}]}}`,
			Message{ID: "m", Order: &Cart{Items: []CartItem{{}}}},
		},
		{
			"numbers beyond int64", `{"id":123456789012345678901234567890,"timestamp":"99999999999999999999"}`,
			Message{ID: "123456789012345678901234567890"},
		},
		{"time of another shape", `{"id":"m","timestamp":{"s":1}}`, Message{ID: "m"}},
		{"time beyond the calendar", `{"id":"m","timestamp":"253402300800"}`, Message{ID: "m"}},
		{"negative time", `{"id":"m","timestamp":"-1"}`, Message{ID: "m"}},
		{
			"price as text", `{"id":"m","order":{"product_items":[{"item_price":"7.90"}]}}`,
			Message{ID: "m", Order: &Cart{Items: []CartItem{{Price: "7.90"}}}},
		},
		{
			"price in words", `{"id":"m","order":{"product_items":[{"item_price":"sete"}]}}`,
			Message{ID: "m", Order: &Cart{Items: []CartItem{{}}}},
		},
		{"duplicate keys", `{"id":"m","type":"a","type":"text"}`, Message{ID: "m", Type: "text"}},
		{"nulls", `{"id":"m","text":null,"referral":null,"order":null,"from":null}`, Message{ID: "m"}},
		{"invalid UTF-8", "{\"id\":\"m\",\"text\":{\"body\":\"a\xffb\"}}", Message{ID: "m", Text: "a\uFFFDb"}},
		{
			"flow answers that are no object", `{"id":"m","interactive":{"nfm_reply":{"name":"flow","response_json":"[1]"}}}`,
			Message{ID: "m", Tap: &Tap{Kind: TapFlow, Name: "flow"}},
		},
		{
			"flow answers too deep", `{"id":"m","interactive":{"nfm_reply":{"response_json":"` + strings.Repeat(`{\"a\":`, 9_000) + `"}}}`,
			Message{ID: "m", Tap: &Tap{Kind: TapFlow}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := DecodeMessage([]byte(tt.raw))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, ignoreRaw); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDashboardTest(t *testing.T) {
	for name, body := range samples(t) {
		for _, m := range messages(t, body) {
			if got, want := m.DashboardTest(), name == "dashboard_test"; got != want {
				t.Errorf("%s: DashboardTest = %v, want %v", name, got, want)
			}
		}
	}
}

// What is stored is what came, and reading it again tells the same.
func TestRawIsAsReceived(t *testing.T) {
	for name, body := range samples(t) {
		for _, m := range messages(t, body) {
			if !bytes.Contains(body, m.Raw) {
				t.Errorf("%s: raw is not a part of the body: %s", name, m.Raw)
			}
			again, err := DecodeMessage(m.Raw)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if diff := cmp.Diff(m, again); diff != "" {
				t.Errorf("%s: decoded again (-first +again):\n%s", name, diff)
			}
		}
	}
}

// messages are all messages of a notification, whoever wrote them.
func messages(tb testing.TB, body []byte) []Message {
	tb.Helper()
	n, err := Decode(body)
	if err != nil {
		tb.Fatal(err)
	}
	var all []Message
	for _, e := range n.Entries {
		for _, c := range e.Changes {
			all = append(all, c.Messages...)
			all = append(all, c.Echoes...)
			all = append(all, c.History...)
		}
	}
	return all
}

func BenchmarkDecode(b *testing.B) {
	bodies := samples(b)
	for _, name := range []string{"text_from_ad", "status_read_with_callback"} {
		var body bytes.Buffer
		if err := json.Compact(&body, bodies[name]); err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(body.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(body.Bytes()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
