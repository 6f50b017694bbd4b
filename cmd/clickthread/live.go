package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/sandbox"
	"github.com/clickthread/clickthread/sql"
	"github.com/clickthread/clickthread/whatsapp"
)

// live goes on with pretend shoppers, a line each, until it is stopped.
func (d *demo) live(ctx context.Context) error {
	d.out.printf("\n%s\n", d.out.bold("Live traffic, until you press Ctrl-C"))
	told := map[string]bool{}
	lines, err := d.lines(ctx)
	if err != nil {
		return err
	}
	for _, l := range lines {
		told[l.ID] = true
	}
	next := time.NewTicker(700 * time.Millisecond)
	defer next.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return d.farewell()
		case <-next.C:
		}
		if err := d.visit(ctx, i); err != nil && ctx.Err() == nil {
			return err
		}
		if err := d.tellNew(ctx, told); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// visit is one pretend shopper's chat: two of three come from an ad, and some of them buy.
func (d *demo) visit(ctx context.Context, i int) error {
	names := []string{"Caio", "Dora", "Eli", "Fay", "Gil", "Hana"}
	who := d.shopper(names[i%len(names)], fmt.Sprintf("1202555%04d", 1000+i%9000))
	chat := []sandbox.Notification{who.Say("hello")}
	if rand.N(3) > 0 {
		ad := sandbox.Ad{
			ID: fmt.Sprintf("12021000000000000%d", 1+rand.N(3)), Headline: "Lamps", SourceType: "ad",
			ClickID: fmt.Sprintf("AfeDemoClick-%06d", i),
		}
		d.graph.AddClick(ad.ClickID)
		chat = []sandbox.Notification{who.Click(ad, "Hi, I saw your ad")}
	}
	chat = append(chat, who.Say("how much is the lamp?"))
	if rand.N(2) > 0 {
		chat = append(chat, who.Say(fmt.Sprintf("I paid $%d.%02d", 20+rand.N(200), rand.N(100))))
	}
	for _, n := range chat {
		if _, err := who.Send(ctx, n); err != nil {
			return unreachable(err)
		}
	}
	return nil
}

// tellNew prints the events that were not told yet.
func (d *demo) tellNew(ctx context.Context, told map[string]bool) error {
	lines, err := eventLines(ctx, d.app.store, sql.Filter{Limit: 20})
	if err != nil {
		return err
	}
	for _, l := range slices.Backward(lines) {
		if told[l.ID] || l.State == forwarder.Queued || l.State == forwarder.Sending {
			continue
		}
		told[l.ID] = true
		why := ""
		if l.Reason != "" {
			why = d.out.dim(string(l.Reason))
		}
		d.out.printf("  %s  %-13s %-13s %-12s %s %s\n", l.Recorded.Format("15:04:05"), l.State, l.Event, l.Value, l.Rule, why)
	}
	return nil
}

func (d *demo) farewell() error {
	d.out.printf("\nMeta holds %s. Next: the README's five steps to production.\n", plural(len(d.graph.Events()), "event"))
	return nil
}

// text is what a notification's message says, for people.
func text(n sandbox.Notification) string {
	decoded, err := whatsapp.Decode(n.Body)
	if err != nil {
		return "(unreadable)"
	}
	return fmt.Sprintf("%q", decoded.Entries[0].Changes[0].Messages[0].Text)
}

// short cuts a click id for people: they are over a hundred characters long.
func short(clickID string) string {
	const keep = 24
	if len(clickID) <= keep {
		return clickID
	}
	return clickID[:keep] + "..."
}
