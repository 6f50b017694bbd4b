package main

import (
	"context"
	"fmt"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/sql"
	"github.com/clickthread/clickthread/whatsapp"
)

// optOuts is the list in force, swapped when the database's changed.
type optOuts struct {
	list atomic.Pointer[attribution.OptOuts]
	mark string
}

// userID is Meta's business-scoped user id: a country, and up to 128 characters (Meta, Business-scoped user
// ids).
var userID = regexp.MustCompile(`^[A-Z]{2}\.[A-Za-z0-9.]{1,132}$`)

// has is what the planner asks.
func (o *optOuts) has(account string, who attribution.Identity) bool {
	return o.list.Load().Has(account, who)
}

// reload reads the list if it changed since the last time; it returns how many names it read.
func (o *optOuts) reload(ctx context.Context, store *sql.Store) (int, error) {
	mark, err := store.OptOutsMark(ctx)
	if err != nil || mark == o.mark {
		return 0, err
	}
	names, err := store.OptOuts(ctx, "")
	if err != nil {
		return 0, err
	}
	list := attribution.NewOptOuts()
	for _, n := range names {
		list.Add(n.Account, n.Kind, n.Value)
	}
	o.list.Store(list)
	o.mark = mark
	return len(names), nil
}

type optoutsCmd struct {
	Add optoutsAddCmd `cmd:"" help:"Send nothing more about a person to Meta."`
	Rm  optoutsRmCmd  `cmd:"" help:"Take a person off the list."`
	Ls  optoutsLsCmd  `cmd:"" help:"List who is on it."`
}

// people are the persons that a command names.
type people struct {
	configFlag
	Account string   `help:"The account whose list it is." placeholder:"ID" required:""`
	People  []string `arg:"" help:"A phone number with its country code, or a user id such as BR.1234."`
}

// names reads the persons. A number has every form in which WhatsApp may write it.
func (p people) names(at time.Time) ([]sql.OptOut, error) {
	s, err := p.load()
	if err != nil {
		return nil, err
	}
	if _, known := s.Registry().ByID(p.Account); !known {
		return nil, usage(fmt.Errorf("there is no account %q in the settings", p.Account))
	}
	var list []sql.OptOut
	for _, who := range p.People {
		if userID.MatchString(who) {
			list = append(list, sql.OptOut{Account: p.Account, Kind: attribution.UserID, Value: who, Since: at})
			continue
		}
		ids, err := whatsapp.IDs(who)
		if err != nil {
			return nil, usage(fmt.Errorf("%s is %w, nor a user id", account.MaskPhone(who), err))
		}
		for _, id := range ids {
			list = append(list, sql.OptOut{Account: p.Account, Kind: attribution.WAID, Value: id, Since: at})
		}
	}
	return list, nil
}

type optoutsAddCmd struct{ people }

// Help shows an example below the flags.
func (optoutsAddCmd) Help() string {
	return "Example:\n  clickthread optouts add --account shop '+55 11 98765 0001'\n\n" +
		"Their events are recorded as skipped, with the reason opted_out, and what waits, is queued or held is cancelled.\n" +
		"What Meta has already cannot be taken back. A running server follows within a second."
}

// Run puts people on the list.
func (c *optoutsAddCmd) Run(ctx context.Context, out *console) error {
	list, err := c.names(now())
	if err != nil {
		return err
	}
	store, err := c.openLedger(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	if err := store.AddOptOuts(ctx, list); err != nil {
		return err
	}
	cancelled, err := store.CancelOptedOut(ctx, now())
	if err != nil {
		return err
	}
	out.printf("On the list: %d. Events cancelled: %d.\n", len(c.People), cancelled)
	return nil
}

type optoutsRmCmd struct{ people }

// Help shows an example below the flags.
func (optoutsRmCmd) Help() string {
	return "Example:\n  clickthread optouts rm --account shop '+55 11 98765 0001'"
}

// Run takes people off the list.
func (c *optoutsRmCmd) Run(ctx context.Context, out *console) error {
	list, err := c.names(now())
	if err != nil {
		return err
	}
	store, err := c.openLedger(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	n, err := store.RemoveOptOuts(ctx, list)
	if err != nil {
		return err
	}
	if n == 0 {
		out.printf("Nobody of them was on the list.\n")
		return findings()
	}
	out.printf("Names taken off the list: %d.\n", n)
	return nil
}

type optoutsLsCmd struct {
	configFlag
	Account string `help:"Only this account." placeholder:"ID"`
	JSON    bool   `help:"Print as JSON." name:"json"`
}

// Help shows an example below the flags.
func (optoutsLsCmd) Help() string { return "Example:\n  clickthread optouts ls --account shop" }

// optOutLine is one name as it is listed; phone numbers are masked.
type optOutLine struct {
	Account string    `json:"account"`
	Kind    string    `json:"kind"`
	Name    string    `json:"name"`
	Since   time.Time `json:"since"`
}

// Run lists the names.
func (c *optoutsLsCmd) Run(ctx context.Context, out *console) error {
	store, err := c.openLedger(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	list, err := store.OptOuts(ctx, c.Account)
	if err != nil {
		return err
	}
	lines := make([]optOutLine, len(list))
	rows := [][]string{{"SINCE (UTC)", "ACCOUNT", "KIND", "NAME"}}
	for i, o := range list {
		lines[i] = optOutLine{o.Account, string(o.Kind), account.MaskPhone(o.Value), o.Since}
		rows = append(rows, []string{when(o.Since), o.Account, string(o.Kind), lines[i].Name})
	}
	switch {
	case c.JSON:
		return out.json(lines)
	case len(lines) == 0:
		out.printf("Nobody is on the list.\n")
	default:
		out.table(rows)
	}
	return nil
}
