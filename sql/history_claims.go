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
			keys = append(keys, []any{d.Claim})
		}
		if d.EventID != "" {
			ids = append(ids, []any{d.EventName, d.EventID})
		}
	}
	list, err := h.standing(ctx, "key", "text", keys)
	if err != nil {
		return nil, err
	}
	more, err := h.standing(ctx, "event_name, event_id", "text,text", ids)
	return append(list, more...), err
}

// standing finds deliveries, and claims without one, by columns of their claims. Those stand that were
// recorded before the span, and those whose message is older than it or has no text any more: nobody who
// judges the messages of the span can come to them.
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
WITH asked (`+columns+`) AS (?)
SELECT c.account_id, c.delivery_id AS id, c.conversation_id, c.trigger_id, c.key AS claim_key, c.event_name, c.event_id, c.created_at,
    coalesce(d.status, '') AS status, coalesce(d.reason, '') AS reason, coalesce(d.rule, '') AS rule, coalesce(d.clid, '') AS clid,
    coalesce(d.event_at, 0) AS event_at, coalesce(d.due_at, 0) AS due_at, coalesce(d.updated_at, 0) AS updated_at, d.cancel_if
FROM asked a CROSS JOIN claims c
LEFT JOIN deliveries d ON d.account_id = c.account_id AND d.id = c.delivery_id
WHERE c.account_id = ? AND `+match+` AND (c.created_at < ? OR c.trigger_id < ? OR NOT EXISTS (
    SELECT 1 FROM messages m WHERE m.account_id = c.account_id AND m.id = c.trigger_id AND m.body IS NOT NULL))
ORDER BY c.created_at, c.key`, among(types, values), h.account, micros(h.from), idBytes(h.from)).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("read claims of %s: %w", h.account, err)
	}
	return deliveriesOf(rows), nil
}
