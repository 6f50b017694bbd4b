package capi

import "encoding/json"

// Sender is what an event names as its sender: a WhatsApp Business Account, or a Page.
type Sender struct{ WABAID, PageID string }

// Named is what an event of both names: the Page, if there is one.
func (s Sender) Named() Sender {
	if s.PageID != "" {
		s.WABAID = ""
	}
	return s
}

// SenderOf reads the sender from the bytes of an [Event]; it is empty where they name none.
func SenderOf(event []byte) Sender {
	var wire struct {
		UserData wireUserData `json:"user_data"`
	}
	if json.Unmarshal(event, &wire) != nil {
		return Sender{}
	}
	return Sender{WABAID: wire.UserData.WABAID, PageID: wire.UserData.PageID}
}

// SenderRefused reports that Meta refuses what the events name as their sender. That stands in their bytes, so
// events that name another may be taken.
func (e *Error) SenderRefused() bool { return e.explanation().Sender }
