package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/clickthread/clickthread/attribution"
)

// Sent is a message that the business sent, as the sender reports it: Meta's webhooks do not tell the
// text of what goes out through the Cloud API. It is stored as its JSON.
type Sent struct {
	ID       string        `json:"id"`                // Meta's message id
	WAID     string        `json:"to,omitempty"`      // the shopper's phone number as WhatsApp writes it
	UserID   string        `json:"user_id,omitempty"` // or the business-scoped user id
	Number   string        `json:"phone_number_id"`
	At       time.Time     `json:"at,omitzero"` // zero, or later than now: now
	Text     string        `json:"text,omitempty"`
	Template *SentTemplate `json:"template,omitempty"` // in place of Text
}

// SentTemplate is the template of a message. Parameters are those of its body, by number from "1" or by
// name.
type SentTemplate struct {
	Name       string            `json:"name"`
	Language   string            `json:"language,omitempty"`
	Parameters map[string]string `json:"parameters,omitempty"`
}

// ErrReport says that a report of a sent message lacks something; the error says what.
var ErrReport = errors.New("the report cannot be taken")

// Said records what an account says it sent, as if Meta had told it: "we_say" and "we_send_template" hear
// it, and "last_amount_we_quoted" finds it. The same message is taken once, whether it is reported twice
// or comes as an echo too. The error is ErrReport, ErrBusy, or the storage's: then nothing was stored.
func (in *Intake) Said(ctx context.Context, accountID string, s Sent) error {
	a, known := in.Accounts.ByID(accountID)
	switch {
	case !known:
		return fmt.Errorf("%w: no account has this id", ErrReport)
	case s.ID == "":
		return fmt.Errorf("%w: it has no message id", ErrReport)
	case s.WAID == "" && s.UserID == "":
		return fmt.Errorf("%w: it does not say whom the message was sent to", ErrReport)
	case s.Number == "" || !a.Listens(s.Number):
		return fmt.Errorf("%w: its phone_number_id is not of this account", ErrReport)
	case (s.Text == "") == (s.Template == nil):
		return fmt.Errorf("%w: it needs either a text or a template", ErrReport)
	}
	body, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("keep report: %w", err)
	}
	if bytes.Contains(body, []byte(`\u0000`)) { // no text of a database may hold one
		return fmt.Errorf("%w: it holds a NUL character", ErrReport)
	}
	arrival := in.arrival(in.Now(), a, s.Number, what{
		id: s.ID, source: attribution.Report, kind: "text", at: s.At, body: body,
		who: attribution.Identity{WAID: s.WAID, UserID: s.UserID},
	})
	if s.Template != nil {
		arrival.Type = "template"
		arrival.Key = in.Recorder.Key(statusID(s.ID, "sent")) // Meta's own status tells nothing new
	}
	p := newPending()
	p.messages = []*attribution.Arrival{arrival}
	return in.record(ctx, p)
}
