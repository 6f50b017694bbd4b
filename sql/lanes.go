package sql

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// accountRemoved begins the words of a lane that rests because its account left the settings.
const accountRemoved = "account_removed: "

// KeepLanes lets the lanes of accounts that left the settings rest, with everything that is queued,
// and wakes those of accounts that came back (ledger 32). It returns the accounts that rest.
func (s *Store) KeepLanes(ctx context.Context, accounts []string) ([]string, error) {
	never := micros(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
	_, err := s.write.NewRaw(`UPDATE lanes SET paused_until = 0, pause_words = '' WHERE pause_words LIKE ? AND account_id IN (?)`,
		accountRemoved+"%", bun.List(accounts)).Exec(ctx)
	if err != nil {
		return nil, fmt.Errorf("wake lanes: %w", err)
	}
	var resting []string
	err = s.write.NewRaw(`UPDATE lanes SET paused_until = ?, pause_words = ? WHERE account_id NOT IN (?) RETURNING account_id`,
		never, accountRemoved+"it is not in the settings any more; put it back, and its events are sent", bun.List(append(accounts, ""))).
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
}

// PausedLanes lists the lanes that rest now.
func (s *Store) PausedLanes(ctx context.Context, now time.Time) ([]Lane, error) {
	var rows []laneRow
	err := s.read.NewSelect().Model(&rows).Where("paused_until > ?", micros(now)).Order("account_id").Scan(ctx)
	lanes := make([]Lane, len(rows))
	for i, r := range rows {
		lanes[i] = Lane{Account: r.AccountID, Holder: r.Holder, PausedUntil: fromMicros(r.PausedUntil), PauseWords: r.PauseWords}
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
