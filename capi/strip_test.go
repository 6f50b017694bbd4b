package capi

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestAnEventSaysMoreOnlyWhenAsked(t *testing.T) {
	bare := Event{Name: "LeadSubmitted", Time: time.Unix(1790000700, 0), ID: "lead_1", WABAID: "300", ClickID: "Afe-1"}
	const (
		head = `{"event_name":"LeadSubmitted","event_time":1790000700,"event_id":"lead_1","action_source":"business_messaging","messaging_channel":"whatsapp","user_data":{`
		john = `"em":["62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"]`
		ph   = `"ph":["6bd1037b2be343b22b8b7e323a0f227e1f2a151f1a709536fd2522a1873fc604"]`
		ext  = `"external_id":["6d894aa3ee802549d7f340e7c1cf0d1c1cb14cd84f768d92ffaa6785337c4997"]`
		waba = `"whatsapp_business_account_id":"300","ctwa_clid":"Afe-1"`
	)
	for name, c := range map[string]struct {
		say  func(*Event)
		want string
	}{
		"a Page": {func(e *Event) { e.PageID = "77" }, head + `"page_id":"77","ctwa_clid":"Afe-1"}}`},
		"the person": {
			func(e *Event) {
				e.Email, e.Phone, e.ExternalID = "John_Smith@gmail.com", "+55 11 98765-0001", "user-42"
			},
			head + waba + "," + john + "," + ph + "," + ext + "}}",
		},
		"what Meta could not match": {
			func(e *Event) { e.Email, e.Phone, e.ExternalID = "john", "0600111222", "user-42" },
			head + waba + "," + ext + "}}",
		},
		"limited data use": {
			func(e *Event) { e.LimitedDataUse = true },
			head + waba + `},"data_processing_options":["LDU"],"data_processing_options_country":0,"data_processing_options_state":0}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			event := bare
			c.say(&event)
			if got := string(event.JSON()); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// Revision 2 of an event that Meta refused for its extras is the event as it would have been without.
func TestStrippedIsAsIfNeverSaid(t *testing.T) {
	event := Event{
		Name: "Purchase", Time: time.Unix(1790000700, 0), ID: "order_1001", WABAID: "300", ClickID: "Afe-1",
		Value: Money{129990, "BRL"}, ContentIDs: []string{"em", "<b>"}, LimitedDataUse: true,
	}
	want := string(event.JSON())
	if got, changed := StripExtras(event.JSON()); changed || string(got) != want {
		t.Errorf("nothing to strip, but %t: %s", changed, got)
	}
	event.Email, event.Phone, event.ExternalID = "john@gmail.com", "5511987650001", "user-42"
	if got, changed := StripExtras(event.JSON()); !changed || string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestStrippingLeavesOtherBytesAlone(t *testing.T) {
	for payload, want := range map[string]string{
		`{ "user_data" : { "em":["x"], "ctwa_clid" : "A\u0066" } , "em":1, "v":1299.90 }`: `{ "user_data" : {"ctwa_clid" : "A\u0066"} , "em":1, "v":1299.90 }`,
		`{"user_data":{"ph":"p","external_id":7}}`:                                        `{"user_data":{}}`,
		`{"user_data":{"a":{"em":1},"\u0065m":[{}]}}`:                                     `{"user_data":{"a":{"em":1}}}`,
		`{"custom_data":{"em":1},"user_data":{}}`:                                         "",
		`{"user_data":["em"]}`:                                                            "",
		`{"user_data":{"em":1}`:                                                           "",
		`["user_data"]`:                                                                   "",
		``:                                                                                "",
	} {
		got, changed := StripExtras([]byte(payload))
		if want == "" {
			want = payload
		}
		if string(got) != want || changed != (want != payload) {
			t.Errorf("%s\ngives %s, %t\nwant  %s", payload, got, changed, want)
		}
	}
}

// FuzzStrip: the result is valid where the payload was, holds no extras, and strips to itself.
func FuzzStrip(f *testing.F) {
	f.Add([]byte(`{"user_data":{"em":["x"],"ctwa_clid":"A"},"v":1}`))
	f.Add([]byte(`{"user_data":{"em":1,"em":2}} x`))
	f.Add([]byte(` {"a":1e5 ,"user_data" :{ "ph" : -0 }}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		bare, changed := StripExtras(payload)
		if changed == (string(bare) == string(payload)) {
			t.Fatalf("changed %t: %s", changed, bare)
		}
		if json.Valid(payload) && !json.Valid(bare) {
			t.Fatalf("%s became %s", payload, bare)
		}
		if changed && json.Valid(payload) && strings.Count(string(payload), "user_data") == 1 {
			if again, twice := StripExtras(bare); twice {
				t.Errorf("%s strips again to %s", bare, again)
			}
		}
	})
}
