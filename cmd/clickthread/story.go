package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/sandbox"
	"github.com/clickthread/clickthread/sql"
)

// The demo's story: what a newcomer reads, and what the demo checks at its end.

// promised is one event that Meta must hold when the story is over.
type promised struct {
	event, clickID, value string
}

func (p promised) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s for click %s %s", p.event, short(p.clickID), p.value))
}

// story plays five small scenes against the real server and checks the end.
func (d *demo) story(ctx context.Context) error {
	d.preface()
	ana, ben := d.shopper("Ana", "12025550101"), d.shopper("Ben", "12025550102")
	lamp := sandbox.Ad{ID: "120210000000000001", Headline: "Lamps, 20% off", ClickID: "AfeDemoClickOfAna-0001", SourceType: "ad", URL: "https://fb.me/lamps"}
	d.graph.AddClick(lamp.ClickID)

	scenes := []func() error{
		func() error {
			d.scene("Ana sees an ad for lamps on Instagram, taps \"Send message\", and writes")
			return d.says(ctx, ana, ana.Click(lamp, "Hi! I saw your lamps"),
				d.kept)
		},
		func() error {
			d.scene("Ana asks what every customer asks")
			return d.says(ctx, ana, ana.Say("How much is the blue lamp?"), nil)
		},
		func() error {
			d.scene("Ana pays, and Meta delivers the same webhook twice, as it sometimes does")
			paid := ana.Say("done, I paid $1,249.90 😊")
			if err := d.says(ctx, ana, paid, nil); err != nil {
				return err
			}
			return d.again(ctx, ana, paid)
		},
		func() error {
			d.scene("Ana asks once more")
			return d.says(ctx, ana, ana.Say("and how much is the red one?"), d.onceOnly)
		},
		func() error {
			d.scene("Ben found the shop by himself and asks the same question")
			return d.says(ctx, ben, ben.Say("How much is the blue lamp?"), nil)
		},
	}
	for _, scene := range scenes {
		if err := scene(); err != nil {
			return err
		}
	}
	return d.check([]promised{
		{"LeadSubmitted", lamp.ClickID, ""},
		{"Purchase", lamp.ClickID, "1249.90 USD"},
	})
}

func (d *demo) preface() {
	o := d.out
	o.printf("%s\n\n", o.bold("Clickthread: one ad click, one chat, one sale at Meta"))
	o.printf("A shop pays for ads that open a WhatsApp chat. The sale happens later, in the chat. Unless\n" +
		"somebody tells Meta which click it came from, Meta never learns which ad sold.\n\n")
	o.printf("On this machine now: the real server, a database in a temporary folder, a pretend Meta, and\n" +
		"pretend shoppers. The shop's rule file says two things:\n\n")
	for _, r := range d.app.rules.Set(demoAccount).Rules() {
		o.printf("  %-12s %-28s -> %s\n", o.bold(r.ID), r.Name, r.Event)
	}
}

func (d *demo) scene(title string) {
	d.out.printf("\n%s\n", d.out.bold(title))
}

// kept tells which click the ledger holds.
func (d *demo) kept(ctx context.Context) error {
	clicks, err := d.app.store.Clicks(ctx, demoAccount)
	if err != nil || len(clicks) == 0 {
		return fmt.Errorf("the click is not in the ledger: %w", err)
	}
	d.tell("kept", fmt.Sprintf("click %s of ad %s. Meta attaches the click id to this one message, once;", short(clicks[0].ClickID), clicks[0].AdID))
	d.tell("", "Clickthread keeps it for this chat.")
	return nil
}

// onceOnly tells why a rule that matches does not fire.
func (d *demo) onceOnly(context.Context) error {
	d.tell("rule", "asked-price matches again, but says once: per_conversation; one lead is enough")
	return nil
}

// says posts one message as Meta would, and tells what came of it; note tells what the events do not.
func (d *demo) says(ctx context.Context, who *sandbox.Shopper, n sandbox.Notification, note func(context.Context) error) error {
	before, err := d.lines(ctx)
	if err != nil {
		return err
	}
	if err := d.post(ctx, who, n); err != nil {
		return err
	}
	if note != nil {
		if err := note(ctx); err != nil {
			return err
		}
	}
	after, err := d.settled(ctx)
	if err != nil {
		return err
	}
	fresh := slices.DeleteFunc(after, func(l eventLine) bool {
		return slices.ContainsFunc(before, func(b eventLine) bool { return b.ID == l.ID })
	})
	if len(fresh) == 0 {
		d.tell("to Meta", "nothing")
	}
	for _, l := range fresh {
		if err := d.tellEvent(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// again delivers a notification a second time.
func (d *demo) again(ctx context.Context, who *sandbox.Shopper, n sandbox.Notification) error {
	if err := d.post(ctx, who, n); err != nil {
		return err
	}
	d.tell("again", "seen before, so it changes nothing: one sale stays one sale")
	return nil
}

func (d *demo) post(ctx context.Context, who *sandbox.Shopper, n sandbox.Notification) error {
	begin := time.Now()
	status, err := who.Send(ctx, n)
	if err != nil {
		return unreachable(err)
	}
	d.tell("webhook", fmt.Sprintf("%s: %s   answered %d in %.1f ms, stored on disk", who.Name, text(n), status,
		float64(time.Since(begin).Microseconds())/1000))
	if status != http.StatusOK {
		return fmt.Errorf("the server answered %d to %s's message; 200 was promised", status, who.Name)
	}
	return nil
}

// tellEvent says what a match led to: the rule, the bytes, Meta's answer, or why nothing was sent.
func (d *demo) tellEvent(ctx context.Context, l eventLine) error {
	if l.State == forwarder.Unattributed {
		d.tell("rule", fmt.Sprintf("%s matches, but nothing is sent", l.Rule))
		d.tell("why", fmt.Sprintf("%s: %s", l.Reason, l.Words))
		return nil
	}
	deliveries, err := d.app.store.FindDeliveries(ctx, parseID(l.ID), "")
	if err != nil || len(deliveries) == 0 {
		return fmt.Errorf("the ledger lost event %s: %w", l.ID, err)
	}
	detail, err := detailOf(ctx, d.app.store, deliveries[0])
	if err != nil {
		return err
	}
	d.tell("rule", fmt.Sprintf("%s fires: %s", l.Rule, detail.Why))
	d.tell("to Meta", string(detail.Payload))
	for _, c := range detail.Calls {
		d.tell("Meta", answer(c))
	}
	return nil
}

func (d *demo) tell(label, words string) {
	d.out.printf("  %s %s\n", d.out.dim(fmt.Sprintf("%-8s", label)), words)
}

func (d *demo) lines(ctx context.Context) ([]eventLine, error) {
	return eventLines(ctx, d.app.store, sql.Filter{Limit: 1000})
}

// settled waits, at most five seconds, until nothing is on its way to Meta, and lists the events.
func (d *demo) settled(ctx context.Context) ([]eventLine, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for {
		lines, err := d.lines(ctx)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(lines, func(l eventLine) bool {
			return l.State == forwarder.Queued || l.State == forwarder.Sending
		}) {
			return lines, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("an event is still on its way to Meta after 5 s: %w", ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// check compares what Meta holds with what the story promised.
func (d *demo) check(want []promised) error {
	var got []promised
	for _, taken := range d.graph.Events() {
		got = append(got, promiseOf(taken))
	}
	d.out.printf("\n%s\n", d.out.bold("What Meta holds now"))
	for _, g := range got {
		d.out.printf("  %s\n", g)
	}
	if !slices.Equal(got, want) {
		d.out.printf("\n%s\n", d.out.red("That is not what the story promised:"))
		for _, w := range want {
			d.out.printf("  %s\n", w)
		}
		return findings()
	}
	d.out.printf("\n%s Exactly what the story promised: each conversion once, with the click it came from.\n", d.out.green("ok"))
	return nil
}

// promiseOf reads an event as Meta took it.
func promiseOf(taken sandbox.Taken) promised {
	var e struct {
		Name string `json:"event_name"`
		User struct {
			ClickID string `json:"ctwa_clid"`
		} `json:"user_data"`
		Custom struct {
			Value    json.Number `json:"value"`
			Currency string      `json:"currency"`
		} `json:"custom_data"`
	}
	_ = json.Unmarshal(taken.Event, &e) // the pretend Meta took it, so it is JSON
	return promised{e.Name, e.User.ClickID, strings.TrimSpace(e.Custom.Value.String() + " " + e.Custom.Currency)}
}
