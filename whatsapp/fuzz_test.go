package whatsapp

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func FuzzVerify(f *testing.F) {
	f.Add([]byte(plainBody), plainSignature, secret)
	f.Add([]byte(escapedBody), escapedSignature, secret)
	f.Add([]byte(unescapedBody), escapedSignature, secret)
	f.Add([]byte(nil), "sha256=", "")
	f.Fuzz(func(t *testing.T, body []byte, header, secret string) {
		want := secret != "" && header == Sign(body, secret)
		if got := Verify(body, header, secret); got != want {
			t.Errorf("Verify = %v, want %v", got, want)
		}
	})
}

// Cutting finds what encoding/json finds.
func FuzzCut(f *testing.F) {
	for _, body := range samples(f) {
		f.Add(body)
	}
	f.Add([]byte(` { "a" : [ 1 , "x,]}\\\"" , { } ] , "b":{}, "":null } `))
	f.Add([]byte(`[[],[1,2],"",{"a":[","]}]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		raw = bytes.TrimSpace(raw)
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) == nil {
			found := map[string]json.RawMessage{}
			for key, value := range members(raw) {
				var k string
				if err := json.Unmarshal(slices.Concat([]byte{'"'}, key, []byte{'"'}), &k); err != nil {
					t.Fatalf("key %q: %v", key, err)
				}
				found[k] = value
			}
			if diff := cmp.Diff(object, found, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("members (-want +got):\n%s", diff)
			}
		}
		var array []json.RawMessage
		if json.Unmarshal(raw, &array) == nil {
			var found []json.RawMessage
			for element := range elements(raw) {
				found = append(found, element)
			}
			if diff := cmp.Diff(array, found, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("elements (-want +got):\n%s", diff)
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, body := range samples(f) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := Decode(body)
		if err != nil {
			return
		}
		for _, e := range n.Entries {
			checkText(t, e.WABA)
			for _, c := range e.Changes {
				checkText(t, c.Field, c.PhoneNumberID, c.DisplayNumber)
				for _, m := range slices.Concat(c.Messages, c.Echoes, c.History) {
					checkMessage(t, m)
				}
				for _, bad := range c.Malformed {
					if bad.Kind == "" || bad.Err == nil || !json.Valid(bad.Raw) {
						t.Errorf("malformed without its kind, cause or bytes: %+v", bad)
					}
				}
				for _, s := range c.Statuses {
					checkText(t, s.ID, s.State, s.WAID, s.UserID, s.CallbackData)
				}
			}
		}
	})
}

func FuzzDecodeMessage(f *testing.F) {
	for _, body := range samples(f) {
		for _, m := range messages(f, body) {
			f.Add(m.Raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := DecodeMessage(raw)
		if err != nil {
			return
		}
		checkMessage(t, m)
		again, err := DecodeMessage(m.Raw)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, again); diff != "" {
			t.Errorf("decoded again (-first +again):\n%s", diff)
		}
	})
}

// checkMessage holds a decoded message to what a database and a ledger need of it.
func checkMessage(t *testing.T, m Message) {
	t.Helper()
	if m.ID == "" {
		t.Error("message without id")
	}
	if y := m.Timestamp.Year(); !m.Timestamp.IsZero() && (y < 1970 || y > 9999) {
		t.Errorf("time out of range: %v", m.Timestamp)
	}
	checkText(t, m.ID, m.WAID, m.UserID, m.Type, m.Text, m.Caption)
	if r := m.Referral; r != nil {
		checkText(t, r.SourceID, r.ClickID, r.Headline, r.Body)
	}
	if m.Tap != nil {
		checkText(t, m.Tap.ID, m.Tap.Title)
		checkAnswer(t, m.Tap.Answers)
	}
}

func checkAnswer(t *testing.T, answer any) {
	t.Helper()
	switch a := answer.(type) {
	case string:
		checkText(t, a)
	case []any:
		for _, v := range a {
			checkAnswer(t, v)
		}
	case map[string]any:
		for k, v := range a {
			checkText(t, k)
			checkAnswer(t, v)
		}
	}
}

func checkText(t *testing.T, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			t.Errorf("text is not storable: %q", s)
		}
	}
}
