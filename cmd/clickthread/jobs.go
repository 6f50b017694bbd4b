package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/webhook"
)

// gauge is a number that a job measured last.
type gauge struct{ atomic.Int64 }

// job is a method on its owner that makes one pass and says how much it did.
type job struct {
	name     string
	schedule string // of cron, in UTC
	does     string // in words, for the log and the help
	pass     func(context.Context) (int, error)
}

// byHand is the schedule of a job that only a person starts.
const byHand = ""

// jobs is the one cron table. Every line can also be run by hand: clickthread run NAME.
func (a *app) jobs() []job {
	return []job{
		{"prune", "17 * * * *", "clicks deleted", a.prune},
		{"replay", "* * * * *", "notifications replayed from quarantine", a.replay},
		{"replan", byHand, "messages that could not be planned before and are recorded now", a.replan},
		{"check", "* * * * *", "unattributed matches beside a click that counts; must be 0", a.check},
		{"counts", "@every 10s", "counters written", a.intake.FlushCounts},
	}
}

// prune deletes clicks past their window and grace, after folding them into daily counts (ledger 12).
func (a *app) prune(ctx context.Context) (int, error) {
	grace := time.Duration(a.settings.Retention.ClickGrace)
	return a.store.PruneClicks(ctx, attribution.Prune(now(), grace))
}

// replay records what waited for an account that the settings name by now (ledger 4).
func (a *app) replay(ctx context.Context) (int, error) {
	return a.intake.Replay(ctx, webhook.UnknownWABA)
}

// replan tries again what an older version could not plan.
func (a *app) replan(ctx context.Context) (int, error) {
	return a.intake.Replay(ctx, webhook.PlanFailed)
}

// check measures what must never happen: a click and the message that needs it missing each other.
func (a *app) check(ctx context.Context) (int, error) {
	n, err := a.store.Stranded(ctx)
	if err != nil {
		return 0, fmt.Errorf("look for stranded matches: %w", err)
	}
	a.stranded.Store(int64(n))
	if n > 0 {
		a.log.Error("unattributed matches stand beside a click that counts; please report this", "matches", n)
	}
	return n, nil
}

// startJobs runs the table until the returned cron is stopped. A job that is still running is not
// started again, and a panic ends the job, not the server.
func (a *app) startJobs(ctx context.Context) *cron.Cron {
	logger := cronLog{a}
	c := cron.New(cron.WithLocation(time.UTC), cron.WithLogger(logger),
		cron.WithChain(cron.Recover(logger), cron.SkipIfStillRunning(cron.DiscardLogger)))
	for _, j := range a.jobs() {
		if j.schedule == byHand {
			continue
		}
		if _, err := c.AddFunc(j.schedule, func() { a.runJob(ctx, j) }); err != nil {
			panic(fmt.Sprintf("cron table: %s: %v", j.name, err)) // a fault of ours that every start finds
		}
	}
	c.Start()
	return c
}

func (a *app) runJob(ctx context.Context, j job) {
	n, err := j.pass(ctx)
	switch {
	case err != nil:
		a.log.Error("job failed; it runs again on schedule", "job", j.name, "error", err)
	case n > 0 && j.name != "counts":
		a.log.Info("job done", "job", j.name, j.does, n)
	}
}

// cronLog passes cron's own errors on; its chatter is left out.
type cronLog struct{ app *app }

func (l cronLog) Info(string, ...any) {}

func (l cronLog) Error(err error, msg string, keysAndValues ...any) {
	l.app.log.Error("cron: "+msg, append([]any{"error", err}, keysAndValues...)...)
}
