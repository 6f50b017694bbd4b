package capi

import (
	"bytes"
	"encoding/json"
	"time"
)

// Event is one conversion in a WhatsApp conversation that an ad click began.
type Event struct {
	Name       string    // one of EventNames
	Time       time.Time // when it happened, sent in whole seconds; Meta takes at most 7 days old
	ID         string    // ours; Meta does not deduplicate messaging events by it
	WABAID     string    // WhatsApp Business Account id
	ClickID    string    // ctwa_clid as received, never trimmed or lower-cased
	Value      Money     // Purchase needs one
	ContentIDs []string  // products
}

// wireEvent is an event as Meta documents it (Meta, Conversions API for Business Messaging).
type wireEvent struct {
	Name       string          `json:"event_name"`
	Time       int64           `json:"event_time"`
	ID         string          `json:"event_id,omitempty"`
	Source     string          `json:"action_source"`
	Channel    string          `json:"messaging_channel"`
	UserData   wireUserData    `json:"user_data"`
	CustomData *wireCustomData `json:"custom_data,omitempty"`
}

type wireUserData struct {
	WABAID  string `json:"whatsapp_business_account_id,omitempty"`
	ClickID string `json:"ctwa_clid,omitempty"`
}

type wireCustomData struct {
	Value      json.Number `json:"value,omitempty"`
	Currency   string      `json:"currency,omitempty"`
	ContentIDs []string    `json:"content_ids,omitempty"`
}

// JSON is the event as it stands in a request's data list: the same event always gives the same
// bytes, so they can be frozen once and repeated in every retry. The value is written from minor
// units as a plain decimal number with all the currency's digits: 1299.90.
func (e Event) JSON() []byte {
	wire := wireEvent{
		Name:     e.Name,
		Time:     e.Time.Unix(),
		ID:       e.ID,
		Source:   "business_messaging",
		Channel:  "whatsapp",
		UserData: wireUserData{WABAID: e.WABAID, ClickID: e.ClickID},
	}
	if !e.Value.IsZero() || len(e.ContentIDs) > 0 {
		wire.CustomData = &wireCustomData{Currency: e.Value.Currency, ContentIDs: e.ContentIDs}
	}
	if !e.Value.IsZero() {
		wire.CustomData.Value = json.Number(e.Value.Decimal())
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(wire) // strings, an integer and a decimal number: there is nothing that cannot be encoded
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
