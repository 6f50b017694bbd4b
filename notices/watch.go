package notices

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// mostTurns is how many conditions one pass records. What is more, such as all accounts of an agency
// whose one token ran out, is left to the next.
const mostTurns = 100

// countFor is how long counting what waits may take, before it is told without.
const countFor = 20 * time.Second

// Ledger is what a Watcher looks at and where it writes.
type Ledger interface {
	// Observe reads what conditions are made of. It is cheap: it runs every few seconds. What expires
	// may be unknown: then Uncounted says why.
	Observe(ctx context.Context, now time.Time) (Observation, error)
	// Backlog counts what an account has queued.
	Backlog(ctx context.Context, account string) (Backlog, error)
	// RecordChange writes that a condition began or ended, with its notices, in one transaction. It
	// returns false and writes nothing where another node has done so.
	RecordChange(ctx context.Context, c Change) (bool, error)
}

// Change is a condition that began or ended, with what is told of it.
type Change struct {
	Condition
	At      time.Time
	Ended   bool
	Notices []Notice
}

// Watcher turns what stands in the ledger into notices. All fields must be set.
type Watcher struct {
	Ledger    Ledger
	Receivers []Receiver
	Now       func() time.Time
	NewID     func() uuid.UUID
}

// Pass looks once and returns how many notices it wrote. It does nothing where nobody is to be told.
func (w *Watcher) Pass(ctx context.Context) (int, error) {
	if len(w.Receivers) == 0 {
		return 0, nil
	}
	now := w.Now()
	seen, err := w.Ledger.Observe(ctx, now)
	if err != nil {
		return 0, fmt.Errorf("look for conditions: %w", err)
	}
	turns := seen.turns(now)
	written, errs := 0, []error{seen.Uncounted}
	for _, t := range turns[:min(len(turns), mostTurns)] {
		n, err := w.record(ctx, t, now)
		written += n
		if err != nil { // the others are told all the same
			errs = append(errs, fmt.Errorf("tell %s of account %s: %w", t.Kind, t.Account, err))
		}
	}
	return written, errors.Join(errs...)
}

// record writes a turn with its notices, and returns how many those are. A count that fails keeps nobody from
// being told.
func (w *Watcher) record(ctx context.Context, t turn, now time.Time) (written int, err error) {
	change := Change{Condition: t.Condition, At: now, Ended: t.ended}
	if t.tell != "" {
		waiting, uncounted := w.waiting(ctx, t)
		if uncounted != nil {
			waiting = Backlog{Uncounted: true}
			defer func() { err = errors.Join(err, fmt.Errorf("count what waits: %w", uncounted)) }()
		}
		if change.Notices, err = Address(w.Receivers, t.tell, t.Account, now, t.data(waiting), w.NewID); err != nil {
			return 0, err
		}
	}
	recorded, err := w.Ledger.RecordChange(ctx, change)
	if err != nil || !recorded {
		return 0, err
	}
	return len(change.Notices), nil
}

// waiting is how many events a turn is about.
func (w *Watcher) waiting(ctx context.Context, t turn) (Backlog, error) {
	if t.Kind == EventsExpiring {
		return t.expiring, nil
	}
	ctx, cancel := context.WithTimeout(ctx, countFor)
	defer cancel()
	return w.Ledger.Backlog(ctx, t.Account)
}
