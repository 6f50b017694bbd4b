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
		decide func(*attribution.Snapshot, []forwarder.Delivery) (forwarder.Changes, error)) (fresh int, deliveries []forwarder.Delivery, err error)
	WhoClicked(ctx context.Context, account, clickID string, at time.Time) (who attribution.Identity, number string, ok bool, err error)
	AddCounts(ctx context.Context, now time.Time, counts map[attribution.Count]int) error
}

// Quarantine keeps what could not be recorded.
type Quarantine interface {
	Quarantine(ctx context.Context, list []attribution.Unrecorded) error
	Replay(ctx context.Context, reason, waba string, fn func(receivedAt time.Time, body []byte) error) (int, error)
}

// Why something is in quarantine.
const (
	Malformed    = "malformed"     // signed, but not what a notification looks like
	UnknownWABA  = "unknown_waba"  // of an account that is not in the settings
	UnknownClick = "unknown_click" // an automatic event of a click that has not come yet
	PlanFailed   = "plan_failed"   // our own fault: planning it failed
)

// Intake turns notifications into records.
type Intake struct {
	Recorder    Recorder
	Quarantine  Quarantine
	Evaluations Evaluations
	Planner     *Planner
	Accounts    *account.Registry
	Wake        func() // called after each commit that left something to send
	Now         func() time.Time
	NewID       func() uuid.UUID
	Log         *slog.Logger
	Stats       *Stats
	ForgetText  bool // store no message's bytes but those that wait for a click (retention.text: 0)
	MaxBatch    int  // most messages in one transaction. Default 500.
	Flushers    int  // transactions in flight at once. Default 1.

	mu       sync.Mutex
	queue    []*pending                // waiting for the next transaction, oldest first
	waiting  int                       // messages in queue
	flights  int                       // transactions under way
	aboard   int                       // messages in them
	bytes    int                       // of bodies that wait or are in a transaction
	counts   map[attribution.Count]int // statuses since the last flush
	saidWABA map[string]time.Time      // when an unknown WABA was last said
	ring     ring                      // evaluations since the last flush
}

// errPlan marks failures that the same bytes will always cause.
var errPlan = errors.New("plan")

// Receive records one signed notification. An error means that nothing can be promised and the
// sender has to send again; what could never be recorded is in quarantine instead.
func (in *Intake) Receive(ctx context.Context, body []byte) error {
	return in.receive(ctx, in.Now(), body)
}

// Replay records what waited in quarantine for one reason and whose account is known by now, as of
// the time it was received. It returns how many notifications that were (ledger 4).
func (in *Intake) Replay(ctx context.Context, reason string) (int, error) {
	total := 0
	for _, a := range in.Accounts.All() {
		n, err := in.Quarantine.Replay(ctx, reason, a.WABAID, func(receivedAt time.Time, body []byte) error {
			return in.receive(ctx, receivedAt, body)
		})
		total += n
		if err != nil {
			return total, err
		}
		if n > 0 {
			in.Log.Info("notifications that waited in quarantine are recorded", "account", a.ID, "reason", reason, "notifications", n)
		}
	}
	return total, nil
}

func (in *Intake) receive(ctx context.Context, now time.Time, body []byte) error {
	p := newPending()
	p.bytes = len(body)
	if err := in.sort(ctx, now, p, body); err != nil {
		return err
	}
	if p.parts() > 0 {
		if err := in.record(ctx, p); err != nil {
			return err
		}
	}
	in.count(p.counts) // only now: what is not stored is sent, and counted, again
	return nil
}

// sort finds out what a notification holds: messages to record, parts for the quarantine, and what is counted.
func (in *Intake) sort(ctx context.Context, now time.Time, p *pending, body []byte) error {
	n, err := whatsapp.Decode(body)
	if err == nil && len(n.Entries) == 0 {
		err = errors.New("the notification has no entry")
	}
	if err != nil {
		p.aside = append(p.aside, in.unrecorded(now, Malformed, "", err.Error(), body))
		return nil
	}
	for _, entry := range n.Entries {
		a, known := in.Accounts.ByWABA(entry.WABA)
		if !known {
			u, err := in.ofUnknown(now, entry)
			if err != nil {
				return err
			}
			p.aside = append(p.aside, u)
			continue
		}
		for _, change := range entry.Changes {
			if err := in.collect(ctx, now, p, a, change); err != nil {
				return err
			}
		}
	}
	return nil
}

// ofUnknown keeps the part of a notification that belongs to an account we do not know, as a
// notification of its own: accounts are walls, also in quarantine.
func (in *Intake) ofUnknown(now time.Time, entry whatsapp.Entry) (attribution.Unrecorded, error) {
	body, err := json.Marshal(map[string]any{
		"object": "whatsapp_business_account", "entry": []json.RawMessage{entry.Raw},
	})
	if err != nil {
		return attribution.Unrecorded{}, fmt.Errorf("keep entry: %w", err)
	}
	if in.sayOnce(entry.WABA, now) {
		in.Log.Warn("notification of an unknown WhatsApp Business Account; kept 7 days and replayed when the account is added",
			"waba", entry.WABA, "next", "add it under accounts: with waba_id in the settings file, then restart")
	}
	return in.unrecorded(now, UnknownWABA, entry.WABA, "", body), nil
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

func (in *Intake) count(counts map[attribution.Count]int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.counts == nil {
		in.counts = map[attribution.Count]int{}
	}
	for c, n := range counts {
		in.counts[c] += n
	}
}

// fieldKind keeps the counters to the fields that we know: a field is outside input.
func fieldKind(field string) string {
	switch field {
	case "history", "smb_message_echoes", "smb_app_state_sync", "automatic_events", "user_preferences", "calls",
		"account_update", "account_alerts", "standby", "user_id_update":
		return "field_" + field
	}
	return "field_other"
}

// statusKind keeps the counters to the states that Meta documents: a state is outside input.
func statusKind(state string) string {
	switch state {
	case "sent", "delivered", "read", "failed", "played", "deleted":
		return "status_" + state
	}
	return "status_other"
}

// FlushCounts writes what is only counted, and returns how many kinds that were (ledger 6).
func (in *Intake) FlushCounts(ctx context.Context) (int, error) {
	in.mu.Lock()
	counts := in.counts
	in.counts = nil
	in.mu.Unlock()
	if err := in.Recorder.AddCounts(ctx, in.Now(), counts); err != nil {
		in.count(counts)
		return 0, fmt.Errorf("flush counts: %w", err)
	}
	return len(counts), nil
}
