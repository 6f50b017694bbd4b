package sql

import (
	"cmp"
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/attribution"
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
	Revision       int
	CallID         []byte
	CreatedAt      int64
	UpdatedAt      int64
	CancelIf       []byte
}

func rowOf(d forwarder.Delivery) deliveryRow {
	return deliveryRow{
		AccountID: d.Account, ID: d.ID[:], Status: string(d.Status), Reason: string(d.Reason), Detail: d.Detail,
		EventID: d.EventID, EventName: d.EventName, EventAt: micros(d.EventAt),
		ValueMinor: d.Value.Minor, Currency: d.Value.Currency, Payload: d.Payload,
		ClaimKey: d.Claim, ConversationID: d.Conversation[:], TriggerID: d.Trigger[:],
		Rule: d.Rule, RuleSet: d.RuleSet, Why: d.Why, Clid: d.ClickID, AdID: d.AdID, ClickedAt: micros(d.ClickAt),
		DatasetID: d.Dataset, TestCode: d.TestCode, DueAt: micros(d.Due), Attempts: d.Attempts,
		Unknowns: d.Unknowns, BatchLimit: d.BatchLimit, Revision: d.Revision, CallID: maybeID(d.Call),
		CreatedAt: micros(d.CreatedAt), UpdatedAt: micros(d.UpdatedAt), CancelIf: d.CancelIf,
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
		Unknowns: r.Unknowns, BatchLimit: r.BatchLimit, Revision: r.Revision, Call: asUUID(r.CallID),
		CreatedAt: fromMicros(r.CreatedAt), UpdatedAt: fromMicros(r.UpdatedAt), CancelIf: r.CancelIf,
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
	EventName      string
	EventID        string
	ConversationID []byte
	TriggerID      []byte
	DeliveryID     []byte
	CreatedAt      int64
}

var (
	putClaims     = put[claimRow]{"put_claims", orLeave, "delivery_id", onBoth}
	takeClaims    = put[claimRow]{"take_claims", "", "", onlyPostgres}
	putDeliveries = put[deliveryRow]{"put_deliveries", "", "", onBoth}

	// makeLanes asks first: an insert that meets a lane which is being leased waits until that is done.
	makeLanes = question{"make_lanes", `
WITH needed (account_id) AS (?)
INSERT INTO lanes (account_id, holder, epoch, lease_until, paused_until, pause_words)
SELECT n.account_id, '', 0, 0, 0, '' FROM needed n WHERE NOT EXISTS (SELECT 1 FROM lanes l WHERE l.account_id = n.account_id)
ON CONFLICT DO NOTHING`, []string{"text[]"}, onBoth}
)

// insertClaims takes the deliveries' claims and returns the deliveries that got theirs. A claim that the plan
// did not know is rare. So on a shared database all are taken at first, or none: then the transaction is begun
// again, and asks which are free.
func insertClaims(ctx context.Context, w *script, deliveries []forwarder.Delivery) ([]forwarder.Delivery, error) {
	rows := make([]claimRow, len(deliveries))
	for i, d := range deliveries {
		rows[i] = claimRow{
			AccountID: d.Account, Key: d.Claim, EventName: d.EventName, EventID: d.EventID, ConversationID: d.Conversation[:],
			TriggerID: d.Trigger[:], DeliveryID: d.ID[:], CreatedAt: micros(d.CreatedAt),
		}
	}
	slices.SortFunc(rows, func(a, b claimRow) int { // ledger 1: two nodes in any other order could deadlock
		return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.Key, b.Key))
	})
	if w.store.home.shared && !w.again {
		return slices.Clone(deliveries), takeClaims.add(ctx, w, rows)
	}
	got, err := putClaims.fresh(ctx, w, rows, func(r claimRow) string { return string(r.DeliveryID) })
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

// countLost counts the deliveries that did not get their claim, because they leave no row.
func countLost(snap *attribution.Snapshot, planned, won []forwarder.Delivery) {
	lost := map[string]int{}
	for _, d := range planned {
		lost[d.Account]++
	}
	for _, d := range won {
		lost[d.Account]--
	}
	for account, n := range lost {
		for range n {
			snap.Add(account, "blocked") // as a match that once blocks
		}
	}
}

// insertDeliveries writes the deliveries and sees to it that their accounts have a lane.
func insertDeliveries(ctx context.Context, w *script, deliveries []forwarder.Delivery) error {
	rows := make([]deliveryRow, len(deliveries))
	accounts := map[string]bool{}
	var lanes [][]any
	for i, d := range deliveries {
		rows[i] = rowOf(d)
		if !accounts[d.Account] {
			accounts[d.Account] = true
			lanes = append(lanes, []any{d.Account})
		}
	}
	if err := putDeliveries.add(ctx, w, rows); err != nil || len(lanes) == 0 {
		return err
	}
	return w.add(ctx, makeLanes.about(lanes))
}
