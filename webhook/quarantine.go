package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/clickthread/clickthread/attribution"
)

// unrecorded is a body that waits in quarantine.
func (in *Intake) unrecorded(at time.Time, why, waba, detail string, body []byte) attribution.Unrecorded {
	if why == Malformed {
		in.Log.Warn("signed notification that cannot be read; it goes to quarantine", "waba", waba, "detail", detail, "bytes", len(body))
	}
	return attribution.Unrecorded{ReceivedAt: at, Reason: why, WABA: waba, Detail: detail, Body: body}
}

// keep writes to quarantine.
func (in *Intake) keep(ctx context.Context, list ...attribution.Unrecorded) error {
	if err := in.Quarantine.Quarantine(ctx, list); err != nil {
		return err
	}
	in.Stats.Quarantined.Add(int64(len(list)))
	return nil
}

// keepAside writes what a batch's notifications have for the quarantine, in one transaction, and returns those
// notifications that have messages to be recorded yet. The others are told.
func (in *Intake) keepAside(ctx context.Context, batch []*pending) (rest []*pending) {
	var all []attribution.Unrecorded
	for _, p := range batch {
		all = append(all, p.aside...)
	}
	if len(all) == 0 {
		return batch
	}
	err := in.keep(ctx, all...)
	for _, p := range batch {
		mine := err
		if culprit(err) && len(p.aside) > 0 { // whose fault it is
			mine = in.keep(ctx, p.aside...)
		}
		switch {
		case len(p.aside) > 0 && mine != nil:
			p.done <- mine
		case len(p.messages) == 0:
			p.done <- nil
		default:
			rest = append(rest, p)
		}
	}
	return rest
}

// quarantineMessage keeps one message that cannot be planned. What was reported to us is no part of a
// notification: whoever reported it hears the error and keeps it.
func (in *Intake) quarantineMessage(ctx context.Context, m *attribution.Arrival, why error) error {
	in.Log.Error("a message could not be planned. Please report this", "account", m.Account, "source", m.Source, "error", why,
		"next", "it is in quarantine; after an upgrade: clickthread run replan")
	if m.Source == attribution.Report {
		return why
	}
	u, err := in.setAside(m, PlanFailed, why.Error())
	if err != nil {
		return err
	}
	return in.keep(ctx, u)
}

// setAside makes a notification of its own of one part of a notification, for the quarantine.
func (in *Intake) setAside(m *attribution.Arrival, why, detail string) (attribution.Unrecorded, error) {
	a, _ := in.Accounts.ByID(m.Account)
	field, list := "messages", "messages"
	switch m.Source {
	case attribution.Echo:
		field, list = "smb_message_echoes", "message_echoes"
	case attribution.Status:
		list = "statuses"
	case attribution.Detected:
		field, list = "automatic_events", "automatic_events"
	}
	value := map[string]any{
		"metadata": map[string]string{"phone_number_id": m.Number}, list: []json.RawMessage{m.Body},
	}
	body, err := json.Marshal(map[string]any{"object": "whatsapp_business_account", "entry": []any{
		map[string]any{"id": a.WABAID, "changes": []any{map[string]any{"field": field, "value": value}}},
	}})
	if err != nil {
		return attribution.Unrecorded{}, fmt.Errorf("keep message: %w", err)
	}
	return in.unrecorded(m.ReceivedAt, why, a.WABAID, detail, body), nil
}
