package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/notices"
	"github.com/clickthread/clickthread/sql"
)

type accountsPauseCmd struct {
	configFlag
	ID     string `arg:"" help:"The account's id in the settings."`
	Reason string `help:"Why, for whoever finds it paused." placeholder:"TEXT"`
	JSON   bool   `help:"Print the result as JSON." name:"json"`
}

// Help shows an example below the flags.
func (accountsPauseCmd) Help() string {
	return "Example:\n  clickthread accounts pause shop --reason \"the dataset is being moved\"\n\n" +
		"Webhooks are taken and events queued as before. What is in a call now still ends. An event that is not\n" +
		"sent 7 days after it happened expires, also while its account is paused."
}

// Run pauses.
func (c *accountsPauseCmd) Run(ctx context.Context, out *console) error {
	a, _, err := c.account(c.ID)
	if err != nil {
		return err
	}
	store, err := c.openLedger(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	words := "paused by hand"
	if c.Reason != "" {
		words += ": " + c.Reason
	}
	lane, err := store.PauseLane(ctx, a.ID, words)
	if err != nil {
		return err
	}
	if err := notRemoved(lane); err != nil {
		return err
	}
	waiting, err := store.Backlog(ctx, a.ID)
	if err != nil {
		return errors.Join(fmt.Errorf("account %s is paused, but what waits cannot be counted", a.ID), err)
	}
	return sayLane(out, lane, waiting, c.JSON)
}

type accountsResumeCmd struct {
	configFlag
	ID   string `arg:"" help:"The account's id in the settings."`
	JSON bool   `help:"Print the result as JSON." name:"json"`
}

// Help shows an example below the flags.
func (accountsResumeCmd) Help() string {
	return "Example:\n  clickthread accounts resume shop\n\n" +
		"All that is queued is due at once, for the dataset that the settings name now. If Meta refuses the\n" +
		"account again, it is paused again and nothing is lost; see: clickthread accounts check shop"
}

// Run moves what is queued to the account's dataset before it ends the pause: else the first call might
// go to the old one and be refused again. Where that fails, the pause ends all the same.
func (c *accountsResumeCmd) Run(ctx context.Context, out *console) error {
	a, _, err := c.account(c.ID)
	if err != nil {
		return err
	}
	store, err := c.openLedger(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	waiting, moved := makeDue(ctx, store, a)
	if ctx.Err() != nil {
		return fmt.Errorf("stopped before all that is queued was moved: account %s is as before; the same command goes on where this one was", a.ID)
	}
	lane, err := store.ResumeLane(ctx, a.ID)
	if err != nil {
		return errors.Join(err, moved)
	}
	if err := notRemoved(lane); err != nil {
		return err
	}
	if moved != nil {
		if all, err := store.Backlog(ctx, a.ID); err == nil {
			waiting = all
		}
		moved = fmt.Errorf("not all that is queued was made due, and goes when its own next try is: %w", moved)
	}
	return errors.Join(sayLane(out, lane, waiting, c.JSON), moved)
}

// makeDue has all that is queued go next, to the account's dataset, and returns how much that is.
func makeDue(ctx context.Context, store *sql.Store, a account.Account) (waiting notices.Backlog, err error) {
	m := sql.Mend{
		Remedy: sql.Retry, Now: now(), Filter: sql.Filter{Account: a.ID, Status: forwarder.Queued},
		Datasets: map[string]string{a.ID: a.DatasetID},
	}
	met := func(e sql.Mendable) {
		if until := e.EventAt.Add(forwarder.SendableFor); waiting.Events == 0 || until.Before(waiting.SendableUntil) {
			waiting.SendableUntil = until
		}
		waiting.Events++
	}
	return waiting, eachMended(ctx, store, m, met, func([]sql.Mendable) {})
}

// notRemoved refuses what a restart has to do: the running server does not have the account.
func notRemoved(lane sql.Lane) error {
	if lane.PauseCause != forwarder.AccountRemoved {
		return nil
	}
	return fmt.Errorf("account %s stays paused: the server was started without it; it is in the settings now, so restart the server, and its events are sent", lane.Account)
}

// laneReport is what pause and resume say for machines.
type laneReport struct {
	Account       string     `json:"account"`
	Sending       bool       `json:"sending"`
	Events        int        `json:"events"` // that wait
	SendableUntil *time.Time `json:"oldest_sendable_until,omitempty"`
}

// sayLane says how the account stands, and what waits.
func sayLane(out *console, lane sql.Lane, waiting notices.Backlog, asJSON bool) error {
	r := laneReport{Account: lane.Account, Sending: lane.PauseCause == forwarder.NoPause, Events: waiting.Events}
	if r.Events > 0 {
		r.SendableUntil = &waiting.SendableUntil
	}
	if asJSON {
		return out.json(r)
	}
	state := "is paused until: clickthread accounts resume " + lane.Account
	if r.Sending {
		state = "sends again"
	}
	out.printf("Account %s %s. %s\n", lane.Account, state, inWords(waiting))
	return nil
}

func inWords(b notices.Backlog) string {
	switch b.Events {
	case 0:
		return "No event waits."
	case 1:
		return "1 event waits; Meta takes it until " + when(b.SendableUntil) + " UTC."
	}
	return fmt.Sprintf("%d events wait; Meta takes the first until %s UTC.", b.Events, when(b.SendableUntil))
}
