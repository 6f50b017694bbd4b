package whatsapp

// The vocabulary of one message: who wrote it, what it says, and the ad click it came from.

import "time"

// Message is one message of a thread (Meta, "messages webhook reference"). Which part is filled
// follows from Type; Referral may come with any type.
type Message struct {
	ID           string // wamid; it holds the phone number in base64, so never log it in the clear
	WAID         string // the sender's phone number; empty for shoppers known by user id alone
	UserID       string // the sender's business-scoped user id
	ParentUserID string
	To           string // echoes only: the shopper's phone number
	ToUserID     string // echoes only: the shopper's business-scoped user id
	GroupID      string
	Type         string    // "text", "button", "interactive", "order", "request_welcome", "system", ...
	Timestamp    time.Time // UTC, to the second; zero if absent or unreadable

	Text    string // body of a text message
	Caption string // caption of an image, video or document

	Tap         *Tap
	Order       *Cart
	Referral    *Referral
	System      *System
	Media       *Media
	Reaction    *Reaction
	Location    *Location
	Contacts    []SharedContact
	Context     *Context
	OriginalID  string // the message that an "edit" or a "revoke" is about
	Unsupported string // what an "unsupported" message was, where Meta says
	Errors      []Error

	Raw []byte // the message's own bytes as received: what gets stored
}

// DashboardTest reports whether this is the fixed sample that the Test button of Meta's app dashboard
// sends. It is from nobody, about nothing.
func (m Message) DashboardTest() bool {
	return m.ID == "ABGGFlA5Fpa" || m.WAID == "16315551181" && m.Timestamp.Unix() == 1504902988
}

// Referral is the ad or post whose click opened the chat (Meta, "text messages webhook reference").
// Every part is optional.
type Referral struct {
	SourceURL    string
	SourceID     string // the ad's id
	SourceType   string // "ad" or "post"
	Headline     string
	Body         string
	MediaType    string // "image" or "video"
	ImageURL     string // media addresses expire within days
	VideoURL     string
	ThumbnailURL string
	Welcome      string // the greeting that the ad showed
	ClickID      string // ctwa_clid, opaque and untouched; Meta omits it for ads in WhatsApp Status
}

// TapKind says what a shopper tapped.
type TapKind string

// The kinds of Tap.
const (
	TapButton TapKind = "button" // a reply button, or a template's quick reply
	TapList   TapKind = "list"   // a row of a list
	TapFlow   TapKind = "flow"   // the end of a flow or another native form
)

// Tap is a reply made by tapping instead of typing.
type Tap struct {
	Kind    TapKind
	ID      string         // of the button or row; a quick reply's payload
	Title   string         // what the shopper saw
	Name    string         // of the form: "flow", "address_message", ...
	Answers map[string]any // a form's answers with numbers as json.Number; nil if unreadable
}

// Cart is a WhatsApp catalog order: what the shopper put together in the chat. It is not a shop's order.
type Cart struct {
	CatalogID string
	Text      string
	Items     []CartItem
}

// CartItem is one line of a Cart.
type CartItem struct {
	RetailerID string // the shop's own product id
	Quantity   int    // 0 if unreadable
	Price      string // of one piece in major units, decimal text as received: "7.99"; empty if not a plain decimal
	Currency   string
}

// The Types of System that change who a shopper is.
const (
	UserChangedNumber   = "user_changed_number"
	UserChangedUserID   = "user_changed_user_id"
	UserIdentityChanged = "customer_identity_changed"
)

// System tells that the sender's identity changed; the message's own WAID and UserID are the old ones.
type System struct {
	Type         string
	Body         string // Meta's sentence about it; it names phone numbers
	WAID         string // the new phone number
	UserID       string // the new business-scoped user id
	ParentUserID string
}

// Media is an attached file, to be fetched from Meta by its ID.
type Media struct {
	ID       string
	MIMEType string
	SHA256   string
	Filename string
	Voice    bool // recorded in the chat
}

// Reaction is an emoji put on a message; an empty Emoji takes it back.
type Reaction struct {
	MessageID string
	Emoji     string
}

// Location is a place that was shared, its coordinates decimal degrees as text.
type Location struct {
	Latitude, Longitude string
	Name, Address       string
}

// SharedContact is an address-book card that was sent as a message.
type SharedContact struct {
	Name   string
	Phones []string // as written on the card
}

// Context is what a message refers to: the message it answers, or a product it asks about.
type Context struct {
	From      string
	ID        string
	Forwarded bool
	CatalogID string // of the referred product
	ProductID string // the shop's own product id of the referred product
}
