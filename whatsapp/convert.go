package whatsapp

// From the shapes of the wire to our words.

import (
	"cmp"
	"encoding/json"
	"strings"
)

// decodeMessage keeps raw in the message; the caller gives it away.
func decodeMessage(raw []byte) (Message, error) {
	w, err := object[wireMessage](raw)
	if err != nil {
		return Message{}, err
	}
	if w.ID == "" {
		return Message{}, errNoID // without it a redelivery could not be told from a new message
	}
	m := Message{
		ID:           string(w.ID),
		WAID:         string(w.From),
		UserID:       string(w.FromUserID),
		ParentUserID: string(w.FromParentUserID),
		To:           string(w.To),
		ToUserID:     string(w.ToUserID),
		GroupID:      string(w.GroupID),
		Type:         string(w.Type),
		Timestamp:    w.Timestamp.Time,
		Text:         string(w.Text.Body),
		Tap:          w.tap(),
		Order:        w.Order.cart(),
		Referral:     w.Referral.public(),
		Context:      w.Context.public(),
		OriginalID:   string(cmp.Or(w.Edit.ID, w.Revoke.ID)),
		Unsupported:  string(w.Unsupported.Type),
		Errors:       errorsOf(w.Errors),
		Raw:          raw,
	}
	w.attach(&m)
	return m, nil
}

// attach fills the parts that a message carries instead of words.
func (w *wireMessage) attach(m *Message) {
	if media := cmp.Or(w.Image, w.Video, w.Document, w.Audio, w.Sticker); media != nil {
		m.Caption = string(media.Caption)
		m.Media = &Media{
			ID:       string(media.ID),
			MIMEType: string(media.MIMEType),
			SHA256:   string(media.SHA256),
			Filename: string(media.Filename),
			Voice:    bool(media.Voice),
		}
	}
	if s := w.System; s != nil {
		m.System = &System{
			Type:         string(s.Type),
			Body:         string(s.Body),
			WAID:         string(s.WAID),
			UserID:       string(s.UserID),
			ParentUserID: string(s.ParentUserID),
		}
	}
	if r := w.Reaction; r != nil {
		m.Reaction = &Reaction{MessageID: string(r.MessageID), Emoji: string(r.Emoji)}
	}
	if l := w.Location; l != nil {
		m.Location = &Location{
			Latitude:  string(l.Latitude),
			Longitude: string(l.Longitude),
			Name:      string(l.Name),
			Address:   string(l.Address),
		}
	}
	for _, card := range w.Contacts {
		c := SharedContact{Name: string(card.Name.FormattedName)}
		for _, p := range card.Phones {
			c.Phones = append(c.Phones, string(p.Phone))
		}
		m.Contacts = append(m.Contacts, c)
	}
}

func (w *wireMessage) tap() *Tap {
	if b := w.Button; b != nil {
		return &Tap{Kind: TapButton, ID: string(b.Payload), Title: string(b.Text)}
	}
	switch i := w.Interactive; {
	case i == nil:
		return nil
	case i.ButtonReply != nil:
		return &Tap{Kind: TapButton, ID: string(i.ButtonReply.ID), Title: string(i.ButtonReply.Title)}
	case i.ListReply != nil:
		return &Tap{Kind: TapList, ID: string(i.ListReply.ID), Title: string(i.ListReply.Title)}
	case i.NFMReply != nil:
		return &Tap{
			Kind:    TapFlow,
			Title:   string(i.NFMReply.Body),
			Name:    string(i.NFMReply.Name),
			Answers: answers(string(i.NFMReply.ResponseJSON)),
		}
	}
	return nil // a call permission, or what comes next
}

// answers reads a form's response_json; nil if it is no JSON object.
func answers(response string) map[string]any {
	if checkDepth([]byte(response)) != nil {
		return nil
	}
	// The one escape that would put a NUL into an answer.
	d := json.NewDecoder(strings.NewReader(strings.ReplaceAll(response, `\u0000`, `\ufffd`)))
	d.UseNumber()
	var found map[string]any
	if err := d.Decode(&found); err != nil {
		return nil
	}
	return found
}

func (w *wireOrder) cart() *Cart {
	if w == nil {
		return nil
	}
	cart := &Cart{CatalogID: string(w.CatalogID), Text: string(w.Text)}
	for _, p := range w.ProductItems {
		cart.Items = append(cart.Items, CartItem{
			RetailerID: string(p.ProductRetailerID),
			Quantity:   int(p.Quantity),
			Price:      string(p.ItemPrice),
			Currency:   string(p.Currency),
		})
	}
	return cart
}

func (w *wireReferral) public() *Referral {
	if w == nil {
		return nil
	}
	return &Referral{
		SourceURL:    string(w.SourceURL),
		SourceID:     string(w.SourceID),
		SourceType:   string(w.SourceType),
		Headline:     string(w.Headline),
		Body:         string(w.Body),
		MediaType:    string(w.MediaType),
		ImageURL:     string(w.ImageURL),
		VideoURL:     string(w.VideoURL),
		ThumbnailURL: string(w.ThumbnailURL),
		Welcome:      string(w.Welcome.Text),
		ClickID:      string(w.ClickID),
	}
}

func (w *wireContext) public() *Context {
	if w == nil {
		return nil
	}
	return &Context{
		From:      string(w.From),
		ID:        string(w.ID),
		Forwarded: bool(w.Forwarded || w.FrequentlyForwarded),
		CatalogID: string(w.ReferredProduct.CatalogID),
		ProductID: string(w.ReferredProduct.ProductRetailerID),
	}
}

func decodeContact(raw []byte) (Contact, error) {
	w, err := object[wireContact](raw)
	if err != nil {
		return Contact{}, err
	}
	return Contact{
		WAID:         string(w.WAID),
		UserID:       string(w.UserID),
		ParentUserID: string(w.ParentUserID),
		Name:         string(w.Profile.Name),
		Username:     string(w.Profile.Username),
	}, nil
}

func decodeStatus(raw []byte) (Status, error) {
	w, err := object[wireStatus](raw)
	if err != nil {
		return Status{}, err
	}
	return Status{
		ID:           string(w.ID),
		State:        string(w.Status),
		Type:         string(w.Type),
		WAID:         string(w.RecipientID),
		UserID:       string(w.RecipientUserID),
		CallbackData: string(w.CallbackData),
		Timestamp:    w.Timestamp.Time,
		Errors:       errorsOf(w.Errors),
		Raw:          raw,
	}, nil
}

func decodeAutomaticEvent(raw []byte) (AutomaticEvent, error) {
	w, err := object[wireAutomaticEvent](raw)
	if err != nil {
		return AutomaticEvent{}, err
	}
	return AutomaticEvent{
		ID:        string(w.ID),
		EventName: string(w.EventName),
		ClickID:   string(w.ClickID),
		Timestamp: w.Timestamp.Time,
		Currency:  string(w.CustomData.Currency),
		Value1000: json.Number(w.CustomData.Value),
		Raw:       raw,
	}, nil
}

func (w wireError) public() Error {
	return Error{
		Code:    int(w.Code),
		Title:   string(w.Title),
		Message: string(w.Message),
		Details: string(w.ErrorData.Details),
		Href:    string(w.Href),
	}
}

func decodeError(raw []byte) (Error, error) {
	w, err := object[wireError](raw)
	if err != nil {
		return Error{}, err
	}
	return w.public(), nil
}

func errorsOf(ws []wireError) []Error {
	var errs []Error
	for _, w := range ws {
		errs = append(errs, w.public())
	}
	return errs
}
