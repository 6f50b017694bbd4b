package sql

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
)

type deliveryRow struct {
	bun.BaseModel `bun:"table:deliveries"`

	AccountID      string
	ID             []byte
	Status         string
	Reason         string
	Detail         string
	EventID        string
	EventName      string
	EventAt        int64
	ValueMinor     int64
	Currency       string
	Payload        []byte
	ClaimKey       string
	ConversationID []byte
	TriggerID      []byte
	Rule           string
	RuleSet        string
	Why            string
	Clid           string
	AdID           string
	ClickedAt      int64
	DatasetID      string
	TestCode       string
	DueAt          int64
	Attempts       int
	Unknowns       int
	BatchLimit     int
	CallID         []byte
	CreatedAt      int64
	UpdatedAt      int64
}

func rowOf(d forwarder.Delivery) deliveryRow {
	return deliveryRow{
		AccountID: d.Account, ID: d.ID[:], Status: string(d.Status), Reason: string(d.Reason), Detail: d.Detail,
		EventID: d.EventID, EventName: d.EventName, EventAt: micros(d.EventAt),
		ValueMinor: d.Value.Minor, Currency: d.Value.Currency, Payload: d.Payload,
		ClaimKey: d.Claim, ConversationID: d.Conversation[:], TriggerID: d.Trigger[:],
		Rule: d.Rule, RuleSet: d.RuleSet, Why: d.Why, Clid: d.ClickID, AdID: d.AdID, ClickedAt: micros(d.ClickAt),
		DatasetID: d.Dataset, TestCode: d.TestCode, DueAt: micros(d.Due), Attempts: d.Attempts,
		Unknowns: d.Unknowns, BatchLimit: d.BatchLimit, CallID: maybeID(d.Call),
		CreatedAt: micros(d.CreatedAt), UpdatedAt: micros(d.UpdatedAt),
	}
}

func (r deliveryRow) delivery() forwarder.Delivery {
	return forwarder.Delivery{
		Account: r.AccountID, ID: asUUID(r.ID), Status: forwarder.Status(r.Status), Reason: reason.Code(r.Reason), Detail: r.Detail,
		EventID: r.EventID, EventName: r.EventName, EventAt: fromMicros(r.EventAt),
		Value: capi.Money{Minor: r.ValueMinor, Currency: r.Currency}, Payload: r.Payload,
		Claim: r.ClaimKey, Conversation: asUUID(r.ConversationID), Trigger: asUUID(r.TriggerID),
		Rule: r.Rule, RuleSet: r.RuleSet, Why: r.Why, ClickID: r.Clid, AdID: r.AdID, ClickAt: fromMicros(r.ClickedAt),
		Dataset: r.DatasetID, TestCode: r.TestCode, Due: fromMicros(r.DueAt), Attempts: r.Attempts,
		Unknowns: r.Unknowns, BatchLimit: r.BatchLimit, Call: asUUID(r.CallID),
		CreatedAt: fromMicros(r.CreatedAt), UpdatedAt: fromMicros(r.UpdatedAt),
	}
}

func deliveriesOf(rows []deliveryRow) []forwarder.Delivery {
	list := make([]forwarder.Delivery, len(rows))
	for i, r := range rows {
		list[i] = r.delivery()
	}
	return list
}

type claimRow struct {
	bun.BaseModel `bun:"table:claims"`

	AccountID      string
	Key            string
	ConversationID []byte
	DeliveryID     []byte
	CreatedAt      int64
}

var (
	putClaims     = put[claimRow]{"put_claims", orLeave, "delivery_id"}
	putDeliveries = put[deliveryRow]{"put_deliveries", "", ""}
	putLanes      = put[laneRow]{"put_lanes", orLeave, ""}
)

// insertClaims takes the deliveries' claims and returns the deliveries that got theirs.
func (s *Store) insertClaims(ctx context.Context, tx bun.Tx, deliveries []forwarder.Delivery) ([]forwarder.Delivery, error) {
	if len(deliveries) == 0 {
		return nil, nil
	}
	rows := make([]claimRow, len(deliveries))
	for i, d := range deliveries {
		rows[i] = claimRow{
			AccountID: d.Account, Key: d.Claim, ConversationID: d.Conversation[:], DeliveryID: d.ID[:], CreatedAt: micros(d.CreatedAt),
		}
	}
	got, err := putClaims.fresh(ctx, s, tx, rows, func(r claimRow) string { return string(r.DeliveryID) })
	if err != nil {
		return nil, err
	}
	var won []forwarder.Delivery
	for _, d := range deliveries {
		if got[string(d.ID[:])] {
			won = append(won, d)
		}
	}
	return won, nil
}

// insertDeliveries writes the deliveries and sees to it that their accounts have a lane.
func insertDeliveries(ctx context.Context, w *script, deliveries []forwarder.Delivery) error {
	rows := make([]deliveryRow, len(deliveries))
	accounts := map[string]bool{}
	var lanes []laneRow
	for i, d := range deliveries {
		rows[i] = rowOf(d)
		if !accounts[d.Account] {
			accounts[d.Account] = true
			lanes = append(lanes, laneRow{AccountID: d.Account})
		}
	}
	if err := putDeliveries.add(ctx, w, rows); err != nil {
		return err
	}
	return putLanes.add(ctx, w, lanes)
}

// Filter narrows a list of events. Empty fields do not filter.
type Filter struct {
	Account string
	Status  forwarder.Status
	Reason  reason.Code
	Since   time.Time // created at or after
	Limit   int       // most rows. Default 50.
}

func (f Filter) limit() int64 {
	if f.Limit <= 0 {
		return 50
	}
	return int64(f.Limit)
}

// Deliveries lists deliveries, newest first. Without an account it asks for one after another: keys
// begin with the account, so only that goes through an index.
func (s *Store) Deliveries(ctx context.Context, f Filter) ([]forwarder.Delivery, error) {
	accounts := []string{f.Account}
	if f.Account == "" {
		accounts = nil
		if err := s.read.NewRaw("SELECT account_id FROM lanes ORDER BY account_id").Scan(ctx, &accounts); err != nil {
			return nil, fmt.Errorf("list accounts: %w", err)
		}
	}
	var all []deliveryRow
	for _, account := range accounts {
		rows, err := s.deliveriesOf(ctx, account, f)
		if err != nil {
			return nil, fmt.Errorf("list deliveries of %s: %w", account, err)
		}
		all = append(all, rows...)
	}
	slices.SortFunc(all, func(a, b deliveryRow) int { return bytes.Compare(b.ID, a.ID) })
	return deliveriesOf(all[:min(len(all), int(f.limit()))]), nil
}

func (s *Store) deliveriesOf(ctx context.Context, account string, f Filter) ([]deliveryRow, error) {
	q := s.read.NewSelect().Model((*deliveryRow)(nil)).Where("account_id = ?", account).Order("id DESC").Limit(f.limit())
	if f.Status != "" {
		q = q.Where("status = ?", string(f.Status))
	}
	if f.Reason != "" {
		q = q.Where("reason = ?", string(f.Reason))
	}
	if !f.Since.IsZero() {
		q = q.Where("created_at >= ?", micros(f.Since))
	}
	var rows []deliveryRow
	err := q.Scan(ctx, &rows)
	return rows, err
}

// FindDeliveries finds deliveries by our id, by Meta's event id, or by the message that caused them, in
// whatever account they are.
func (s *Store) FindDeliveries(ctx context.Context, id uuid.UUID, eventID string) ([]forwarder.Delivery, error) {
	var rows []deliveryRow
	err := s.read.NewRaw(`
SELECT d.* FROM lanes l JOIN deliveries d ON d.account_id = l.account_id AND d.id = ?
UNION
SELECT d.* FROM deliveries d WHERE d.trigger_id = ?
UNION
SELECT d.* FROM lanes l JOIN deliveries d ON d.account_id = l.account_id AND d.event_name IN (?) AND d.event_id = ?
ORDER BY id DESC LIMIT 50`, id[:], id[:], bun.List(capi.EventNames()), eventID).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("find deliveries: %w", err)
	}
	return deliveriesOf(rows), nil
}

// OpenCount is how many deliveries of an account are in a state that still needs something to happen.
type OpenCount struct {
	AccountID string
	Status    string
	Reason    string
	N         int64
	Oldest    int64 // microseconds: when the oldest was recorded
}

// OpenCounts counts what is queued, sending or held, by account, state and reason. It reads partial
// indexes: what has reached its end, which is nearly everything, costs nothing.
func (s *Store) OpenCounts(ctx context.Context) ([]OpenCount, error) {
	var rows []OpenCount
	err := s.read.NewRaw(`
SELECT account_id, 'queued' AS status, '' AS reason, count(*) AS n, min(created_at) AS oldest
FROM deliveries WHERE status = 'queued' GROUP BY account_id
UNION ALL
SELECT account_id, 'sending', '', count(*), 0 FROM deliveries WHERE status = 'sending' GROUP BY account_id
UNION ALL
SELECT account_id, 'held', reason, count(*), min(created_at) FROM deliveries WHERE status = 'held' GROUP BY account_id, reason
ORDER BY 1, 2, 3`).Scan(ctx, &rows)
	return rows, err
}
