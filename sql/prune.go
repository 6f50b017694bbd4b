package sql

import (
	"context"
	"fmt"
	"time"
)

// Pruning takes old rows away a few at a time. SQLite has one writer, and intake goes first (ledger
// 2): every transaction is short, and after each the writer is left to others for longer than it was
// held. A pruning that was stopped is simply done again; it goes on where the other left off.

// How long rows are kept for which there is no setting.
const (
	KeepKeys         = 30 * 24 * time.Hour // dedupe keys of messages (ledger 3)
	KeepUnattributed = 8 * 24 * time.Hour  // ledger 13
)

const (
	pruneBatch = 125 // rows of one transaction
	pruneRest  = 2   // how many times as long as a transaction the writer is left to others after it
)

// Retention says how far back each kind of row is kept: what is older than its time goes. The zero
// time keeps a kind for ever.
type Retention struct {
	Clicks       time.Time // by the time of the click; folded into daily counts first (ledger 12)
	Messages     time.Time // by the time they were recorded; with what became of the rules that they fitted
	Texts        time.Time // only the bodies of messages go
	Keys         time.Time
	Unattributed time.Time
	Quarantine   time.Time
	Calls        time.Time // with what points to them; open ones stay
	Notices      time.Time // queued ones stay as long as they are tried
	Ledger       time.Time // deliveries in their last state, by their last change, with their claims

	// Progress is told of each kind when it is done. Default: nobody is.
	Progress func(PrunedKind)
}

// Pruned is what went, or would go, of every kind, always in the same order.
type Pruned []PrunedKind

// PrunedKind is how many rows of one kind were older than the time up to which they are removed.
type PrunedKind struct {
	Kind   string    `json:"kind"`
	Before time.Time `json:"before"`
	Rows   int       `json:"rows"`
}

// Total is the number of rows of all kinds.
func (p Pruned) Total() int {
	total := 0
	for _, k := range p {
		total += k.Rows
	}
	return total
}

// prunable is one kind of row that grows old.
type prunable interface {
	count(ctx context.Context, s *Store, before time.Time) (int, error)
	prune(ctx context.Context, s *Store, before time.Time) (int, error)
}

type prunableKind struct {
	name   string
	before time.Time
	rows   prunable
}

// kinds is everything that is pruned. Messages go before their texts, so that no text is cleared in a
// row that is about to go.
func (r Retention) kinds() []prunableKind {
	return []prunableKind{
		{"clicks", r.Clicks, oldClicks{aged{"clicks", "account_id, conversation_id, id", "clicked_at", pruneBatch}}},
		{"messages", r.Messages, oldMessages()},
		{"texts", r.Texts, newOldTexts(r.Messages)},
		{"evaluations", r.Messages, aged{"rule_evaluations", "account_id, rule, decided_at, trigger_id", "decided_at", pruneBatch}},
		{"message_keys", r.Keys, aged{"message_keys", "account_id, key", "received_at", pruneBatch}},
		{"unattributed", r.Unattributed, aged{"unattributed", "account_id, conversation_id, trigger_id, rule", "received_at", pruneBatch}},
		{"quarantine", r.Quarantine, aged{"quarantine", "digest", "received_at", 20}}, // of bodies up to 4 MiB
		{"calls", r.Calls, newOldCalls()},
		{"notices", r.Notices, oldNotices(r.Notices)},
		{"ledger", r.Ledger, oldDeliveries(r.Ledger)},
	}
}

// Prune removes what is older than the retention says. It returns what it removed, also with an
// error.
func (s *Store) Prune(ctx context.Context, r Retention) (Pruned, error) {
	return s.eachKind(ctx, r, "prune", prunable.prune)
}

// Prunable counts what Prune would remove now, and changes nothing.
func (s *Store) Prunable(ctx context.Context, r Retention) (Pruned, error) {
	return s.eachKind(ctx, r, "count what would be pruned of", prunable.count)
}

func (s *Store) eachKind(ctx context.Context, r Retention, doing string,
	do func(prunable, context.Context, *Store, time.Time) (int, error),
) (Pruned, error) {
	var all Pruned
	for _, k := range r.kinds() {
		done := PrunedKind{Kind: k.name, Before: k.before}
		var err error
		if !k.before.IsZero() {
			done.Rows, err = do(k.rows, ctx, s, k.before)
		}
		all = append(all, done)
		if err != nil {
			return all, fmt.Errorf("%s %s: %w", doing, k.name, err)
		}
		if r.Progress != nil {
			r.Progress(done)
		}
	}
	return all, nil
}

// sweep repeats a step until it finds fewer rows than it may take, and leaves the writer to others in
// between. What it removes fills SQLite's log too: were it not folded for that, the writer would fold all of it in
// the middle of a batch. A command beside a server does not fold, and leaves that to the server.
func (s *Store) sweep(ctx context.Context, most int, step func(context.Context) (int, error)) (int, error) {
	for total := 0; ; {
		begin := time.Now()
		n, err := step(ctx)
		if err != nil || n == 0 {
			return total, err
		}
		total += n
		s.folding.wrote(n)
		if err := rest(ctx, pruneRest*time.Since(begin)); err != nil || n < most {
			return total, err
		}
	}
}

// rest waits, unless ctx ends first.
func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
