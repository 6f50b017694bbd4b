package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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
	found, err := c.find(ctx, store, m)
	if err != nil {
		return err
	}
	chosen, left := apart(found)
	if len(c.IDs) == 0 {
		if err := c.confirm(ctx, out, r, chosen, left); err != nil || len(chosen) == 0 {
			return err
		}
	}
	done, err := mend(ctx, store, m, chosen)
	return errors.Join(err, c.report(ctx, out, store, r, done, left))
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

// find looks for the events: those with the ids, or those that the filters fit.
func (c *mending) find(ctx context.Context, store *sql.Store, m sql.Mend) ([]sql.Mendable, error) {
	if len(c.IDs) == 0 {
		return store.Mendable(ctx, m)
	}
	var found []sql.Mendable
	for _, name := range c.IDs {
		events, err := store.FindDeliveries(ctx, parseID(name), name)
		if err != nil {
			return nil, err
		}
		if len(events) == 0 {
			return nil, fmt.Errorf("nothing was changed: no event %q that could be sent; list them with: clickthread events ls", name)
		}
		for _, e := range events {
			found = append(found, sql.Mendable{Account: e.Account, ID: e.ID})
		}
	}
	slices.SortStableFunc(found, func(a, b sql.Mendable) int { return strings.Compare(a.Account, b.Account) })
	return slices.CompactFunc(found, func(a, b sql.Mendable) bool { return a.ID == b.ID }), nil
}

// mend changes the events, account by account.
func mend(ctx context.Context, store *sql.Store, m sql.Mend, events []sql.Mendable) ([]sql.Mendable, error) {
	var done []sql.Mendable
	for len(events) > 0 {
		account := events[0].Account
		n := slices.IndexFunc(events, func(e sql.Mendable) bool { return e.Account != account })
		if n < 0 {
			n = len(events)
		}
		ids := make([]uuid.UUID, n)
		for i, e := range events[:n] {
			ids[i] = e.ID
		}
		some, err := store.Mend(ctx, m, account, ids)
		done = append(done, some...)
		if err != nil {
			return done, err
		}
		events = events[n:]
	}
	return done, nil
}

// apart separates what is changed from what is left.
func apart(events []sql.Mendable) (changed, left []sql.Mendable) {
	for _, e := range events {
		if e.Left == "" {
			changed = append(changed, e)
		} else {
			left = append(left, e)
		}
	}
	return changed, left
}
