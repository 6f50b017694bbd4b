package sql

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/forwarder"
)

// KeepLanes lets the lanes of accounts that left the settings rest, with everything that is queued,
// and wakes those of accounts that came back (ledger 32). What a person paused stays so. It returns the
// accounts that rest from now on.
func (s *Store) KeepLanes(ctx context.Context, accounts []string) ([]string, error) {
	_, err := s.write.NewRaw(`UPDATE lanes SET paused_until = 0, pause_words = '', pause_cause = '' WHERE pause_cause = ? AND account_id IN (?)`,
		forwarder.AccountRemoved, bun.List(accounts)).Exec(ctx)
	if err != nil {
		return nil, fmt.Errorf("wake lanes: %w", err)
	}
	var resting []string
	err = s.write.NewRaw(`UPDATE lanes SET paused_until = ?, pause_words = ?, pause_cause = ? WHERE account_id NOT IN (?) AND pause_cause NOT IN (?) RETURNING account_id`,
		micros(forwarder.UntilResumed), "the account is not in the settings any more; put it back, and its events are sent",
		forwarder.AccountRemoved, bun.List(append(accounts, "")), bun.List([]forwarder.Cause{forwarder.ByHand, forwarder.AccountRemoved})).
		Scan(ctx, &resting)
	if err != nil {
		return nil, fmt.Errorf("rest lanes: %w", err)
	}
	return resting, nil
}

// CloseRemoved settles the calls that a crash left open of accounts that have left the settings since: no node sends
// for them, so none closes them. Whether Meta has their events nobody knows, and the policy of such an account is
// not known either, so a person decides. It returns how many accounts that were.
func (s *Store) CloseRemoved(ctx context.Context, c forwarder.Claim) (int, error) {
	var accounts []string
	err := s.read.NewRaw(`
SELECT l.account_id FROM lanes l WHERE l.pause_cause = ? AND l.lease_until < `+s.dbNow()+`
  AND EXISTS (SELECT 1 FROM calls c WHERE c.account_id = l.account_id AND c.outcome = 'open')`, forwarder.AccountRemoved).Scan(ctx, &accounts)
	if err != nil {
		return 0, fmt.Errorf("look for calls left open: %w", err)
	}
	c.Unknown = account.Hold
	closed := 0
	for _, c.Account = range accounts {
		err := s.inScript(ctx, false, func(ctx context.Context, w *script) error {
			lane, held, err := takeLane(ctx, w, c)
			if err != nil || !held || lane.Rested != forwarder.AccountRemoved {
				return err
			}
			if _, err = closeOrphans(ctx, w, c, lane.Epoch); err != nil {
				return err
			}
			return w.add(ctx, bun.SafeQuery("UPDATE lanes SET lease_until = 0 WHERE account_id = ? AND holder = ?", c.Account, c.Node))
		})
		if err != nil {
			return closed, fmt.Errorf("close calls left open of %s: %w", c.Account, err)
		}
		closed++
	}
	return closed, nil
}

// Lane is an account's sending line as a person is shown it.
type Lane struct {
	Account     string
	Holder      string
	PausedUntil time.Time
	PauseWords  string
	PauseCause  forwarder.Cause
}

// Lanes lists every lane there is: an account gets one with its first event, or when it is paused.
func (s *Store) Lanes(ctx context.Context) ([]Lane, error) {
	var rows []laneRow
	err := s.read.NewSelect().Model(&rows).Order("account_id").Scan(ctx)
	return lanesOf(rows), err
}

// PausedLanes lists the lanes that rest now, or rested and have not sent since.
func (s *Store) PausedLanes(ctx context.Context, now time.Time) ([]Lane, error) {
	var rows []laneRow
	err := s.read.NewSelect().Model(&rows).Where("paused_until > ? OR pause_cause = ?", micros(now), forwarder.AccountWrong).Order("account_id").Scan(ctx)
	return lanesOf(rows), err
}

func lanesOf(rows []laneRow) []Lane {
	lanes := make([]Lane, len(rows))
	for i, r := range rows {
		lanes[i] = Lane{Account: r.AccountID, Holder: r.Holder, PausedUntil: fromMicros(r.PausedUntil), PauseWords: r.PauseWords, PauseCause: forwarder.Cause(r.PauseCause)}
	}
	return lanes
}

// PauseLane lets a lane rest until a person resumes it. A call that is under way is still settled. The
// lane of an account that left the settings keeps that as its cause. It returns the lane as it is now.
func (s *Store) PauseLane(ctx context.Context, account, words string) (Lane, error) {
	return s.changeLane(ctx, account, func(row *laneRow) {
		row.PausedUntil, row.PauseCause, row.PauseWords = micros(forwarder.UntilResumed), string(forwarder.ByHand), words
	})
}

// ResumeLane ends a pause, whatever its cause, but for that of an account which left the settings. It
// returns the lane as it is now.
func (s *Store) ResumeLane(ctx context.Context, account string) (Lane, error) {
	return s.changeLane(ctx, account, func(row *laneRow) {
		row.PausedUntil, row.PauseCause, row.PauseWords = 0, string(forwarder.NoPause), ""
	})
}

func (s *Store) changeLane(ctx context.Context, account string, change func(*laneRow)) (lane Lane, err error) {
	err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := insert(ctx, tx, []laneRow{{AccountID: account}}, "CONFLICT DO NOTHING"); err != nil {
			return err
		}
		row, err := s.holdLane(ctx, tx, account)
		if err != nil {
			return err
		}
		if row.PauseCause != string(forwarder.AccountRemoved) {
			change(&row)
			_, err = tx.NewRaw("UPDATE lanes SET paused_until = ?, pause_words = ?, pause_cause = ? WHERE account_id = ?",
				row.PausedUntil, row.PauseWords, row.PauseCause, account).Exec(ctx)
		}
		lane = lanesOf([]laneRow{row})[0]
		return err
	})
	if err != nil {
		return Lane{}, fmt.Errorf("change the lane of %s: %w", account, err)
	}
	return lane, nil
}

// holdLane keeps everybody from claiming on a lane until the transaction ends; SQLite's one writer does
// so by itself. A lane that does not exist is an empty row: it has nothing to claim.
func (s *Store) holdLane(ctx context.Context, tx bun.Tx, account string) (laneRow, error) {
	var rows []laneRow
	q := tx.NewSelect().Model(&rows).Where("account_id = ?", account)
	if s.home.shared {
		q = q.For("UPDATE")
	}
	if err := q.Scan(ctx); err != nil || len(rows) == 0 {
		return laneRow{AccountID: account}, err
	}
	return rows[0], nil
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
