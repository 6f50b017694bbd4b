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
	PageID     string    // Facebook Page; if set, it is sent instead of WABAID, for a Page's dataset
	ClickID    string    // ctwa_clid as received, never trimmed or lower-cased
	Value      Money     // Purchase needs one
	ContentIDs []string  // products

	// About the person, sent only as hashes: see HashEmail, HashPhone and HashExternalID. What these
	// refuse is left out. The click id alone identifies the person; Meta does not document whether
	// WhatsApp events may carry more, and refuses what they may not (subcode 2804064): see StripExtras.
	Email, Phone, ExternalID string

	// Automatic marks a conversion that Meta detected by itself and that is reported back to it (Meta,
	// Automatic events).
	Automatic bool

	// LimitedDataUse asks Meta to treat the event under its terms for limited data use.
	LimitedDataUse bool
}

// wireEvent is an event as Meta documents it (Meta, Conversions API for Business Messaging; Meta,
// Conversions API: Server event parameters).
type wireEvent struct {
	Name       string          `json:"event_name"`
	Time       int64           `json:"event_time"`
	ID         string          `json:"event_id,omitempty"`
	Source     string          `json:"action_source"`
	Channel    string          `json:"messaging_channel"`
	UserData   wireUserData    `json:"user_data"`
	CustomData *wireCustomData `json:"custom_data,omitempty"`
	Outcome    *wireOutcome    `json:"messaging_outcome_data,omitempty"`
	*wireDataUse
}

type wireOutcome struct {
	Type string `json:"outcome_type"`
}

type wireUserData struct {
	WABAID      string   `json:"whatsapp_business_account_id,omitempty"`
	PageID      string   `json:"page_id,omitempty"`
	ClickID     string   `json:"ctwa_clid,omitempty"`
	Emails      []string `json:"em,omitempty"`
	Phones      []string `json:"ph,omitempty"`
	ExternalIDs []string `json:"external_id,omitempty"`
}

// wireDataUse leaves it to Meta to find the person's country and state, which is what two zeros say.
type wireDataUse struct {
	Options []string `json:"data_processing_options"`
	Country int      `json:"data_processing_options_country"`
	State   int      `json:"data_processing_options_state"`
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
		UserData: e.userData(),
	}
	if e.Automatic {
		wire.Outcome = &wireOutcome{Type: "automatic_events"}
	}
	if e.LimitedDataUse {
		wire.wireDataUse = &wireDataUse{Options: []string{"LDU"}}
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

func (e Event) userData() wireUserData {
	person := wireUserData{
		WABAID: e.WABAID, PageID: e.PageID, ClickID: e.ClickID,
		Emails: hashed(e.Email, HashEmail), Phones: hashed(e.Phone, HashPhone), ExternalIDs: hashed(e.ExternalID, HashExternalID),
	}
	if e.PageID != "" {
		person.WABAID = ""
	}
	return person
}

// hashed is a list of one hash, or none where the value is refused.
func hashed(value string, hash func(string) (string, bool)) []string {
	if sum, ok := hash(value); ok {
		return []string{sum}
	}
	return nil
}
