package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/clickthread/clickthread/sql"
)

type runCmd struct {
	configFlag
	Job    string `arg:"" help:"prune, replay, replan, check, ripen, follow, watch or notify."`
	DryRun bool   `help:"With prune: count what would go, and change nothing." name:"dry-run"`
	JSON   bool   `help:"Print the result as JSON." name:"json"`
}

// Help shows an example below the flags.
func (runCmd) Help() string {
	return "Example:\n  clickthread run prune --dry-run\n\n" +
		"  prune   remove what is older than the retention settings; daily counts of clicks stay\n" +
		"  replay  record notifications that waited in quarantine for an account that exists by now\n" +
		"  replan  record messages that an older version could not plan\n" +
		"  check   look for matches without a click beside a click that counts (must be 0)\n" +
		"  ripen   queue what has waited as long as its rule says\n" +
		"  follow  add the names that people on the opt-out list were seen under since\n" +
		"  watch   look for accounts that need a person, and write notices for the receivers in the settings\n" +
		"  notify  send the notices that are due\n" +
		"\n" +
		"The server runs all but replan by itself; a running server is not disturbed."
}

// Run makes one pass of one job.
func (c *runCmd) Run(ctx context.Context, out *console) error {
	if c.DryRun && c.Job != "prune" {
		return usage(errors.New("--dry-run is for prune"))
	}
	s, err := c.load()
	if err != nil {
		return err
	}
	a, err := newApp(ctx, s, newLog(out, false, slog.LevelWarn), toWork)
	if err != nil {
		return err
	}
	defer func() { _ = a.close() }()
	jobs := a.jobs()
	jobs = slices.DeleteFunc(jobs, func(j job) bool { return j.own })
	i := slices.IndexFunc(jobs, func(j job) bool { return j.name == c.Job })
	if i < 0 {
		names := make([]string, len(jobs))
		for i, j := range jobs {
			names[i] = j.name
		}
		return usage(fmt.Errorf("there is no job %q; there are %s", c.Job, strings.Join(names, ", ")))
	}
	if c.Job == "prune" {
		return c.prune(ctx, a, out)
	}
	n, err := jobs[i].pass(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return out.json(map[string]any{"job": c.Job, "count": n, "what": jobs[i].does})
	}
	out.printf("%s: %d %s\n", c.Job, n, jobs[i].does)
	return nil
}

// prune prints each kind as soon as it is done: millions of rows take minutes.
func (c *runCmd) prune(ctx context.Context, a *app, out *console) error {
	r, pass, heading := a.retention(), a.store.Prune, "REMOVED"
	if c.DryRun {
		pass, heading = a.store.Prunable, "WOULD GO"
	}
	if !c.JSON {
		out.printf("%-14s %10s  %s\n", "KIND", heading, "OLDER THAN (UTC)")
		r.Progress = func(k sql.PrunedKind) { out.printf("%-14s %10d  %s\n", k.Kind, k.Rows, when(k.Before)) }
	}
	pruned, err := pass(ctx, r)
	if err != nil {
		return err
	}
	if c.JSON {
		return out.json(map[string]any{"job": c.Job, "dry_run": c.DryRun, "count": pruned.Total(), "kinds": pruned})
	}
	out.printf("%-14s %10d\n", "all", pruned.Total())
	return nil
}
