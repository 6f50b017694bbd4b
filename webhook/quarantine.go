package webhook

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/clickthread/clickthread/attribution"
)

// quarantineMessage keeps one message that cannot be planned. What was reported to us is no part of a
// notification: whoever reported it hears the error and keeps it.
func (in *Intake) quarantineMessage(ctx context.Context, m *attribution.Arrival, why error) error {
	in.Log.Error("a message could not be planned. Please report this", "account", m.Account, "source", m.Source, "error", why,
		"next", "it is in quarantine; after an upgrade: clickthread run replan")
	if m.Source == attribution.Report {
		return why
	}
	return in.setAside(ctx, m, PlanFailed, why.Error())
}

// setAside keeps one part of a notification in quarantine, as a notification of its own.
func (in *Intake) setAside(ctx context.Context, m *attribution.Arrival, why, detail string) error {
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
		return fmt.Errorf("keep message: %w", err)
	}
	return in.quarantine(ctx, m.ReceivedAt, why, a.WABAID, detail, body)
}
