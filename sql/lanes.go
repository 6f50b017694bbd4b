package sql

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/forwarder"
)

// KeepLanes lets the lanes of accounts that left the settings rest, with everything that is queued,
// and wakes those of accounts that came back (ledger 32). It returns the accounts that rest.
func (s *Store) KeepLanes(ctx context.Context, accounts []string) ([]string, error) {
	_, err := s.write.NewRaw(`UPDATE lanes SET paused_until = 0, pause_words = '', pause_cause = '' WHERE pause_cause = ? AND account_id IN (?)`,
		forwarder.AccountRemoved, bun.List(accounts)).Exec(ctx)
	if err != nil {
		return nil, fmt.Errorf("wake lanes: %w", err)
	}
	var resting []string
	err = s.write.NewRaw(`UPDATE lanes SET paused_until = ?, pause_words = ?, pause_cause = ? WHERE account_id NOT IN (?) RETURNING account_id`,
		micros(forwarder.UntilResumed), "the account is not in the settings any more; put it back, and its events are sent",
		forwarder.AccountRemoved, bun.List(append(accounts, ""))).
		Scan(ctx, &resting)
	if err != nil {
		return nil, fmt.Errorf("rest lanes: %w", err)
	}
	return resting, nil
}

// Lane is an account's sending line as a person is shown it.
type Lane struct {
	Account     string
	Holder      string
	PausedUntil time.Time
	PauseWords  string
	PauseCause  forwarder.Cause
}

// PausedLanes lists the lanes that rest now, or rested and have not sent since.
func (s *Store) PausedLanes(ctx context.Context, now time.Time) ([]Lane, error) {
	var rows []laneRow
	err := s.read.NewSelect().Model(&rows).Where("paused_until > ? OR pause_cause = ?", micros(now), forwarder.AccountWrong).Order("account_id").Scan(ctx)
	lanes := make([]Lane, len(rows))
	for i, r := range rows {
		lanes[i] = Lane{Account: r.AccountID, Holder: r.Holder, PausedUntil: fromMicros(r.PausedUntil), PauseWords: r.PauseWords, PauseCause: forwarder.Cause(r.PauseCause)}
	}
	return lanes, err
}

// GiveBackLanes ends the leases of one holder that is about to stop, so that another node need not wait.
func (s *Store) GiveBackLanes(ctx context.Context, holder string) error {
	_, err := s.write.NewRaw("UPDATE lanes SET lease_until = 0 WHERE holder = ?", holder).Exec(ctx)
	return err
}

// freeLanes ends every lease. Only for a process that has the database to itself: what is leased
// then was leased by the dead.
func (s *Store) freeLanes(ctx context.Context) error {
	_, err := s.write.ExecContext(ctx, "UPDATE lanes SET lease_until = 0")
	return err
}
