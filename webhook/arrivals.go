package webhook

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/whatsapp"
)

// collect takes from one change what its account listens to. What nothing uses is counted, so that
// nothing goes by unseen.
func (in *Intake) collect(ctx context.Context, now time.Time, p *pending, a account.Account, change whatsapp.Change) error {
	for _, m := range change.Malformed {
		detail := fmt.Sprintf("%s: %v", m.Kind, m.Err)
		p.aside = append(p.aside, in.unrecorded(now, Malformed, a.WABAID, detail, m.Raw))
	}
	for _, s := range change.Statuses {
		p.add(a.ID, statusKind(s.State), 1)
	}
	for _, e := range change.Errors {
		p.add(a.ID, "whatsapp_error", 1)
		// The title is Meta's fixed text for the code; the details may name a person.
		in.Log.Warn("WhatsApp reports an error of the account", "account", a.ID, "code", e.Code, "title", e.Title)
	}
	switch {
	case !slices.Contains([]string{"messages", "smb_message_echoes", "automatic_events"}, change.Field):
		p.add(a.ID, fieldKind(change.Field), 1)
		return nil
	case !a.Listens(change.PhoneNumberID):
		p.add(a.ID, "other_number", len(change.Messages)+len(change.Echoes)+len(change.AutomaticEvents))
		return nil
	}
	switch change.Field {
	case "automatic_events":
		return in.collectDetected(ctx, now, p, a, change)
	case "smb_message_echoes":
		in.collectMessages(now, p, a, change.PhoneNumberID, attribution.Echo, change.Echoes)
		return nil
	}
	in.collectStatuses(now, p, a, change)
	in.collectMessages(now, p, a, change.PhoneNumberID, attribution.Customer, change.Messages)
	return nil
}

func (in *Intake) collectMessages(now time.Time, p *pending, a account.Account, number string,
	source attribution.Source, messages []whatsapp.Message,
) {
	for _, m := range messages {
		w := what{
			id: m.ID, source: source, kind: m.Type, at: m.Timestamp, body: m.Raw, said: &m,
			who: attribution.Identity{WAID: m.WAID, UserID: m.UserID},
		}
		if source == attribution.Echo {
			w.who = attribution.Identity{WAID: m.To, UserID: m.ToUserID}
		}
		if w.who == (attribution.Identity{}) {
			p.aside = append(p.aside, in.unrecorded(now, Malformed, a.WABAID, "message: nobody is named", m.Raw))
			continue
		}
		if m.DashboardTest() {
			in.Log.Info("Meta's dashboard test message arrived: the subscription works", "account", a.ID)
		}
		arrival := in.arrival(now, a, number, w)
		if source == attribution.Customer {
			tellOfPerson(arrival, m)
		}
		p.messages = append(p.messages, arrival)
	}
}

// tellOfPerson adds what only a shopper's own message says: a new identity, or the ad it came from.
func tellOfPerson(arrival *attribution.Arrival, m whatsapp.Message) {
	if s := m.System; s != nil && (s.Type == whatsapp.UserChangedNumber || s.Type == whatsapp.UserChangedUserID) {
		arrival.Becomes = attribution.Identity{WAID: s.WAID, UserID: s.UserID}
	}
	if r := m.Referral; r != nil {
		arrival.Referral = &attribution.Click{
			ClickID: r.ClickID, AdID: r.SourceID, SourceType: r.SourceType, SourceURL: r.SourceURL, Headline: r.Headline,
		}
	}
}

// collectStatuses takes the statuses of templates, where a rule listens to them (ledger 6).
func (in *Intake) collectStatuses(now time.Time, p *pending, a account.Account, change whatsapp.Change) {
	if len(change.Statuses) == 0 || !in.Planner.Rules.Set(a.ID).Hears().Templates {
		return
	}
	for _, s := range change.Statuses {
		who := attribution.Identity{WAID: s.WAID, UserID: s.UserID}
		_, told := parseTemplate(s.CallbackData)
		if !told || who == (attribution.Identity{}) || !slices.Contains([]string{"sent", "delivered", "read"}, s.State) {
			continue
		}
		p.messages = append(p.messages, in.arrival(now, a, change.PhoneNumberID, what{
			id: statusID(s.ID, s.State), source: attribution.Status, kind: "status", at: s.Timestamp, body: s.Raw, who: who,
		}))
	}
}

// statusID names one status of a message, among the ids of messages.
func statusID(messageID, state string) string { return messageID + "/" + state }

// collectDetected takes the conversions that Meta detected. They name no person, only the click: one
// whose click is not known yet waits in quarantine for it.
func (in *Intake) collectDetected(ctx context.Context, now time.Time, p *pending, a account.Account, change whatsapp.Change) error {
	for _, e := range change.AutomaticEvents {
		if e.ClickID == "" { // of an ad in WhatsApp Status, or of the dashboard's test button
			p.add(a.ID, "automatic_without_click", 1)
			continue
		}
		at := happened(e.Timestamp, now)
		who, number, ok, err := in.Recorder.WhoClicked(ctx, a.ID, e.ClickID, at)
		if err != nil {
			return fmt.Errorf("look for the click of an automatic event: %w", err)
		}
		w := what{id: automaticID(e), source: attribution.Detected, kind: "automatic", at: at, body: e.Raw, who: who}
		arrival := in.arrival(now, a, number, w)
		if ok {
			p.messages = append(p.messages, arrival)
			continue
		}
		arrival.Number = change.PhoneNumberID
		u, err := in.setAside(arrival, UnknownClick, "")
		if err != nil {
			return err
		}
		p.aside = append(p.aside, u)
	}
	return nil
}

// automaticID names a conversion that Meta detected, among the ids of messages.
func automaticID(e whatsapp.AutomaticEvent) string { return "automatic/" + e.EventName + "/" + e.ID }

// what is one thing that happened, before it has its place in the ledger.
type what struct {
	id     string // its dedupe key is made of it
	source attribution.Source
	kind   string
	at     time.Time
	who    attribution.Identity
	body   []byte
	said   *whatsapp.Message
}

func (in *Intake) arrival(now time.Time, a account.Account, number string, w what) *attribution.Arrival {
	arrival := &attribution.Arrival{
		Account: a.ID, Number: number, ID: in.NewID(), Key: in.Recorder.Key(w.id), Source: w.source, Type: w.kind,
		From: w.who, At: happened(w.at, now), ReceivedAt: now, Body: w.body, Said: w.said, Forget: in.ForgetText,
	}
	in.Planner.Ask(arrival)
	return arrival
}

// happened is a thing's own time, never later than now, and now where it has none.
func happened(at, now time.Time) time.Time {
	if at.IsZero() || at.After(now) {
		return now
	}
	return at
}
