package sql

import (
	"context"
	"fmt"
	"time"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/notices"
)

// What a watcher sees of the lanes: a few rows of each by index, however long the queue is.

// observed is a lane with what is due the longest and what came of its last call.
type observed struct {
	AccountID   string
	PausedUntil int64
	PauseCause  string
	PauseWords  string
	OldestDue   int64
	LastOutcome string
}

func (s *Store) observeLanes(ctx context.Context, now time.Time) ([]notices.Lane, error) {
	var rows []observed
	err := s.read.NewRaw(`
SELECT l.account_id, l.paused_until, l.pause_cause, l.pause_words, coalesce(
  (SELECT min(d.due_at) FROM deliveries d WHERE d.account_id = l.account_id AND d.status = 'queued'), 0) AS oldest_due, coalesce(
  (SELECT c.outcome FROM calls c WHERE c.account_id = l.account_id AND c.outcome <> 'open' ORDER BY c.id DESC LIMIT 1), '') AS last_outcome
FROM lanes l ORDER BY l.account_id`).Scan(ctx, &rows)
	if err != nil {
		return nil, err
	}
	lanes := make([]notices.Lane, len(rows))
	for i, r := range rows {
		lanes[i] = notices.Lane{
			Account: r.AccountID, PausedUntil: fromMicros(r.PausedUntil), PauseCause: r.PauseCause, PauseWords: r.PauseWords,
			OldestDue: fromMicros(r.OldestDue),
		}
		if r.OldestDue == 0 || !inVain(r.LastOutcome) || forwarder.Cause(r.PauseCause).NeedsPerson() {
			continue
		}
		if lanes[i].Failing, lanes[i].LastWords, err = s.failing(ctx, r.AccountID, now.Add(-notices.StuckAfter)); err != nil {
			return nil, fmt.Errorf("look at the calls of %s: %w", r.AccountID, err)
		}
	}
	return lanes, nil
}

// inVain reports whether a call was not taken and is made again. What Meta refuses has another end.
func inVain(outcome string) bool {
	return outcome == string(forwarder.Failed) || outcome == string(forwarder.Unknown)
}

// failing reports whether an account's calls have been in vain since some time or longer, and an event waits
// that was recorded by then and after the last call that was taken: one bad event among good ones is no news.
// Of an account whose last 500 calls were in vain, none counts as taken.
func (s *Store) failing(ctx context.Context, account string, since time.Time) (failing bool, words string, err error) {
	var calls []struct {
		Outcome   string
		StartedAt int64
		Words     string
	}
	err = s.read.NewRaw(`
SELECT outcome, started_at, words FROM calls WHERE account_id = ? AND outcome <> 'open' ORDER BY id DESC LIMIT 500`, account).Scan(ctx, &calls)
	if err != nil || len(calls) == 0 {
		return false, "", err
	}
	taken, begun := int64(0), false
	for _, c := range calls {
		if c.Outcome == string(forwarder.Accepted) {
			taken = c.StartedAt
			break
		}
		begun = begun || inVain(c.Outcome) && c.StartedAt <= micros(since)
	}
	if !begun {
		return false, "", nil
	}
	var one []int
	err = s.read.NewRaw(`
SELECT 1 FROM deliveries WHERE account_id = ? AND status = 'queued' AND created_at <= ? AND created_at > ? LIMIT 1`,
		account, micros(since), taken).Scan(ctx, &one)
	return len(one) > 0, calls[0].Words, err
}
