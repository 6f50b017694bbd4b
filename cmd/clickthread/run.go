package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

type runCmd struct {
	configFlag
	Job  string `arg:"" help:"prune, replay, replan or check."`
	JSON bool   `help:"Print the result as JSON." name:"json"`
}

// Help shows an example below the flags.
func (runCmd) Help() string {
	return "Example:\n  clickthread run prune\n\n" +
		"  prune   delete clicks older than 7 days and retention.click_grace; their daily counts stay\n" +
		"  replay  record notifications that waited in quarantine for an account that exists by now\n" +
		"  replan  record messages that an older version could not plan\n" +
		"  check   look for matches without a click beside a click that counts (must be 0)\n\n" +
		"The server runs all but replan by itself; a running server is not disturbed."
}

// Run makes one pass of one job.
func (c *runCmd) Run(ctx context.Context, out *console) error {
	s, err := c.load()
	if err != nil {
		return err
	}
	a, err := newApp(ctx, s, newLog(out, false, slog.LevelWarn), toWork)
	if err != nil {
		return err
	}
	defer func() { _ = a.close() }()
	var names []string
	for _, j := range a.jobs() {
		if j.name != c.Job {
			names = append(names, j.name)
			continue
		}
		n, err := j.pass(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return out.json(map[string]any{"job": j.name, "count": n, "what": j.does})
		}
		out.printf("%s: %d %s\n", j.name, n, j.does)
		return nil
	}
	return usage(fmt.Errorf("there is no job %q; there are %s", c.Job, strings.Join(names, ", ")))
}
