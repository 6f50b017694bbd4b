package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/mattn/go-isatty"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/sql"
)

// What is said before and after events are changed.

// mendedWords say of each remedy what became of the events.
var mendedWords = map[sql.Remedy]string{sql.Retry: "to be sent now", sql.Cancel: "cancelled", sql.Release: "released, to be sent now"}

// mendReport is the result for machines.
type mendReport struct {
	Changed int         `json:"changed"`
	Found   int         `json:"found"` // what was to be changed
	Events  []mendGroup `json:"events"`
	Left    []mendGroup `json:"left"`
}

// mendGroup counts events that are alike.
type mendGroup struct {
	Account string           `json:"account"`
	State   forwarder.Status `json:"state"` // before
	Reason  reason.Code      `json:"reason,omitempty"`
	Why     string           `json:"why,omitempty"` // they were left
	Events  int              `json:"events"`
	Example string           `json:"example"`
}

// groups counts in the order in which the kinds come.
func groups(events []sql.Mendable) []mendGroup {
	list := []mendGroup{}
	at := map[mendGroup]int{}
	for _, e := range events {
		kind := mendGroup{Account: e.Account, State: e.Status, Reason: e.Reason, Why: e.Left}
		i, known := at[kind]
		if !known {
			i = len(list)
			at[kind] = i
			list = append(list, kind)
			list[i].Example = eventID(e.ID)
		}
		list[i].Events++
	}
	return list
}

// confirm shows what would be changed, and has a person say the number: typed at a terminal, else given
// beforehand with --confirm. A number that does not fit any more changes nothing.
func (c *mending) confirm(ctx context.Context, out *console, r sql.Remedy, chosen, left []sql.Mendable) error {
	n := len(chosen)
	if !c.JSON {
		preview(out, r, chosen, left)
	} else if c.Confirm == nil || n == 0 {
		if err := out.json(mendReport{Found: n, Events: groups(chosen), Left: groups(left)}); err != nil {
			return err
		}
	}
	switch {
	case n == 0:
		return nil
	case c.Confirm != nil && *c.Confirm == n:
		return nil
	case c.Confirm != nil:
		return fmt.Errorf("nothing was changed: %s can be changed now, and --confirm says %d; look again, then confirm the new number", plural(n, "event"), *c.Confirm)
	case !c.JSON && atTerminal(out):
		return askFor(ctx, out, os.Stdin, n)
	}
	return usage(fmt.Errorf("nothing was changed; to %s %s, run it again with --confirm %d", r, plural(n, "event"), n))
}

// atTerminal reports whether there is somebody to ask.
func atTerminal(out *console) bool {
	f, ok := out.out.(*os.File)
	return ok && isatty.IsTerminal(f.Fd()) && isatty.IsTerminal(os.Stdin.Fd())
}

// askFor reads beside the context: Ctrl-C ends that, not the reading.
func askFor(ctx context.Context, out *console, in io.Reader, n int) error {
	out.printf("Type the number of events, %d, to go on: ", n)
	typed := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(in).ReadString('\n') // an end of input is an answer too
		typed <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		out.printf("\n")
		return errors.New("nothing was changed")
	case line := <-typed:
		if line != strconv.Itoa(n) {
			return fmt.Errorf("nothing was changed: %q is not %d", line, n)
		}
		return nil
	}
}

func preview(out *console, r sql.Remedy, chosen, left []sql.Mendable) {
	if len(chosen) == 0 {
		out.printf("There is nothing to %s.\n", r)
	} else {
		rows := [][]string{{"ACCOUNT", "STATE", "REASON", "EVENTS"}}
		for _, g := range groups(chosen) {
			rows = append(rows, []string{g.Account, string(g.State), string(g.Reason), strconv.Itoa(g.Events)})
		}
		out.table(rows)
		for _, e := range chosen[:min(3, len(chosen))] {
			out.printf("%s %s  %s %s  of %s\n", out.dim("such as"), eventID(e.ID), e.Name, e.Value, when(e.EventAt))
		}
	}
	printLeft(out, left)
}

func printLeft(out *console, left []sql.Mendable) {
	for _, g := range groups(left) {
		out.printf("%s of %s left as before: %s (%s)\n", plural(g.Events, "event"), g.Account, g.Why, g.Example)
	}
}

// report says what was changed, what was left and why, and where changed events go on waiting. left was
// said before; it is a finding where something was left that was asked for or confirmed.
func (c *mending) report(ctx context.Context, out *console, store *sql.Store, r sql.Remedy, done, left []sql.Mendable) error {
	changed, leftNow := apart(done)
	if c.JSON {
		all := slices.Concat(left, leftNow)
		if err := out.json(mendReport{Changed: len(changed), Found: len(done), Events: groups(changed), Left: groups(all)}); err != nil {
			return err
		}
	} else {
		out.printf("%s %s.\n", plural(len(changed), "event"), mendedWords[r])
		printLeft(out, leftNow)
		if err := sayPaused(ctx, out, store, r, changed); err != nil {
			return err
		}
	}
	if len(leftNow) > 0 {
		return findings()
	}
	return nil
}

// sayPaused names the accounts that send nothing at the moment.
func sayPaused(ctx context.Context, out *console, store *sql.Store, r sql.Remedy, changed []sql.Mendable) error {
	if r == sql.Cancel || len(changed) == 0 {
		return nil
	}
	lanes, err := store.PausedLanes(ctx, now())
	if err != nil {
		return err
	}
	here := map[string]bool{}
	for _, e := range changed {
		here[e.Account] = true
	}
	for _, l := range lanes {
		if here[l.Account] {
			out.printf("Account %s is paused, so they wait: %s\n", l.Account, l.PauseWords)
		}
	}
	return nil
}
