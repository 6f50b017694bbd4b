package main

import (
	"context"
	"errors"

	"github.com/clickthread/clickthread/forwarder"
)

type accountsCheckCmd struct {
	configFlag
	ID   string `arg:"" help:"The account's id in the settings."`
	JSON bool   `help:"Print as JSON." name:"json"`
}

// Help shows an example below the flags.
func (accountsCheckCmd) Help() string {
	return "Example:\n  clickthread accounts check shop\n\n" +
		"Needs no running server. Ends with 1 where something is wrong, and with 3 where Meta cannot be asked."
}

// checkupReport is the result for machines.
type checkupReport struct {
	Account string    `json:"account"`
	OK      bool      `json:"ok"`
	Checks  []checked `json:"checks"`
}

// Run checks, and says one thing after another, also those found before Meta went out of reach.
func (c *accountsCheckCmd) Run(ctx context.Context, out *console) error {
	a, settings, err := c.account(c.ID)
	if err != nil {
		return err
	}
	check := newCheckup(settings, a)
	if err = check.ask(ctx); err == nil {
		c.look(ctx, check)
	}
	if c.JSON {
		err = errors.Join(err, out.json(checkupReport{Account: a.ID, OK: err == nil && check.allWell(), Checks: check.done}))
	} else {
		for _, d := range check.done {
			d.print(out)
		}
	}
	if err == nil && !check.allWell() {
		return findings()
	}
	return err
}

// look adds what the ledger knows: whether the account waits for a person. Before the first serve there is
// no ledger, and nothing to add.
func (c *accountsCheckCmd) look(ctx context.Context, check *checkup) {
	store, err := c.openLedger(ctx)
	if err != nil {
		return
	}
	defer func() { _ = store.Close() }()
	lanes, err := store.PausedLanes(ctx, now())
	if err != nil {
		check.wrong("sending", "the database cannot be read: "+err.Error(), "")
	}
	for _, l := range lanes {
		switch {
		case l.Account != check.account.ID || !l.PauseCause.NeedsPerson():
		case l.PauseCause == forwarder.AccountRemoved:
			check.wrong("sending", "the server was started without this account", "restart the server")
		default:
			check.wrong("sending", l.PauseWords, "when that is settled, run: clickthread accounts resume "+l.Account)
		}
	}
}

func (d checked) print(out *console) {
	verdict := out.green("ok   ")
	if !d.OK {
		verdict = out.red("wrong")
	}
	out.printf("%s  %-16s  %s\n", verdict, d.What, d.Says)
	if d.Fix != "" {
		out.printf("%-5s  %-16s  %s\n", "", "what to do", d.Fix)
	}
}

type accountsSubscribeCmd struct {
	configFlag
	ID   string `arg:"" help:"The account's id in the settings."`
	JSON bool   `help:"Print the result as JSON." name:"json"`
}

// Help shows an example below the flags.
func (accountsSubscribeCmd) Help() string {
	return "Example:\n  clickthread accounts subscribe shop\n\n" +
		"The webhooks go where the token's app has its callback URL. Other apps keep theirs. Doing it twice does no harm."
}

// Run subscribes, and reads back who listens: Meta's yes alone does not say which app the token belongs to.
func (c *accountsSubscribeCmd) Run(ctx context.Context, out *console) error {
	a, settings, err := c.account(c.ID)
	if err != nil {
		return err
	}
	check := newCheckup(settings, a)
	if err := check.meta.Subscribe(ctx, check.as, a.WABAID); err != nil {
		if err := check.refused("webhooks", err, management); err != nil {
			return err
		}
	} else if err := check.token(ctx); err != nil {
		return err
	} else if err := check.webhooks(ctx); err != nil {
		return err
	}
	result := check.done[len(check.done)-1]
	if c.JSON {
		if err := out.json(result); err != nil {
			return err
		}
	} else {
		result.print(out)
	}
	if !result.OK {
		return findings()
	}
	return nil
}
