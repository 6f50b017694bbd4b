package main

// What a running server does about the lanes of accounts beside sending on them: those of accounts that left rest,
// and what a person or another node does to a lane is said in its log.

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/sql"
)

// keepLanes lets the lanes of accounts rest that no running server has in its settings any more (ledger 32), and
// closes their calls that a crash left open.
func (a *app) keepLanes(ctx context.Context) error {
	_, err := a.keepAccounts(ctx)
	return err
}

// keepAccounts is keepLanes as a job: it returns how many accounts rest from now on.
func (a *app) keepAccounts(ctx context.Context) (int, error) {
	var ids []string
	if a.store.Shared() { // another node may have newer settings
		var err error
		if ids, err = a.store.AccountsOnNodes(ctx, a.clock.Now()); err != nil {
			return 0, err
		}
	}
	for _, known := range a.accounts.All() {
		ids = append(ids, known.ID)
	}
	resting, err := a.store.KeepLanes(ctx, ids)
	for _, id := range resting {
		a.log.Warn("this account left the settings: what it has queued rests, and nothing is deleted", "account", id)
	}
	if err != nil {
		return len(resting), err
	}
	_, err = a.store.CloseRemoved(ctx, forwarder.Claim{
		Node: a.node, Now: a.clock.Now(), Lease: time.Duration(a.settings.Meta.Timeout) + leaseBeyond,
	})
	return len(resting), err
}

// laneWatch remembers which lanes rested because of a person or the settings.
type laneWatch struct{ resting map[string]sql.Lane }

// turns compares the lanes with those of the last look, and returns what began and what ended. Other rests are said
// by the node that sends.
func (w *laneWatch) turns(lanes []sql.Lane) (began, ended []sql.Lane) {
	now := map[string]sql.Lane{}
	for _, l := range lanes {
		if l.PauseCause != forwarder.ByHand && l.PauseCause != forwarder.AccountRemoved {
			continue
		}
		now[l.Account] = l
		if was, rested := w.resting[l.Account]; !rested || was.PauseCause != l.PauseCause || was.PauseWords != l.PauseWords {
			began = append(began, l)
		}
	}
	for account, was := range w.resting {
		if _, rests := now[account]; !rests {
			ended = append(ended, was)
		}
	}
	w.resting = now
	slices.SortFunc(ended, func(a, b sql.Lane) int { return cmp.Compare(a.Account, b.Account) })
	return began, ended
}

// sayLanes says in the log what was done to lanes since the last look, by whatever process.
func (a *app) sayLanes(ctx context.Context) (int, error) {
	lanes, err := a.store.Lanes(ctx)
	if err != nil {
		return 0, err
	}
	began, ended := a.lanes.turns(lanes)
	for _, l := range began {
		a.log.Warn("account paused: its events wait", "account", l.Account, "cause", l.PauseCause, "why", l.PauseWords)
	}
	for _, l := range ended {
		a.log.Info("account no longer paused", "account", l.Account, "cause", l.PauseCause)
	}
	return 0, nil // each has a line of its own
}
