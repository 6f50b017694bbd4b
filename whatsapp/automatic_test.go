package whatsapp

import (
	"encoding/json"
	"testing"
)

func TestAnAutomaticPriceIsDividedByAThousand(t *testing.T) {
	for sent, want := range map[string]string{
		"25000": "25", "25500": "25.5", "1299900": "1299.9", "999": "0.999", "5": "0.005", "0": "0", "10000": "10",
		"25000.5": "25.0005", "100000000": "100000", "": "",
	} {
		if got := (AutomaticEvent{Value1000: json.Number(sent)}).Amount(); got != want {
			t.Errorf("%q is %q, want %q", sent, got, want)
		}
	}
}

// What is stored is one item's own bytes: it is read as it was in its notification.
func TestStatusesAndAutomaticEventsAreReadAlone(t *testing.T) {
	s, err := DecodeStatus([]byte(`{"id":"wamid.1","status":"read","recipient_id":"55","timestamp":"1790001200","biz_opaque_callback_data":"tpl:x"}`))
	if err != nil || s.ID != "wamid.1" || s.State != "read" || s.CallbackData != "tpl:x" {
		t.Errorf("%+v %v", s, err)
	}
	e, err := DecodeAutomaticEvent([]byte(`{"id":"wamid.1","event_name":"Purchase","ctwa_clid":"C","custom_data":{"value":"25000"}}`))
	if err != nil || e.EventName != "Purchase" || e.ClickID != "C" || e.Amount() != "25" {
		t.Errorf("%+v %v", e, err)
	}
	for _, bad := range []string{``, `null`, `[]`, `{"id":[]}`} {
		if _, err := DecodeStatus([]byte(bad)); err == nil {
			t.Errorf("a status: %s", bad)
		}
		if _, err := DecodeAutomaticEvent([]byte(bad)); err == nil {
			t.Errorf("an automatic event: %s", bad)
		}
	}
}
