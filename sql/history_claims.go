package sql

import (
	"context"
	"fmt"

	"github.com/clickthread/clickthread/forwarder"
)

// What stands in a past that is judged anew.

// InTheWay finds the deliveries that stand and have the claim of one that is wanted, or the name and id of
// its event: each of these exists once. What a wanted one leaves empty is not asked for.
func (h *History) InTheWay(ctx context.Context, wanted []forwarder.Delivery) ([]forwarder.Delivery, error) {
	var keys, ids [][]any
	for _, d := range wanted {
		if d.Claim != "" {
			keys = append(keys, []any{h.account, d.Claim})
		}
		if d.EventID == "" {
			continue
		}
		some, err := h.some(ctx, d.EventName)
		if err != nil {
			return nil, err
		}
		if some {
			ids = append(ids, []any{h.account, d.EventName, d.EventID})
		}
	}
	list, err := h.standing(ctx, "key", "text,text", keys)
	if err != nil {
		return nil, err
	}
	more, err := h.standing(ctx, "event_name, event_id", "text,text,text", ids)
	return append(list, more...), err
}

// some reports whether events of a name stand at all; it is looked up once.
func (h *History) some(ctx context.Context, event string) (some bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if some, known := h.stands[event]; known {
		return some, nil
	}
	err = h.store.read.NewRaw("SELECT EXISTS (SELECT 1 FROM claims c WHERE c.account_id = ? AND c.event_name = ? AND "+stands+")",
		h.account, event, micros(h.from), idBytes(h.from)).Scan(ctx, &some)
	if err != nil {
		return false, fmt.Errorf("read claims of %s: %w", h.account, err)
	}
	h.stands[event] = some
	return some, nil
}

// stands is the condition of standing; its arguments are when the span begins and the least id from then on.
const stands = `(c.created_at < ? OR c.trigger_id < ? OR NOT EXISTS (
    SELECT 1 FROM messages m WHERE m.account_id = c.account_id AND m.id = c.trigger_id AND m.body IS NOT NULL))`

// standing finds deliveries, and claims without one, by columns of their claims. Those stand that were
// recorded before the span, and those whose message is older than it or has no text any more: nobody who
// judges the messages of the span can come to them. As in all that is asked about many rows, the account
// stands in each of them: alone, a planner would take it for a good way in (docs/adr/0004).
func (h *History) standing(ctx context.Context, columns, types string, values [][]any) ([]forwarder.Delivery, error) {
	if len(values) == 0 {
		return nil, nil
	}
	match := "c.conversation_id = a.conversation_id"
	switch columns {
	case "key":
		match = "c.key = a.key"
	case "event_name, event_id":
		match = "c.event_name = a.event_name AND c.event_id = a.event_id"
	}
	var rows []deliveryRow
	err := h.store.read.NewRaw(`
WITH asked (account_id, `+columns+`) AS (?)
SELECT c.account_id, c.delivery_id AS id, c.conversation_id, c.trigger_id, c.key AS claim_key, c.event_name, c.event_id, c.created_at,
    coalesce(d.status, '') AS status, coalesce(d.reason, '') AS reason, coalesce(d.rule, '') AS rule, coalesce(d.clid, '') AS clid,
    coalesce(d.event_at, 0) AS event_at, coalesce(d.due_at, 0) AS due_at, coalesce(d.updated_at, 0) AS updated_at, d.cancel_if
FROM asked a CROSS JOIN claims c
LEFT JOIN deliveries d ON d.account_id = c.account_id AND d.id = c.delivery_id
WHERE c.account_id = a.account_id AND `+match+` AND `+stands+`
ORDER BY c.created_at, c.key`, among(types, values), micros(h.from), idBytes(h.from)).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("read claims of %s: %w", h.account, err)
	}
	return deliveriesOf(rows), nil
}
