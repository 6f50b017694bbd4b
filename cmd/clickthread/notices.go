package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/notices"
)

// newWatcher makes the half that looks for what is to be told.
func (a *app) newWatcher() *notices.Watcher {
	return &notices.Watcher{
		Ledger: a.store, Receivers: a.settings.Receivers(), Now: a.clock.Now, NewID: func() uuid.UUID { return uuid.Must(uuid.NewV7()) },
	}
}

// newNotifier makes the half that sends it.
func (a *app) newNotifier() *notices.Sender {
	return notices.NewSender(notices.SenderOptions{Outbox: a.store, Receivers: a.settings.Receivers(), Now: a.clock.Now, Log: a.log})
}

type noticesCmd struct {
	Ls noticesLsCmd `cmd:"" help:"List notices with what came of them, newest first."`
}

type noticesLsCmd struct {
	configFlag
	State string `help:"Only this state: queued, sent or failed." placeholder:"STATE"`
	Limit int    `help:"Most rows." default:"50"`
	JSON  bool   `help:"Print as JSON." name:"json"`
}

// Help shows an example below the flags.
func (noticesLsCmd) Help() string {
	return "Example:\n  clickthread notices ls --state failed\n\n" +
		"The settings say who is told, under notices. JSON also holds what each was told."
}

// noticeLine is one notice as it is listed and printed as JSON.
type noticeLine struct {
	ID         string          `json:"id"` // the webhook-id
	Recorded   time.Time       `json:"recorded_at"`
	Kind       notices.Kind    `json:"type"`
	Account    string          `json:"account"`
	Receiver   string          `json:"receiver"` // without path
	State      notices.State   `json:"state"`
	Attempts   int             `json:"attempts"`
	HTTPStatus int             `json:"http_status,omitempty"`
	Words      string          `json:"words,omitempty"`
	Next       *time.Time      `json:"next_attempt_at,omitempty"`
	Ended      *time.Time      `json:"ended_at,omitempty"`
	Body       json.RawMessage `json:"body"`
}

// Run lists the notices.
func (c *noticesLsCmd) Run(ctx context.Context, out *console) error {
	if c.State != "" && !slices.Contains(notices.States(), notices.State(c.State)) {
		return usage(fmt.Errorf("there is no state %q; there are %v", c.State, notices.States()))
	}
	s, err := c.load()
	if err != nil {
		return err
	}
	store, err := c.openLedger(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	list, err := store.Notices(ctx, notices.State(c.State), c.Limit)
	if err != nil {
		return err
	}
	lines := noticeLines(list, s)
	if c.JSON {
		return out.json(lines)
	}
	if len(lines) == 0 {
		out.printf("No notices fit.\n")
		return nil
	}
	rows := [][]string{{"RECORDED (UTC)", "ID", "KIND", "ACCOUNT", "RECEIVER", "STATE", "TRIES", "NEXT (UTC)", "LAST ANSWER"}}
	for _, l := range lines {
		rows = append(rows, l.row())
	}
	out.table(rows)
	return nil
}

func noticeLines(list []notices.Notice, s configs.Settings) []noticeLine {
	names := map[string]string{}
	for _, r := range s.Receivers() {
		names[r.ID()] = r.Name()
	}
	lines := []noticeLine{}
	for _, n := range list {
		l := noticeLine{
			ID: n.MessageID(), Recorded: n.CreatedAt, Kind: n.Kind, Account: n.Account, Receiver: names[n.Receiver], State: n.State,
			Attempts: n.Attempts, HTTPStatus: n.HTTPStatus, Words: n.Words, Body: n.Body,
		}
		if l.Receiver == "" {
			l.Receiver = "(not in the settings)"
		}
		if n.State == notices.Queued {
			l.Next = &n.Due
		} else {
			l.Ended = &n.EndedAt
		}
		lines = append(lines, l)
	}
	return lines
}

// row is the notice in columns.
func (l noticeLine) row() []string {
	answer := l.Words
	if l.State == notices.Sent {
		answer = strconv.Itoa(l.HTTPStatus)
	}
	next := "-"
	if l.Next != nil {
		next = when(*l.Next)
	}
	return []string{when(l.Recorded), l.ID, string(l.Kind), l.Account, l.Receiver, string(l.State), strconv.Itoa(l.Attempts), next, answer}
}
