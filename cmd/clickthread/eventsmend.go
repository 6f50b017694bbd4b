package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/sql"
)

type eventsRetryCmd struct{ mending }

// Help shows an example below the flags.
func (eventsRetryCmd) Help() string {
	return "Example:\n  clickthread events retry evt_0197a1b2c3d4e5f60718293a4b5c6d7e\n" +
		"  clickthread events retry --state rejected --since 24h\n\n" +
		"A rejected event is sent again with the same bytes, to the dataset that the settings name now:\n" +
		"mend first what Meta refused. A paused account sends nothing until it is resumed."
}

// Run retries.
func (c *eventsRetryCmd) Run(ctx context.Context, out *console) error {
	return c.run(ctx, out, sql.Retry)
}

type eventsCancelCmd struct{ mending }

// Help shows an example below the flags.
func (eventsCancelCmd) Help() string {
	return "Example:\n  clickthread events cancel evt_0197a1b2c3d4e5f60718293a4b5c6d7e\n" +
		"  clickthread events cancel --reason unknown_outcome --call call_0197a1b2c3d4e5f60718293a4b5c6d7e\n\n" +
		"The second is for a call without an answer whose events you found at Meta: they are not sent again.\n" +
		"What is in a call is left alone. What is cancelled stays in the ledger, and cannot be taken back."
}

// Run cancels.
func (c *eventsCancelCmd) Run(ctx context.Context, out *console) error {
	return c.run(ctx, out, sql.Cancel)
}

type eventsReleaseCmd struct{ mending }

// Help shows an example below the flags.
func (eventsReleaseCmd) Help() string {
	return "Example:\n  clickthread events release --reason meta_unknown --account shop\n" +
		"  clickthread events release --reason unknown_outcome --call call_0197a1b2c3d4e5f60718293a4b5c6d7e\n\n" +
		"The second is for a call without an answer whose events you did not find at Meta.\n" +
		"What is held for want of an amount (value_...) cannot be released: there are no bytes to send."
}

// Run releases. It asks for the reason, because what is right for one may send another twice.
func (c *eventsReleaseCmd) Run(ctx context.Context, out *console) error {
	if c.Reason == "" {
		return usage(errors.New("say which reason is settled: --reason meta_unknown, --reason unknown_outcome ..."))
	}
	return c.run(ctx, out, sql.Release)
}

// mending is what the commands have in common that change events.
type mending struct {
	configFlag
	eventFilter
	IDs     []string `arg:"" optional:"" name:"id" help:"evt_..., msg_... or the event id that Meta saw. Without ids, the filters say which."`
	Confirm *int     `help:"Change so many and do not ask." placeholder:"N"`
	JSON    bool     `help:"Print the result as JSON." name:"json"`
}

func (c *mending) run(ctx context.Context, out *console, r sql.Remedy) error {
	f, err := c.which(r)
	if err != nil {
		return usage(err)
	}
	settings, err := c.load()
	if err != nil {
		return err
	}
	store, err := c.openLedger(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	m := sql.Mend{Remedy: r, Filter: f, Now: now(), Datasets: map[string]string{}}
	for _, a := range settings.Accounts {
		m.Datasets[a.ID] = a.DatasetID
	}
	if len(c.IDs) > 0 {
		done, err := c.mendNamed(ctx, store, m)
		return errors.Join(err, c.report(ctx, out, store, r, done))
	}
	chosen, left, err := countMendable(ctx, store, m)
	if err != nil {
		return err
	}
	if err := c.confirm(ctx, out, r, chosen, left); err != nil || chosen.events == 0 {
		return err
	}
	m.Counted = chosen.until
	done, err := mendAll(ctx, store, m)
	if err == nil {
		done.missing(chosen)
	}
	done.found, done.said = chosen.events, left
	return errors.Join(err, c.report(ctx, out, store, r, done))
}

// which checks what was asked for. A bulk change needs a filter: an empty command line changes nothing.
func (c *mending) which(r sql.Remedy) (sql.Filter, error) {
	f, err := c.filter()
	filters := c.eventFilter
	switch {
	case err != nil:
		return f, err
	case len(c.IDs) == 0 && filters == eventFilter{}:
		return f, fmt.Errorf("say which events to %s: their ids, or filters such as --account and --since", r)
	case len(c.IDs) > 0 && filters != eventFilter{Reason: c.Reason}:
		return f, errors.New("give ids or filters, not both; beside ids only --reason makes sense")
	case f.Status != "" && !slices.Contains(r.From(), f.Status):
		return f, fmt.Errorf("there is nothing to %s in the state %q; there is in %v", r, f.Status, r.From())
	}
	return f, nil
}

// mendNamed changes the events with the ids.
func (c *mending) mendNamed(ctx context.Context, store *sql.Store, m sql.Mend) (done mended, err error) {
	ids := map[string][]uuid.UUID{} // by account
	for _, name := range c.IDs {
		events, err := store.FindDeliveries(ctx, parseID(name), name)
		if err != nil {
			return done, err
		}
		if len(events) == 0 {
			return done, fmt.Errorf("nothing was changed: no event %q that could be sent; list them with: clickthread events ls", name)
		}
		for _, e := range events {
			if !slices.Contains(ids[e.Account], e.ID) {
				ids[e.Account] = append(ids[e.Account], e.ID)
				done.found++
			}
		}
	}
	for _, account := range slices.Sorted(maps.Keys(ids)) {
		events, err := store.Mend(ctx, m, account, ids[account])
		done.add(events)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// countMendable counts what the filters fit.
func countMendable(ctx context.Context, store *sql.Store, m sql.Mend) (chosen, left tally, err error) {
	err = store.EachMendable(ctx, m, func(_ string, page []sql.Mendable) error {
		for _, e := range page {
			if e.Left == "" {
				chosen.add(e)
			} else {
				left.add(e)
			}
		}
		return nil
	})
	return chosen, left, err
}

// mendAll changes what the filters fit.
func mendAll(ctx context.Context, store *sql.Store, m sql.Mend) (done mended, err error) {
	err = eachMended(ctx, store, m, func(sql.Mendable) {}, done.add)
	return done, err
}

// eachMended changes what the filters fit, page by page: there may be a million events. It tells of each that it
// met, and what became of those that nothing was in the way of.
func eachMended(ctx context.Context, store *sql.Store, m sql.Mend, met func(sql.Mendable), mended func([]sql.Mendable)) error {
	return store.EachMendable(ctx, m, func(account string, page []sql.Mendable) error {
		ids := make([]uuid.UUID, 0, len(page))
		for _, e := range page {
			met(e)
			if e.Left == "" {
				ids = append(ids, e.ID)
			}
		}
		events, err := store.Mend(ctx, m, account, ids)
		mended(events)
		return err
	})
}
