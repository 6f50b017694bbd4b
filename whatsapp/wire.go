package whatsapp

// The JSON as it stands on the wire (Meta, "Webhooks reference" and "messages webhook reference").

import "encoding/json"

type wireMetadata struct {
	DisplayPhoneNumber text `json:"display_phone_number"`
	PhoneNumberID      text `json:"phone_number_id"`
}

type wireHistory struct {
	Threads []struct {
		Messages json.RawMessage `json:"messages"`
	} `json:"threads"`
	Errors json.RawMessage `json:"errors"` // in place of threads when the business shares no history
}

type wireContact struct {
	WAID         text `json:"wa_id"`
	UserID       text `json:"user_id"`
	ParentUserID text `json:"parent_user_id"`
	Profile      struct {
		Name     text `json:"name"`
		Username text `json:"username"`
	} `json:"profile"`
}

type wireStatus struct {
	ID              text        `json:"id"`
	Status          text        `json:"status"`
	Type            text        `json:"type"`
	Timestamp       unixTime    `json:"timestamp"`
	RecipientID     text        `json:"recipient_id"`
	RecipientUserID text        `json:"recipient_user_id"`
	CallbackData    text        `json:"biz_opaque_callback_data"`
	Errors          []wireError `json:"errors"`
}

type wireAutomaticEvent struct {
	ID         text     `json:"id"`
	EventName  text     `json:"event_name"`
	Timestamp  unixTime `json:"timestamp"`
	ClickID    text     `json:"ctwa_clid"`
	CustomData struct {
		Currency text   `json:"currency"`
		Value    amount `json:"value"`
	} `json:"custom_data"`
}

type wireError struct {
	Code      integer `json:"code"`
	Title     text    `json:"title"`
	Message   text    `json:"message"`
	ErrorData struct {
		Details text `json:"details"`
	} `json:"error_data"`
	Href text `json:"href"`
}

type wireMessage struct {
	ID               text     `json:"id"`
	From             text     `json:"from"`
	FromUserID       text     `json:"from_user_id"`
	FromParentUserID text     `json:"from_parent_user_id"`
	To               text     `json:"to"`
	ToUserID         text     `json:"to_user_id"`
	GroupID          text     `json:"group_id"`
	Type             text     `json:"type"`
	Timestamp        unixTime `json:"timestamp"`

	Text     wireBody   `json:"text"`
	Image    *wireMedia `json:"image"`
	Video    *wireMedia `json:"video"`
	Document *wireMedia `json:"document"`
	Audio    *wireMedia `json:"audio"`
	Sticker  *wireMedia `json:"sticker"`

	Button      *wireButton      `json:"button"`
	Interactive *wireInteractive `json:"interactive"`
	Order       *wireOrder       `json:"order"`
	Referral    *wireReferral    `json:"referral"`
	System      *wireSystem      `json:"system"`
	Reaction    *wireReaction    `json:"reaction"`
	Location    *wireLocation    `json:"location"`
	Contacts    []wireCard       `json:"contacts"`
	Context     *wireContext     `json:"context"`
	Edit        wireOriginal     `json:"edit"`
	Revoke      wireOriginal     `json:"revoke"`
	Unsupported wireUnsupported  `json:"unsupported"`
	Errors      []wireError      `json:"errors"`
}

type wireBody struct {
	Body text `json:"body"`
}

type wireMedia struct {
	ID       text `json:"id"`
	MIMEType text `json:"mime_type"`
	SHA256   text `json:"sha256"`
	Caption  text `json:"caption"`
	Filename text `json:"filename"`
	Voice    flag `json:"voice"`
}

type wireButton struct {
	Payload text `json:"payload"`
	Text    text `json:"text"`
}

type wireReply struct {
	ID    text `json:"id"`
	Title text `json:"title"`
}

type wireInteractive struct {
	ButtonReply *wireReply `json:"button_reply"`
	ListReply   *wireReply `json:"list_reply"`
	NFMReply    *struct {
		Name         text `json:"name"`
		Body         text `json:"body"`
		ResponseJSON text `json:"response_json"` // JSON inside a string
	} `json:"nfm_reply"`
}

type wireOrder struct {
	CatalogID    text `json:"catalog_id"`
	Text         text `json:"text"`
	ProductItems []struct {
		ProductRetailerID text    `json:"product_retailer_id"`
		Quantity          integer `json:"quantity"`
		ItemPrice         amount  `json:"item_price"`
		Currency          text    `json:"currency"`
	} `json:"product_items"`
}

type wireReferral struct {
	SourceURL    text `json:"source_url"`
	SourceID     text `json:"source_id"`
	SourceType   text `json:"source_type"`
	Headline     text `json:"headline"`
	Body         text `json:"body"`
	MediaType    text `json:"media_type"`
	ImageURL     text `json:"image_url"`
	VideoURL     text `json:"video_url"`
	ThumbnailURL text `json:"thumbnail_url"`
	ClickID      text `json:"ctwa_clid"`
	Welcome      struct {
		Text text `json:"text"`
	} `json:"welcome_message"`
}

type wireSystem struct {
	Type         text `json:"type"`
	Body         text `json:"body"`
	WAID         text `json:"wa_id"`
	UserID       text `json:"user_id"`
	ParentUserID text `json:"parent_user_id"`
}

type wireReaction struct {
	MessageID text `json:"message_id"`
	Emoji     text `json:"emoji"`
}

type wireLocation struct {
	Latitude  text `json:"latitude"`
	Longitude text `json:"longitude"`
	Name      text `json:"name"`
	Address   text `json:"address"`
}

type wireCard struct {
	Name struct {
		FormattedName text `json:"formatted_name"`
	} `json:"name"`
	Phones []struct {
		Phone text `json:"phone"`
	} `json:"phones"`
}

type wireContext struct {
	From                text `json:"from"`
	ID                  text `json:"id"`
	Forwarded           flag `json:"forwarded"`
	FrequentlyForwarded flag `json:"frequently_forwarded"`
	ReferredProduct     struct {
		CatalogID         text `json:"catalog_id"`
		ProductRetailerID text `json:"product_retailer_id"`
	} `json:"referred_product"`
}

type wireOriginal struct {
	ID text `json:"original_message_id"`
}

type wireUnsupported struct {
	Type text `json:"type"`
}
