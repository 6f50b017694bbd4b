package whatsapp

// The way from a POST's bytes to a Notification: the envelope strictly, the items in it one by one.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// MaxDepth is how deeply a body may nest. Meta's own notifications stay under 20.
const MaxDepth = 64

var (
	// ErrTooDeep says that a body nests deeper than MaxDepth.
	ErrTooDeep = fmt.Errorf("nested deeper than %d levels", MaxDepth)

	// ErrObject says that a notification is not about WhatsApp.
	ErrObject = errors.New("object is not whatsapp_business_account")

	errNotJSON   = errors.New("not one JSON value")
	errNotObject = errors.New("not a JSON object")
	errNotArray  = errors.New("not a JSON array")
	errNoID      = errors.New("no id")
)

// Decode reads one POST. It fails only if the body is not one JSON value, nests deeper than MaxDepth,
// is not about WhatsApp (ErrObject), or its entries and changes have the wrong shape. What is wrong
// inside a change is listed in its Malformed. body may be used again afterwards.
func Decode(body []byte) (Notification, error) {
	n, err := decodeNotification(bytes.TrimSpace(bytes.Clone(body)))
	if err != nil {
		return Notification{}, fmt.Errorf("decode notification: %w", err)
	}
	return n, nil
}

// DecodeMessage reads one message's own bytes, as they stood in a notification and were stored. It
// fails if they are not one JSON object, nest deeper than MaxDepth, lack an id, or have a part of the
// wrong shape.
func DecodeMessage(raw []byte) (Message, error) { return decodeOne("message", raw, decodeMessage) }

// DecodeStatus reads one status's own bytes, as DecodeMessage does a message's.
func DecodeStatus(raw []byte) (Status, error) { return decodeOne("status", raw, decodeStatus) }

// DecodeAutomaticEvent reads one automatic event's own bytes, as DecodeMessage does a message's.
func DecodeAutomaticEvent(raw []byte) (AutomaticEvent, error) {
	return decodeOne("automatic event", raw, decodeAutomaticEvent)
}

func decodeOne[T any](kind string, raw []byte, decode func([]byte) (T, error)) (T, error) {
	err := checkDepth(raw)
	var one T
	if err == nil {
		one, err = decode(bytes.Clone(raw))
	}
	if err != nil {
		return one, fmt.Errorf("decode %s: %w", kind, err)
	}
	return one, nil
}

func decodeNotification(body []byte) (Notification, error) {
	if err := checkDepth(body); err != nil {
		return Notification{}, err
	}
	if !json.Valid(body) {
		return Notification{}, errNotJSON
	}
	if !isObject(body) {
		return Notification{}, errNotObject
	}
	var object text
	var entries []byte
	for key, value := range members(body) {
		switch string(key) {
		case "object":
			if err := object.UnmarshalJSON(value); err != nil {
				return Notification{}, ErrObject
			}
		case "entry":
			entries = value
		}
	}
	if object != "whatsapp_business_account" {
		return Notification{}, ErrObject
	}
	if entries != nil && !isArray(entries) {
		return Notification{}, fmt.Errorf("entry: %w", errNotArray)
	}
	var n Notification
	for raw := range elements(entries) {
		entry, err := decodeEntry(raw)
		if err != nil {
			return Notification{}, fmt.Errorf("entry %d: %w", len(n.Entries), err)
		}
		n.Entries = append(n.Entries, entry)
	}
	return n, nil
}

func decodeEntry(raw []byte) (Entry, error) {
	if !isObject(raw) {
		return Entry{}, errNotObject
	}
	entry := Entry{Raw: raw}
	var changes []byte
	for key, value := range members(raw) {
		switch string(key) {
		case "id":
			var id text
			if err := id.UnmarshalJSON(value); err != nil {
				return Entry{}, fmt.Errorf("id: %w", shapeError(err))
			}
			entry.WABA = string(id)
		case "changes":
			changes = value
		}
	}
	if changes != nil && !isArray(changes) {
		return Entry{}, fmt.Errorf("changes: %w", errNotArray)
	}
	for raw := range elements(changes) {
		change, err := decodeChange(raw)
		if err != nil {
			return Entry{}, fmt.Errorf("change %d: %w", len(entry.Changes), err)
		}
		entry.Changes = append(entry.Changes, change)
	}
	return entry, nil
}

func decodeChange(raw []byte) (Change, error) {
	if !isObject(raw) {
		return Change{}, errNotObject
	}
	var field text
	var value []byte
	for key, v := range members(raw) {
		switch string(key) {
		case "field":
			if err := field.UnmarshalJSON(v); err != nil {
				return Change{}, fmt.Errorf("field: %w", shapeError(err))
			}
		case "value":
			value = v
		}
	}
	c := Change{Field: string(field)}
	c.decodeValue(value)
	return c, nil
}

// decodeValue reads the lists by their own names rather than by field: some fields share them, and a
// new field may carry messages too.
func (c *Change) decodeValue(value []byte) {
	if value != nil && !isObject(value) {
		c.wrongShape("value", value, errNotObject)
	}
	for key, list := range members(value) {
		switch string(key) {
		case "metadata":
			c.decodeMetadata(list)
		case "contacts":
			c.Contacts = decodeAll(c, "contact", list, decodeContact)
		case "messages":
			c.Messages = decodeAll(c, "message", list, decodeMessage)
		case "statuses":
			c.Statuses = decodeAll(c, "status", list, decodeStatus)
		case "message_echoes":
			c.Echoes = decodeAll(c, "echo", list, decodeMessage)
		case "automatic_events":
			c.AutomaticEvents = decodeAll(c, "automatic_event", list, decodeAutomaticEvent)
		case "errors":
			c.Errors = decodeAll(c, "error", list, decodeError)
		case "history":
			for _, chunk := range decodeAll(c, "history", list, object[wireHistory]) {
				c.Errors = append(c.Errors, decodeAll(c, "error", chunk.Errors, decodeError)...)
				for _, thread := range chunk.Threads {
					c.History = append(c.History, decodeAll(c, "history", thread.Messages, decodeMessage)...)
				}
			}
		}
	}
}

func (c *Change) decodeMetadata(raw []byte) {
	meta, err := object[wireMetadata](raw)
	if err != nil {
		c.wrongShape("metadata", raw, err)
		return
	}
	c.PhoneNumberID, c.DisplayNumber = string(meta.PhoneNumberID), string(meta.DisplayPhoneNumber)
}

// decodeAll decodes the items of one list and sets the malformed ones aside.
func decodeAll[T any](c *Change, kind string, list []byte, decode func([]byte) (T, error)) []T {
	if len(list) > 0 && !isArray(list) && !isNull(list) {
		c.wrongShape(kind, list, errNotArray)
	}
	var items []T
	for raw := range elements(list) {
		item, err := decode(raw)
		if err != nil {
			c.malformed(kind, raw, err)
			continue
		}
		items = append(items, item)
	}
	return items
}

// wrongShape sets aside what holds the items. Only of the fields read here is the shape known; the
// others may look as they like.
func (c *Change) wrongShape(kind string, raw []byte, err error) {
	switch c.Field {
	case "messages", "smb_message_echoes", "history", "automatic_events":
		c.malformed(kind, raw, err)
	}
}

func (c *Change) malformed(kind string, raw []byte, err error) {
	c.Malformed = append(c.Malformed, Malformed{Kind: kind, Raw: raw, Err: fmt.Errorf("decode %s: %w", kind, err)})
}

// object unmarshals a JSON object; encoding/json alone would take null for an empty one.
func object[T any](raw []byte) (*T, error) {
	var t *T
	if err := json.Unmarshal(raw, &t); err != nil {
		return nil, shapeError(err)
	}
	if t == nil {
		return nil, errNotObject
	}
	return t, nil
}

// shapeError names the JSON field instead of the Go type, for whoever reads it in quarantine.
func shapeError(err error) error {
	if shape, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if shape.Field == "" {
			return fmt.Errorf("unexpected %s", shape.Value)
		}
		return fmt.Errorf("unexpected %s at %q", shape.Value, shape.Field)
	}
	return err
}
