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
	"time"

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

// tally counts events by kind, in the order in which the kinds come.
type tally struct {
	events int
	groups []mendGroup
	first  []sql.Mendable // a few of them
	until  time.Time      // the last of them changed then

	at map[mendGroup]int // where in groups a kind is
}

func (t *tally) add(e sql.Mendable) {
	kind := mendGroup{Account: e.Account, State: e.Status, Reason: e.Reason, Why: e.Left}
	i, known := t.at[kind]
	if !known {
		if t.at == nil {
			t.at = map[mendGroup]int{}
		}
		i = len(t.groups)
		t.at[kind] = i
		t.groups = append(t.groups, kind)
		t.groups[i].Example = eventID(e.ID)
	}
	t.groups[i].Events++
	t.events++
	if len(t.first) < 3 {
		t.first = append(t.first, e)
	}
	if e.ChangedAt.After(t.until) {
		t.until = e.ChangedAt
	}
}

// mended is what became of the events that were to be changed.
type mended struct {
	found         int // what was to be changed
	changed, left tally
	said          tally // what was left from the beginning, and said so
}

func (m *mended) add(events []sql.Mendable) {
	for _, e := range events {
		if e.Left == "" {
			m.changed.add(e)
		} else {
			m.left.add(e)
		}
	}
}

// missing adds to what was left those that were counted, and were not found any more.
func (m *mended) missing(counted tally) {
	met := map[string]int{} // by account
	for _, g := range slices.Concat(m.changed.groups, m.left.groups) {
		met[g.Account] += g.Events
	}
	for _, g := range counted.groups {
		seen := min(met[g.Account], g.Events)
		met[g.Account] -= seen
		if g.Events -= seen; g.Events > 0 {
			g.Why = "sent, on its way, or changed since it was counted"
			m.left.groups = append(m.left.groups, g)
			m.left.events += g.Events
		}
	}
}

// confirm shows what would be changed, and has a person say the number: typed at a terminal, else given
// beforehand with --confirm. A number that does not fit any more changes nothing.
func (c *mending) confirm(ctx context.Context, out *console, r sql.Remedy, chosen, left tally) error {
	n := chosen.events
	if !c.JSON {
		preview(out, r, chosen, left)
	} else if c.Confirm == nil || n == 0 {
		if err := out.json(mendReport{Found: n, Events: chosen.list(), Left: left.list()}); err != nil {
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

func preview(out *console, r sql.Remedy, chosen, left tally) {
	if chosen.events == 0 {
		out.printf("There is nothing to %s.\n", r)
	} else {
		rows := [][]string{{"ACCOUNT", "STATE", "REASON", "EVENTS"}}
		for _, g := range chosen.groups {
			rows = append(rows, []string{g.Account, string(g.State), string(g.Reason), strconv.Itoa(g.Events)})
		}
		out.table(rows)
		for _, e := range chosen.first {
			out.printf("%s %s  %s %s  of %s\n", out.dim("such as"), eventID(e.ID), e.Name, e.Value, when(e.EventAt))
		}
	}
	printLeft(out, left)
}

func printLeft(out *console, left tally) {
	for _, g := range left.groups {
		out.printf("%s of %s left as before: %s (%s)\n", plural(g.Events, "event"), g.Account, g.Why, g.Example)
	}
}

// report says what was changed, what was left and why, and where changed events go on waiting. It is a
// finding where something was left that was asked for or confirmed.
func (c *mending) report(ctx context.Context, out *console, store *sql.Store, r sql.Remedy, done mended) error {
	if c.JSON {
		all := append(done.said.list(), done.left.groups...)
		if err := out.json(mendReport{Changed: done.changed.events, Found: done.found, Events: done.changed.list(), Left: all}); err != nil {
			return err
		}
	} else {
		out.printf("%s %s.\n", plural(done.changed.events, "event"), mendedWords[r])
		printLeft(out, done.left)
		if err := sayPaused(ctx, out, store, r, done.changed); err != nil {
			return err
		}
	}
	if done.left.events > 0 {
		return findings()
	}
	return nil
}

// list is the groups for machines: never null.
func (t *tally) list() []mendGroup { return append([]mendGroup{}, t.groups...) }

// sayPaused names the accounts that send nothing at the moment.
func sayPaused(ctx context.Context, out *console, store *sql.Store, r sql.Remedy, changed tally) error {
	if r == sql.Cancel || changed.events == 0 {
		return nil
	}
	lanes, err := store.PausedLanes(ctx, now())
	if err != nil {
		return err
	}
	here := map[string]bool{}
	for _, g := range changed.groups {
		here[g.Account] = true
	}
	for _, l := range lanes {
		if here[l.Account] {
			out.printf("Account %s is paused, so they wait: %s\n", l.Account, l.PauseWords)
		}
	}
	return nil
}
