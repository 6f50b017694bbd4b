package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/whatsapp"
)

// Recorder stores a batch of messages and all they cause in one transaction, deciding inside it.
type Recorder interface {
	Key(messageID string) [16]byte
	Record(ctx context.Context, now time.Time, batch []*attribution.Arrival,
		decide func(*attribution.Snapshot) ([]forwarder.Delivery, error)) (fresh int, deliveries []forwarder.Delivery, err error)
	AddCounts(ctx context.Context, now time.Time, counts map[attribution.Count]int) error
}

// Quarantine keeps what could not be recorded.
type Quarantine interface {
	Quarantine(ctx context.Context, at time.Time, reason, waba, detail string, body []byte) error
	Replay(ctx context.Context, reason, waba string, fn func(receivedAt time.Time, body []byte) error) (int, error)
}

// Why something is in quarantine.
const (
	Malformed   = "malformed"    // signed, but not what a notification looks like
	UnknownWABA = "unknown_waba" // of an account that is not in the settings
	PlanFailed  = "plan_failed"  // our own fault: planning it failed
)

// Intake turns notifications into records.
type Intake struct {
	Recorder   Recorder
	Quarantine Quarantine
	Planner    *Planner
	Accounts   *account.Registry
	Wake       func() // called after each commit that left something to send
	Now        func() time.Time
	NewID      func() uuid.UUID
	Log        *slog.Logger
	Stats      *Stats

	mu       sync.Mutex
	counts   map[attribution.Count]int // statuses since the last flush
	saidWABA map[string]time.Time      // when an unknown WABA was last said
}

// errPlan marks failures that the same bytes will always cause.
var errPlan = errors.New("plan")

// Receive records one signed notification. An error means that nothing can be promised and the
// sender has to send again; what could never be recorded is in quarantine instead.
func (in *Intake) Receive(ctx context.Context, body []byte) error {
	return in.receive(ctx, in.Now(), body)
}

// ReplayUnknown records what waited for accounts that are known by now, as of the time it was
// received, and returns how many notifications that were (ledger 4).
func (in *Intake) ReplayUnknown(ctx context.Context) (int, error) {
	total := 0
	for _, a := range in.Accounts.All() {
		n, err := in.Quarantine.Replay(ctx, UnknownWABA, a.WABAID, func(receivedAt time.Time, body []byte) error {
			return in.receive(ctx, receivedAt, body)
		})
		total += n
		if err != nil {
			return total, err
		}
		if n > 0 {
			in.Log.Info("notifications that waited for their account are recorded", "account", a.ID, "notifications", n)
		}
	}
	return total, nil
}

func (in *Intake) receive(ctx context.Context, now time.Time, body []byte) error {
	n, err := whatsapp.Decode(body)
	if err != nil {
		return in.quarantine(ctx, now, Malformed, "", err.Error(), body)
	}
	var batch []*attribution.Arrival
	for _, entry := range n.Entries {
		a, known := in.Accounts.ByWABA(entry.WABA)
		if !known {
			if err := in.quarantineEntry(ctx, now, entry); err != nil {
				return err
			}
			continue
		}
		for _, change := range entry.Changes {
			arrivals, err := in.arrivals(ctx, now, a, change)
			if err != nil {
				return err
			}
			batch = append(batch, arrivals...)
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return in.record(ctx, now, batch, body)
}

// record stores the batch; what cannot be planned goes to quarantine whole.
func (in *Intake) record(ctx context.Context, now time.Time, batch []*attribution.Arrival, body []byte) error {
	fresh, deliveries, err := in.Recorder.Record(ctx, now, batch, in.Planner.Plan)
	if errors.Is(err, errPlan) {
		in.Log.Error("notification could not be planned; it is in quarantine", "error", err)
		return in.quarantine(ctx, now, PlanFailed, "", err.Error(), body)
	}
	if err != nil {
		return fmt.Errorf("record notification: %w", err)
	}
	in.Stats.Messages.Add(int64(fresh))
	in.Stats.Duplicates.Add(int64(len(batch) - fresh))
	for _, d := range deliveries {
		in.Log.Info("event recorded", "account", d.Account, "event", d.EventName, "delivery", d.ID,
			"status", d.Status, "reason", d.Reason, "rule", d.Rule)
		if d.Status == forwarder.Queued {
			in.Wake()
		}
	}
	return nil
}

// arrivals are the messages of one change that its account listens to. Statuses are counted; what
// nothing uses is counted too, so that the sums add up.
func (in *Intake) arrivals(ctx context.Context, now time.Time, a account.Account, change whatsapp.Change) ([]*attribution.Arrival, error) {
	in.countStatuses(a.ID, change.Statuses)
	in.Stats.NotStored.Add(int64(len(change.History) + len(change.Echoes) + len(change.AutomaticEvents)))
	for _, m := range change.Malformed {
		detail := fmt.Sprintf("%s: %v", m.Kind, m.Err)
		if err := in.quarantine(ctx, now, Malformed, a.WABAID, detail, m.Raw); err != nil {
			return nil, err
		}
	}
	if !a.Listens(change.PhoneNumberID) {
		in.Stats.OtherNumbers.Add(int64(len(change.Messages)))
		return nil, nil
	}
	var arrivals []*attribution.Arrival
	for _, m := range change.Messages {
		if m.ID == "" || m.WAID == "" && m.UserID == "" {
			if err := in.quarantine(ctx, now, Malformed, a.WABAID, "message: no id, or no sender", m.Raw); err != nil {
				return nil, err
			}
			continue
		}
		arrivals = append(arrivals, in.arrival(now, a, change.PhoneNumberID, m))
	}
	return arrivals, nil
}

// arrival gives a message its place in time: its own timestamp, never later than now, and now where
// it has none.
func (in *Intake) arrival(now time.Time, a account.Account, number string, m whatsapp.Message) *attribution.Arrival {
	at := m.Timestamp
	if at.IsZero() || at.After(now) {
		at = now
	}
	arrival := &attribution.Arrival{
		Account: a.ID, Number: number, ID: in.NewID(), Key: in.Recorder.Key(m.ID), Type: m.Type,
		From: attribution.Identity{WAID: m.WAID, UserID: m.UserID},
		At:   at, ReceivedAt: now, Body: m.Raw,
	}
	if s := m.System; s != nil && (s.Type == whatsapp.UserChangedNumber || s.Type == whatsapp.UserChangedUserID) {
		arrival.Becomes = attribution.Identity{WAID: s.WAID, UserID: s.UserID}
	}
	if r := m.Referral; r != nil {
		arrival.Referral = &attribution.Click{
			ClickID: r.ClickID, AdID: r.SourceID, SourceType: r.SourceType, SourceURL: r.SourceURL, Headline: r.Headline,
		}
	}
	return arrival
}

// quarantineEntry keeps the part of a notification that belongs to an account we do not know, as a
// notification of its own: accounts are walls, also in quarantine.
func (in *Intake) quarantineEntry(ctx context.Context, now time.Time, entry whatsapp.Entry) error {
	body, err := json.Marshal(struct {
		Object string            `json:"object"`
		Entry  []json.RawMessage `json:"entry"`
	}{"whatsapp_business_account", []json.RawMessage{entry.Raw}})
	if err != nil {
		return fmt.Errorf("keep entry: %w", err)
	}
	if in.sayOnce(entry.WABA, now) {
		in.Log.Warn("notification of an unknown WhatsApp Business Account; kept 7 days and replayed when the account is added",
			"waba", entry.WABA, "next", "add it under accounts: with waba_id in the settings file, then restart")
	}
	return in.quarantine(ctx, now, UnknownWABA, entry.WABA, "", body)
}

func (in *Intake) quarantine(ctx context.Context, now time.Time, why, waba, detail string, body []byte) error {
	if err := in.Quarantine.Quarantine(ctx, now, why, waba, detail, body); err != nil {
		return err
	}
	in.Stats.Quarantined.Add(1)
	if why == Malformed {
		in.Log.Warn("signed notification that cannot be read; it is in quarantine", "waba", waba, "detail", detail, "bytes", len(body))
	}
	return nil
}

// sayOnce is true once per WABA and hour (ledger 4).
func (in *Intake) sayOnce(waba string, now time.Time) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if last, said := in.saidWABA[waba]; said && now.Sub(last) < time.Hour {
		return false
	}
	if in.saidWABA == nil || len(in.saidWABA) > 1000 {
		in.saidWABA = map[string]time.Time{}
	}
	in.saidWABA[waba] = now
	return true
}

func (in *Intake) countStatuses(accountID string, statuses []whatsapp.Status) {
	if len(statuses) == 0 {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.counts == nil {
		in.counts = map[attribution.Count]int{}
	}
	for _, s := range statuses {
		in.counts[attribution.Count{Account: accountID, Kind: statusKind(s.State)}]++
	}
}

// statusKind keeps the counters to the states that Meta documents: a state is outside input.
func statusKind(state string) string {
	switch state {
	case "sent", "delivered", "read", "failed", "played", "deleted":
		return "status_" + state
	}
	return "status_other"
}

// FlushCounts writes the counts of statuses and returns how many kinds it wrote (ledger 6).
func (in *Intake) FlushCounts(ctx context.Context) (int, error) {
	in.mu.Lock()
	counts := in.counts
	in.counts = nil
	in.mu.Unlock()
	if err := in.Recorder.AddCounts(ctx, in.Now(), counts); err != nil {
		in.mu.Lock()
		defer in.mu.Unlock()
		if in.counts == nil {
			in.counts = map[attribution.Count]int{}
		}
		for c, n := range counts {
			in.counts[c] += n
		}
		return 0, fmt.Errorf("flush counts: %w", err)
	}
	return len(counts), nil
}
