package sandbox

// The pretend shoppers: what they do in WhatsApp, as the signed notifications that Meta would send.

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/clickthread/clickthread/whatsapp"
)

// Shopper is one person who writes to one business number. Its methods make notifications and keep no
// state, so they may be used concurrently.
type Shopper struct {
	URL           string // the whole webhook address: http://127.0.0.1:8080/webhooks/whatsapp
	AppSecret     string // signs the notifications
	WABA          string // the business account written to
	PhoneNumberID string // its number written to

	// WAID is the phone number, UserID the business-scoped user id; either may be empty.
	WAID, UserID string
	Name         string

	// Now dates the messages. Default: time.Now.
	Now func() time.Time
	// HTTP sends them. Default: http.DefaultClient.
	HTTP *http.Client
}

// Ad is what a shopper clicks.
type Ad struct {
	ID         string
	Headline   string
	ClickID    string // ctwa_clid; empty as for an ad in WhatsApp Status
	SourceType string // "ad" or "post". Default: "ad"
	URL        string // Default: "https://fb.me/" and the ID
}

// CartItem is one line of a catalog order.
type CartItem struct {
	RetailerID string
	Quantity   int
	Price      string // of one piece in major units: "7.99"
}

// Notification is one POST of Meta's, not yet sent.
type Notification struct {
	ID   string // the message's id; empty for a Batch
	Body []byte

	entries []any
}

// Batch puts several notifications into one POST, as Meta does under load.
func Batch(notifications ...Notification) Notification {
	entries := []any{}
	for _, n := range notifications {
		entries = append(entries, n.entries...)
	}
	return newNotification("", entries)
}

// At is the same shopper at another time.
func (s *Shopper) At(t time.Time) *Shopper {
	then := *s
	then.Now = func() time.Time { return t }
	return &then
}

// Click is the message that opens a chat after a click on an ad.
func (s *Shopper) Click(ad Ad, text string) Notification {
	referral := map[string]any{
		"source_url":  cmp.Or(ad.URL, "https://fb.me/"+ad.ID),
		"source_id":   ad.ID,
		"source_type": cmp.Or(ad.SourceType, "ad"),
		"headline":    ad.Headline,
		"media_type":  "image",
	}
	if ad.ClickID != "" {
		referral["ctwa_clid"] = ad.ClickID
	}
	return s.write("text", map[string]any{"text": map[string]any{"body": text}, "referral": referral})
}

// Say is a text message.
func (s *Shopper) Say(text string) Notification {
	return s.write("text", map[string]any{"text": map[string]any{"body": text}})
}

// TapButton is a tap on a reply button.
func (s *Shopper) TapButton(id, title string) Notification { return s.tap("button_reply", id, title) }

// TapList is a tap on a row of a list.
func (s *Shopper) TapList(id, title string) Notification { return s.tap("list_reply", id, title) }

func (s *Shopper) tap(kind, id, title string) Notification {
	return s.write("interactive", map[string]any{"interactive": map[string]any{
		"type": kind,
		kind:   map[string]any{"id": id, "title": title},
	}})
}

// Cart is a catalog order: all its prices are in one currency.
func (s *Shopper) Cart(currency string, items ...CartItem) Notification {
	products := make([]any, 0, len(items))
	for _, item := range items {
		products = append(products, map[string]any{
			"product_retailer_id": item.RetailerID,
			"quantity":            item.Quantity,
			"item_price":          number(item.Price),
			"currency":            currency,
		})
	}
	return s.write("order", map[string]any{"order": map[string]any{
		"catalog_id":    "190000000000001",
		"product_items": products,
	}})
}

// Send posts the notification, signed, and returns the answer's HTTP status.
func (s *Shopper) Send(ctx context.Context, n Notification) (int, error) {
	return Post(ctx, s.HTTP, s.URL, s.AppSecret, n.Body)
}

// Post sends body as Meta would, signed with the app secret, and returns the answer's HTTP status. It
// fails only if there was no answer. A nil client is http.DefaultClient.
func Post(ctx context.Context, client *http.Client, url, secret string, body []byte) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("post notification: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Hub-Signature-256", whatsapp.Sign(body, secret))
	resp, err := cmp.Or(client, http.DefaultClient).Do(req)
	if err != nil {
		return 0, fmt.Errorf("post notification: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body) // unread, the connection could not be used again
	return resp.StatusCode, nil
}

// write completes a message, of which the caller gives what its type adds, to a notification.
func (s *Shopper) write(kind string, message map[string]any) Notification {
	id := newMessageID()
	message["id"], message["type"] = id, kind
	message["timestamp"] = strconv.FormatInt(s.now().Unix(), 10)
	contact := map[string]any{"profile": map[string]any{"name": s.Name}}
	if s.WAID != "" {
		message["from"], contact["wa_id"] = s.WAID, s.WAID
	}
	if s.UserID != "" {
		message["from_user_id"], contact["user_id"] = s.UserID, s.UserID
	}
	return newNotification(id, []any{map[string]any{
		"id": s.WABA,
		"changes": []any{map[string]any{
			"field": "messages",
			"value": map[string]any{
				"messaging_product": "whatsapp",
				"metadata":          map[string]any{"display_phone_number": "5511900000001", "phone_number_id": s.PhoneNumberID},
				"contacts":          []any{contact},
				"messages":          []any{message},
			},
		}},
	}})
}

func (s *Shopper) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

func newNotification(id string, entries []any) Notification {
	// Strings, maps and valid numbers always marshal.
	body, _ := json.Marshal(map[string]any{"object": "whatsapp_business_account", "entry": entries})
	return Notification{ID: id, Body: escaped(body), entries: entries}
}

// newMessageID is unique like a wamid, but holds no phone number.
func newMessageID() string {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails
	return "wamid." + base64.StdEncoding.EncodeToString(b[:])
}

// number is a price as a JSON number; what is none stays text, for tests of wrong prices.
func number(price string) any {
	if n := json.Number(price); price != "" {
		if _, err := json.Marshal(n); err == nil {
			return n
		}
	}
	return price
}

// escaped writes JSON as Meta does, in ASCII and with \/, so that a receiver that verifies anything but
// the raw bytes fails here first.
func escaped(body []byte) []byte {
	out := make([]byte, 0, len(body)+len(body)/4)
	for len(body) > 0 {
		r, size := utf8.DecodeRune(body)
		switch {
		case r == '/':
			out = append(out, `\/`...)
		case r < utf8.RuneSelf:
			out = append(out, body[0])
		default:
			for _, unit := range utf16.AppendRune(nil, r) {
				out = fmt.Appendf(out, `\u%04x`, unit)
			}
		}
		body = body[size:]
	}
	return out
}
