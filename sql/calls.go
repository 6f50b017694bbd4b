package sql

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/forwarder"
)

type attemptRow struct {
	bun.BaseModel `bun:"table:attempts"`

	AccountID  string
	DeliveryID []byte
	CallID     []byte
}

// SettledCall is a call as a person is shown it: what was asked and what Meta answered.
type SettledCall struct {
	ID         uuid.UUID
	Outcome    forwarder.Outcome
	Events     int
	Revision   int // of the bytes it carried
	StartedAt  time.Time
	EndedAt    time.Time
	HTTPStatus int
	Code       int
	Subcode    int
	Words      string
	TraceID    string
	Answer     []byte
}

// Calls returns every call that carried a delivery, oldest first.
func (s *Store) Calls(ctx context.Context, d forwarder.Delivery) ([]SettledCall, error) {
	var rows []callRow
	err := s.read.NewSelect().Model(&rows).
		Where("account_id = ?", d.Account).
		Where("id = ? OR id IN (SELECT call_id FROM attempts WHERE account_id = ? AND delivery_id = ?)", d.Call[:], d.Account, d.ID[:]).
		Order("id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read calls: %w", err)
	}
	calls := make([]SettledCall, len(rows))
	for i, r := range rows {
		calls[i] = SettledCall{
			ID: asUUID(r.ID), Outcome: forwarder.Outcome(r.Outcome), Events: r.Events, Revision: r.Revision,
			StartedAt: fromMicros(r.StartedAt), EndedAt: fromMicros(r.EndedAt), HTTPStatus: r.HTTPStatus,
			Code: r.Code, Subcode: r.Subcode, Words: r.Words, TraceID: r.TraceID, Answer: r.Answer,
		}
	}
	return calls, nil
}
