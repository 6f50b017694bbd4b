package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/sql"
)

type eventsCmd struct {
	Ls      eventsLsCmd      `cmd:"" help:"List events, newest first."`
	Show    eventsShowCmd    `cmd:"" help:"Show one event: state, cause, rule, exact bytes, Meta's answer."`
	Retry   eventsRetryCmd   `cmd:"" help:"Try now what waits for its next try, and again what Meta rejected."`
	Cancel  eventsCancelCmd  `cmd:"" help:"Never send what is queued, waiting or held."`
	Release eventsReleaseCmd `cmd:"" help:"Send what is held for one reason."`
}

// openLedger opens the database beside a running server.
func (c configFlag) openLedger(ctx context.Context) (*sql.Store, error) {
	s, err := c.load()
	if err != nil {
		return nil, err
	}
	store, err := sql.Open(ctx, sql.Options{URL: s.Database, MustExist: true})
	if err != nil {
		return nil, unreachable(err)
	}
	return store, nil
}

type eventsLsCmd struct {
	configFlag
	eventFilter
	Limit int  `help:"Most rows." default:"50"`
	JSON  bool `help:"Print as JSON." name:"json"`
}

// Help shows an example below the flags.
func (eventsLsCmd) Help() string {
	return "Example:\n  clickthread events ls --state unattributed\n  clickthread events ls --account shop --since 24h --json\n" +
		"  clickthread events ls --since 2026-03-09 --until 2026-03-10"
}

// eventLine is one event as it is listed and printed as JSON.
type eventLine struct {
	ID       string           `json:"id"`
	Recorded time.Time        `json:"recorded_at"`
	Account  string           `json:"account"`
	State    forwarder.Status `json:"state"`
	Event    string           `json:"event_name"`
	Value    string           `json:"value,omitempty"`
	Rule     string           `json:"rule"`
	Reason   reason.Code      `json:"reason,omitempty"`
	Words    string           `json:"reason_in_words,omitempty"`
	EventID  string           `json:"event_id,omitempty"`
	EventAt  time.Time        `json:"event_time"`
	AdID     string           `json:"ad_id,omitempty"`
	Dataset  string           `json:"dataset_id,omitempty"`
	TestCode string           `json:"test_event_code,omitempty"` // it is shown as a test at Meta, and counts all the same
	NextTry  *time.Time       `json:"next_try,omitempty"`        // of what is queued or waiting; in the past: as soon as its account sends
}

// Run lists deliveries and unattributed matches together.
func (c *eventsLsCmd) Run(ctx context.Context, out *console) error {
	f, err := c.filter()
	if err != nil {
		return usage(err)
	}
	f.Limit = c.Limit
	store, err := c.openLedger(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	lines, err := eventLines(ctx, store, f)
	if err != nil {
		return err
	}
	if c.JSON {
		return out.json(lines)
	}
	if len(lines) == 0 {
		out.printf("No events fit.\n")
		return nil
	}
	rows := [][]string{{"RECORDED (UTC)", "ID", "ACCOUNT", "STATE", "EVENT", "VALUE", "RULE", "WHY"}}
	for _, l := range lines {
		name := l.Event
		if l.TestCode != "" {
			name += " (test)"
		}
		rows = append(rows, []string{when(l.Recorded), l.ID, l.Account, string(l.State), name, l.Value, l.Rule, string(l.Reason)})
	}
	out.table(rows)
	return nil
}

func eventLines(ctx context.Context, store *sql.Store, f sql.Filter) ([]eventLine, error) {
	lines := []eventLine{}
	if f.Status != forwarder.Unattributed {
		deliveries, err := store.Deliveries(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, d := range deliveries {
			lines = append(lines, lineOf(d))
		}
	}
	if (f.Status == "" || f.Status == forwarder.Unattributed) && f.Call == uuid.Nil {
		waiting, err := store.Waiting(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, w := range waiting {
			lines = append(lines, lineOfMatch(w))
		}
	}
	slices.SortStableFunc(lines, func(a, b eventLine) int {
		return cmp.Or(b.Recorded.Compare(a.Recorded), strings.Compare(b.ID, a.ID))
	})
	if f.Limit > 0 && len(lines) > f.Limit {
		lines = lines[:f.Limit]
	}
	return lines, nil
}

func lineOf(d forwarder.Delivery) eventLine {
	return eventLine{
		ID: eventID(d.ID), Recorded: d.CreatedAt, Account: d.Account, State: d.Status, Event: d.EventName,
		Value: d.Value.String(), Rule: d.Rule, Reason: d.Reason, Words: d.Reason.Words(), EventID: d.EventID,
		EventAt: d.EventAt, AdID: d.AdID, Dataset: d.Dataset, TestCode: d.TestCode, NextTry: nextTry(d),
	}
}

// nextTry is when an event that is on its way is sent; nil where it is not.
func nextTry(d forwarder.Delivery) *time.Time {
	if d.Status != forwarder.Queued && d.Status != forwarder.Waiting {
		return nil
	}
	return &d.Due
}

func lineOfMatch(w sql.UnattributedMatch) eventLine {
	return eventLine{
		ID: "msg_" + hexID(w.Trigger), Recorded: w.ReceivedAt, Account: w.Account, State: forwarder.Unattributed,
		Event: w.Event, Rule: w.Rule, Reason: w.Reason, Words: w.Reason.Words(), EventAt: w.At,
	}
}

// eventID is how people name an event.
func eventID(id uuid.UUID) string { return "evt_" + hexID(id) }

// hexID prints an id without dashes, behind a prefix that says what it is the id of.
func hexID(id uuid.UUID) string { return strings.ReplaceAll(id.String(), "-", "") }

// parseID reads evt_..., msg_... or a bare id; anything else is the zero id.
func parseID(s string) uuid.UUID {
	_, bare, found := strings.Cut(s, "_")
	if !found {
		bare = s
	}
	id, err := uuid.Parse(bare)
	if err != nil {
		return uuid.Nil
	}
	return id
}
