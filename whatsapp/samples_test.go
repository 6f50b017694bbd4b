package whatsapp

// What each sample in testdata says.

import (
	"encoding/json"
	"time"
)

var (
	ana = Contact{WAID: "5511987650001", UserID: "BR.7001002003004005", Name: "Ana Prado"}

	imageAd = Referral{
		SourceURL:  "https://fb.me/abcDEF123",
		SourceID:   "120299990000000001",
		SourceType: "ad",
		Headline:   "Fale com a gente",
		Body:       "Cadeiras com 20% off",
		MediaType:  "image",
		ImageURL:   "https://scontent.example.invalid/v/t45.jpg",
		Welcome:    "Olá! Como podemos ajudar?",
		ClickID:    "Afe-SAMPLE_clid_0001-abcdefghijklmnopqrstuvwxyz",
	}
)

// sampleChanges is the one change of each sample by file name.
var sampleChanges = map[string]Change{
	"text_from_ad": introduced(Message{
		ID: "wamid.SAMPLE0001", Type: "text", Text: "Quero saber mais", Referral: &imageAd,
	}),
	"text_from_status_ad_no_clid": introduced(Message{
		ID: "wamid.SAMPLE0002", Type: "text", Text: "Oi", Referral: statusAd(),
	}),
	"text_from_post_video": introduced(Message{
		ID: "wamid.SAMPLE0003", Type: "text", Text: "Oi 👋 çã", Referral: videoPost(),
	}),
	"audio_from_ad": introduced(Message{
		ID: "wamid.SAMPLE0004", Type: "audio", Referral: &imageAd,
		Media: &Media{ID: "1001", MIMEType: "audio/ogg; codecs=opus", SHA256: "AAAA", Voice: true},
	}),
	"text_from_ad_no_phone": on("messages", Change{
		Contacts: []Contact{{UserID: ana.UserID, ParentUserID: "BR.ENT.8001", Name: "Ana", Username: "ana.prado"}},
		Messages: []Message{{
			ID: "wamid.SAMPLE0005", UserID: ana.UserID, ParentUserID: "BR.ENT.8001",
			Type: "text", Timestamp: at(1790000001), Text: "oi", Referral: &imageAd,
		}},
	}),
	"welcome_from_ad": alone(Message{
		ID: "wamid.SAMPLE0101", Type: "request_welcome",
		Referral: &Referral{
			SourceURL: imageAd.SourceURL, SourceID: imageAd.SourceID, SourceType: "ad", ClickID: "Afe-SAMPLE_clid_0001",
		},
	}),
	"text_br_without_ninth_digit": on("messages", Change{
		Contacts: []Contact{{WAID: "551187650001", UserID: ana.UserID, Name: "Ana"}},
		Messages: []Message{{
			ID: "wamid.SAMPLE0020", WAID: "551187650001", UserID: ana.UserID,
			Type: "text", Timestamp: at(1790000900), Text: "oi",
		}},
	}),
	"text_about_product": introduced(Message{
		ID: "wamid.SAMPLE0009", Type: "text", Text: "ainda tem?",
		Context: &Context{From: "5511900000001", ID: "wamid.CTX", CatalogID: "190000000000001", ProductID: "SKU-1"},
	}),
	"cart": introduced(Message{
		ID: "wamid.SAMPLE0008", Type: "order",
		Order: &Cart{CatalogID: "190000000000001", Text: "entregar hoje", Items: []CartItem{
			{RetailerID: "SKU-1", Quantity: 2, Price: "7.99", Currency: "BRL"},
			{RetailerID: "SKU-2", Quantity: 1, Price: "25", Currency: "BRL"},
		}},
	}),
	"button_quick_reply": alone(Message{
		ID: "wamid.SAMPLE0102", Type: "button",
		Tap:     &Tap{Kind: TapButton, ID: "pay_now", Title: "Pagar agora"},
		Context: &Context{From: "5511900000001", ID: "wamid.OUT7"},
	}),
	"button_reply": alone(Message{
		ID: "wamid.SAMPLE0103", Type: "interactive", Tap: &Tap{Kind: TapButton, ID: "size_m", Title: "Tamanho M"},
	}),
	"list_reply": alone(Message{
		ID: "wamid.SAMPLE0104", Type: "interactive", Tap: &Tap{Kind: TapList, ID: "row_2", Title: "Centro"},
	}),
	"flow_reply": alone(Message{
		ID: "wamid.SAMPLE0105", Type: "interactive",
		Tap: &Tap{Kind: TapFlow, Title: "Sent", Name: "flow", Answers: map[string]any{
			"flow_token": "t1", "people": json.Number("4"), "budget": json.Number("1299.90"), "days": []any{"sat", "sun"},
		}},
	}),
	"interactive_without_body": on("messages", Change{
		Messages: []Message{fromAna(Message{ID: "wamid.SAMPLE0106", Type: "interactive"})},
		Errors:   []Error{{Code: 131000, Title: "Something went wrong"}},
	}),
	"image_with_caption": alone(Message{
		ID: "wamid.SAMPLE0107", Type: "image", Caption: "comprovante do pix",
		Media: &Media{ID: "1002", MIMEType: "image/jpeg", SHA256: "BBBB"},
	}),
	"reaction_removed": alone(Message{
		ID: "wamid.SAMPLE0108", Type: "reaction", Reaction: &Reaction{MessageID: "wamid.OUT8"},
	}),
	"location": alone(Message{
		ID: "wamid.SAMPLE0109", Type: "location",
		Location: &Location{Latitude: "-23.5505", Longitude: "-46.6333", Name: "Loja", Address: "Rua A, 1"},
	}),
	"shared_contact": alone(Message{
		ID: "wamid.SAMPLE0110", Type: "contacts",
		Contacts: []SharedContact{{Name: "Bo Lima", Phones: []string{"+55 11 98765-0002"}}},
	}),
	"edit":      alone(Message{ID: "wamid.SAMPLE0111", Type: "edit", OriginalID: "wamid.SAMPLE0001"}),
	"revoke":    alone(Message{ID: "wamid.SAMPLE0112", Type: "revoke", OriginalID: "wamid.SAMPLE0001"}),
	"forwarded": alone(Message{ID: "wamid.SAMPLE0113", Type: "text", Text: "olha isso", Context: &Context{Forwarded: true}}),
	"unsupported": alone(Message{
		ID: "wamid.SAMPLE0114", Type: "unsupported", Unsupported: "poll_creation",
		Errors: []Error{{
			Code: 131051, Title: "Message type unknown", Message: "Message type unknown",
			Details: "Message type is currently not supported.",
		}},
	}),
	"unknown_type": alone(Message{ID: "wamid.SAMPLE0115", Type: "hologram"}),
	"numbers_for_strings": {
		Field: "messages", PhoneNumberID: "700100200300400",
		Messages: []Message{fromAna(Message{ID: "wamid.SAMPLE0116", Type: "text", Text: "número como número"})},
	},
	"nul_and_lone_surrogates": on("messages", Change{Messages: []Message{
		fromAna(Message{ID: "wamid.SAMPLE0119", Type: "text", Text: "nul \uFFFD lone \uFFFD end"}),
		fromAna(Message{ID: "wamid.SAMPLE0120", Type: "interactive", Tap: &Tap{
			Kind: TapFlow, Name: "flow", Answers: map[string]any{"note": "nul \uFFFD lone \uFFFD"},
		}}),
	}}),
	"system_changed_number": on("messages", Change{Messages: []Message{{
		ID: "wamid.SAMPLE0007", WAID: ana.WAID, Type: "system", Timestamp: at(1790000003),
		System: &System{
			Type: UserChangedNumber, Body: "User A changed from 5511987650001 to 5511987659999", WAID: "5511987659999",
		},
	}}}),
	"system_changed_user_id": on("messages", Change{Messages: []Message{{
		ID: "wamid.SAMPLE0006", WAID: ana.WAID, Type: "system", Timestamp: at(1790000002),
		System: &System{
			Type: UserChangedUserID, Body: "User Ana changed from BR.7001 to BR.9001", WAID: "5511987659999", UserID: "BR.9001",
		},
	}}}),
	"echo": on("smb_message_echoes", Change{Echoes: []Message{{
		ID: "wamid.ECHO1", WAID: "5511900000001", To: ana.WAID, ToUserID: ana.UserID,
		Type: "text", Timestamp: at(1790001100), Text: "Pedido confirmado! Total R$ 1.299,90",
	}}}),
	"history_chunk": on("history", Change{History: []Message{{
		ID: "wamid.H1", WAID: ana.WAID, Type: "text", Timestamp: at(1789000000), Text: "antigo",
	}}}),
	"status_failed": on("messages", Change{Statuses: []Status{{
		ID: "wamid.OUT1", State: "failed", WAID: ana.WAID, Timestamp: at(1790000300),
		Errors: []Error{{
			Code: 131049, Title: "This message was not delivered to maintain healthy ecosystem engagement.",
			Message: "…", Details: "…", Href: "/documentation/business-messaging/whatsapp/support/error-codes",
		}},
	}}}),
	"status_read_with_callback": on("messages", Change{Statuses: []Status{{
		ID: "wamid.OUT9", State: "read", WAID: ana.WAID, UserID: ana.UserID,
		CallbackData: "tpl:receipt;p2=1299.00", Timestamp: at(1790001200),
	}}}),
	"status_payment_captured": on("messages", Change{Statuses: []Status{{
		ID: "wamid.OUT2", State: "captured", Type: "payment", WAID: "919800000001", Timestamp: at(1790000401),
	}}}),
	"automatic_lead": on("automatic_events", Change{AutomaticEvents: []AutomaticEvent{{
		ID: "wamid.SAMPLE0010", EventName: "LeadSubmitted", ClickID: "Afe-SAMPLE_clid_0001", Timestamp: at(1790000100),
	}}}),
	"automatic_purchase_value_x1000": on("automatic_events", Change{AutomaticEvents: []AutomaticEvent{{
		ID: "wamid.SAMPLE0011", EventName: "Purchase", ClickID: "Afe-SAMPLE_clid_0001", Timestamp: at(1790000200),
		Currency: "USD", Value1000: "25000",
	}}}),
	"account_errors": on("messages", Change{Errors: []Error{{
		Code: 130429, Title: "Rate limit hit", Message: "Rate limit hit", Details: "…",
		Href: "/docs/whatsapp/cloud-api/support/error-codes/",
	}}}),
	"unread_field_state_sync": on("smb_app_state_sync", Change{}),
}

func statusAd() *Referral {
	r := imageAd
	r.ClickID = ""
	return &r
}

func videoPost() *Referral {
	r := imageAd
	r.SourceType, r.MediaType, r.ImageURL = "post", "video", ""
	r.VideoURL = "https://scontent.example.invalid/v.mp4"
	r.ThumbnailURL = "https://scontent.example.invalid/t.jpg"
	return &r
}

func fromAna(m Message) Message {
	m.WAID, m.UserID = ana.WAID, ana.UserID
	if m.Timestamp.IsZero() {
		m.Timestamp = at(1790001000)
	}
	return m
}

// introduced is one message of Ana's with her contact beside it.
func introduced(m Message) Change {
	m.Timestamp = at(1790000000)
	return on("messages", Change{Contacts: []Contact{ana}, Messages: []Message{fromAna(m)}})
}

// alone is one message of Ana's.
func alone(m Message) Change {
	return on("messages", Change{Messages: []Message{fromAna(m)}})
}

// on is a change of a field at the sample business number.
func on(field string, c Change) Change {
	c.Field, c.PhoneNumberID, c.DisplayNumber = field, "700100200300400", "5511900000001"
	return c
}

func at(unix int64) time.Time { return time.Unix(unix, 0).UTC() }
