package capi

import (
	"encoding/json"
	"testing"
	"time"
)

func TestEventOnTheWire(t *testing.T) {
	at := time.Date(2026, 9, 21, 14, 25, 0, 999_000_000, time.UTC)
	for name, c := range map[string]struct {
		event Event
		want  string
	}{
		"a purchase with its products": {
			Event{
				Name: "Purchase", Time: at, ID: "order_1001", WABAID: "300100200300400", ClickID: "Afe-sample_clid_0001",
				Value: Money{Minor: 129990, Currency: "BRL"}, ContentIDs: []string{"SKU-1", "SKU-2"},
			},
			`{"event_name":"Purchase","event_time":1790000700,"event_id":"order_1001","action_source":"business_messaging","messaging_channel":"whatsapp",` +
				`"user_data":{"whatsapp_business_account_id":"300100200300400","ctwa_clid":"Afe-sample_clid_0001"},` +
				`"custom_data":{"value":1299.90,"currency":"BRL","content_ids":["SKU-1","SKU-2"]}}`,
		},
		"a lead has no custom data": {
			Event{Name: "LeadSubmitted", Time: at, ID: "lead_1", WABAID: "300100200300400", ClickID: "Afe-1"},
			`{"event_name":"LeadSubmitted","event_time":1790000700,"event_id":"lead_1","action_source":"business_messaging","messaging_channel":"whatsapp",` +
				`"user_data":{"whatsapp_business_account_id":"300100200300400","ctwa_clid":"Afe-1"}}`,
		},
		"yen have no decimals, products no price": {
			Event{Name: "AddToCart", Time: at, ID: "c", WABAID: "3", ClickID: "A", Value: Money{500, "JPY"}},
			`{"event_name":"AddToCart","event_time":1790000700,"event_id":"c","action_source":"business_messaging","messaging_channel":"whatsapp",` +
				`"user_data":{"whatsapp_business_account_id":"3","ctwa_clid":"A"},"custom_data":{"value":500,"currency":"JPY"}}`,
		},
		"what Meta detected is handed back": {
			Event{Name: "Purchase", Time: at, ID: "a", WABAID: "3", ClickID: "A", Value: Money{2500, "USD"}, Automatic: true},
			`{"event_name":"Purchase","event_time":1790000700,"event_id":"a","action_source":"business_messaging","messaging_channel":"whatsapp",` +
				`"user_data":{"whatsapp_business_account_id":"3","ctwa_clid":"A"},"custom_data":{"value":25.00,"currency":"USD"},` +
				`"messaging_outcome_data":{"outcome_type":"automatic_events"}}`,
		},
		"what looks like HTML stays as it is": {
			Event{Name: "ViewContent", Time: at, ID: "<&>", WABAID: "3", ClickID: "A", ContentIDs: []string{"<b>"}},
			`{"event_name":"ViewContent","event_time":1790000700,"event_id":"<&>","action_source":"business_messaging","messaging_channel":"whatsapp",` +
				`"user_data":{"whatsapp_business_account_id":"3","ctwa_clid":"A"},"custom_data":{"content_ids":["<b>"]}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := string(c.event.JSON())
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if again := string(c.event.JSON()); again != got {
				t.Errorf("the second time it is %s", again)
			}
		})
	}
}

// Whatever a shop or a person wrote into ids and amounts, an event is always valid JSON.
func FuzzEventJSON(f *testing.F) {
	f.Add("order_1001", "Afe-1", int64(129990), "BRL", int64(1790000700))
	f.Add("\x00\xff\"\\", "\u2028", int64(-1<<63), "???", int64(-1<<63))
	f.Fuzz(func(t *testing.T, id, click string, minor int64, currency string, unix int64) {
		e := Event{Name: "Purchase", Time: time.Unix(unix, 0), ID: id, ClickID: click, Value: Money{minor, currency}, ContentIDs: []string{id}}
		if got := e.JSON(); !json.Valid(got) {
			t.Errorf("not JSON: %s", got)
		}
	})
}
