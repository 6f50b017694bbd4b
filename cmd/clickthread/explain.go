package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

type explainCmd struct {
	configFlag
	ID      string `arg:"" optional:"" help:"An event (evt_... or the id that Meta saw), a message (msg_... or Meta's own id), or a rule's id."`
	Account string `help:"The account, where there are several." placeholder:"ID"`
	JSON    bool   `help:"Print as JSON." name:"json"`
	pretended
}

// pretended is a message that nobody sent, and how it is judged.
type pretended struct {
	Message string `help:"A text that a customer might write." placeholder:"TEXT"`
	We      bool   `help:"With --message: the business writes it."`
	NoClick bool   `help:"With --message: without an ad click." name:"no-click"`
	At      moment `help:"With --message: when it is written, a span back from now, such as 24h, a date or a time in UTC." placeholder:"WHEN"`
	Number  string `help:"With --message: the phone_number_id that it comes to. Default: the account's first." placeholder:"ID"`
	Rules   string `help:"With --message: a rule file, or a folder of them. Default: the rules folder of the settings." placeholder:"PATH"`
}

// Help shows an example below the flags.
func (explainCmd) Help() string {
	return "Example:\n  clickthread rules explain --message \"quanto custa?\"\n  clickthread rules explain evt_0197a1b2c3d4e5f60718293a4b5c6d7e\n" +
		"  clickthread rules explain asked-price\n\n" +
		"Says for every rule why it fires or not, the nearest miss first. A text is judged by the rule files as they stand,\n" +
		"without a database; an event or message by the rules in force and by what had been recorded until then. For a rule it\n" +
		"prints its last 20 evaluations, which the server writes every 10 seconds."
}

// Run explains a text, something that happened, or a rule's last evaluations.
func (c *explainCmd) Run(ctx context.Context, out *console) error {
	switch {
	case (c.ID == "") == (c.Message == ""):
		return usage(errors.New("name an event, a message or a rule, or give a text: --message \"quanto custa?\""))
	case c.Message != "":
		return c.explainText(out)
	case c.We || c.NoClick || !c.At.IsZero() || c.Number != "" || c.Rules != "":
		return usage(errors.New("--we, --no-click, --at, --number and --rules go with --message"))
	}
	past, err := c.openPast(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = past.store.Close() }()
	m, found, err := past.find(ctx, c.ID)
	switch {
	case err != nil:
		return err
	case found:
		return past.explain(ctx, out, m)
	}
	owners, err := past.withRule(ctx, c.ID)
	switch {
	case err != nil:
		return err
	case len(owners) == 1:
		return past.ring(ctx, out, owners[0], c.ID)
	case len(owners) > 1:
		return usage(fmt.Errorf("this rule is in several accounts; say which: --account %s", strings.Join(owners, ", --account ")))
	}
	m, err = past.byMetaID(ctx, c.ID) // last: an unknown id of Meta's is not printed back
	if err != nil {
		return err
	}
	return past.explain(ctx, out, m)
}
