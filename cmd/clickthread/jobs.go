package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/sql"
	"github.com/clickthread/clickthread/webhook"
)

// gauge is a number that a job measured last.
type gauge struct{ atomic.Int64 }

// job is a method on its owner that makes one pass and says how much it did.
type job struct {
	name     string
	schedule string        // of cron, in UTC
	period   time.Duration // how often one of the nodes runs it for all of them; eachNode: they all do
	does     string        // in words, for the log and the help
	pass     func(context.Context) (int, error)
	idle     func() // what a node does while another has the turn. Default: nothing.
	own      bool   // it is about the process that runs it, and does nothing by hand
}

const (
	byHand   = "" // the schedule of a job that only a person starts
	eachNode = 0  // the period of a job that every node runs for itself
)

// jobs is the one cron table. Every line that is not about its own process can also be run by
// hand: clickthread run NAME.
func (a *app) jobs() []job {
	return []job{
		{"prune", "17 * * * *", time.Hour, "rows removed that were older than the retention settings", a.prune, nil, false},
		{"cap", "@every 15s", 15 * time.Second, "bodies removed from quarantine, because it was full", a.store.CapQuarantine, nil, false},
		{"replay", "* * * * *", time.Minute, "notifications replayed from quarantine", a.replay, nil, false},
		{"replan", byHand, eachNode, "messages that could not be planned before and are recorded now", a.replan, nil, false},
		{"ripen", "@every 1s", eachNode, "events queued whose wait is over", a.ripen, nil, false},
		{"check", "* * * * *", time.Minute, "unattributed matches beside a click that counts; must be 0", a.check, a.unchecked, false},
		{"counts", "@every 10s", eachNode, "counters and evaluations written", a.flush, nil, true},
		{"reload", "@every 5s", eachNode, "accounts whose rules are different now", a.reloadRules, nil, true},
		{"rules", "* * * * *", eachNode, "accounts for which running nodes have different rules in force", a.compareRules, nil, true},
		{"optouts", "@every 1s", eachNode, "names on the opt-out list, read anew", a.reloadOptOuts, nil, true},
		{"follow", "* * * * *", time.Minute, "names that people on the opt-out list were seen under since", a.followOptOuts, nil, false},
		{"accounts", "* * * * *", time.Minute, "accounts that rest from now on, because no running server has them in its settings", a.keepAccounts, nil, false},
		{"lanes", "@every 2s", eachNode, "pauses that began or ended", a.sayLanes, nil, true},
		{"watch", "@every 15s", 15 * time.Second, "notices written for the receivers in the settings", a.newWatcher().Pass, nil, false},
		{"notify", "@every 5s", 5 * time.Second, "notices taken by their receivers", a.newNotifier().Pass, nil, false},
	}
}

// prune removes what is older than the retention settings (ledger 2, 3, 7, 12, 13).
func (a *app) prune(ctx context.Context) (int, error) {
	pruned, err := a.store.Prune(ctx, a.retention())
	return pruned.Total(), err
}

// retention is how far back things are kept as of now.
func (a *app) retention() sql.Retention {
	begin, kept := a.clock.Now(), a.settings.Retention
	ago := func(d configs.Duration) time.Time { return begin.Add(-time.Duration(d)) }
	return sql.Retention{
		Clicks:   attribution.Prune(begin, time.Duration(kept.ClickGrace)),
		Messages: ago(kept.Messages), Texts: ago(kept.Text), Quarantine: ago(kept.Quarantine),
		Calls: ago(kept.Calls), Notices: ago(kept.Calls), Ledger: ago(kept.Ledger),
		Keys: begin.Add(-sql.KeepKeys), Unattributed: begin.Add(-sql.KeepUnattributed),
	}
}

// replay records what waited for an account that the settings name by now, or for a click that has come
// by now (ledger 4, 18).
func (a *app) replay(ctx context.Context) (int, error) {
	n, err := a.intake.Replay(ctx, webhook.UnknownWABA)
	if err != nil {
		return n, err
	}
	more, err := a.intake.Replay(ctx, webhook.UnknownClick)
	return n + more, err
}

// flush writes what messages leave in memory: counts, and the last evaluations of rules (ledger 6, 16).
func (a *app) flush(ctx context.Context) (int, error) {
	counts, err := a.intake.FlushCounts(ctx)
	evaluations, evaluationsErr := a.intake.FlushEvaluations(ctx)
	return counts + evaluations, errors.Join(err, evaluationsErr)
}

// ripen queues the events whose wait is over (ledger 19).
func (a *app) ripen(ctx context.Context) (int, error) {
	n, err := a.store.Ripen(ctx, a.clock.Now())
	if n > 0 {
		a.forward.Wake()
	}
	return n, err
}

// replan tries again what an older version could not plan.
func (a *app) replan(ctx context.Context) (int, error) {
	return a.intake.Replay(ctx, webhook.PlanFailed)
}

func (a *app) reloadOptOuts(ctx context.Context) (int, error) { return a.optOuts.reload(ctx, a.store) }

// followOptOuts finds names that came up since, and events that were planned or came back from a call before
// this server knew.
func (a *app) followOptOuts(ctx context.Context) (int, error) {
	names, err := a.store.FollowOptOuts(ctx)
	if err != nil {
		return 0, err
	}
	_, err = a.store.CancelOptedOut(ctx, a.clock.Now())
	return names, err
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

// unchecked forgets what this node found: another looks now, and its word counts.
func (a *app) unchecked() { a.stranded.Store(0) }

// startJobs runs the table until the returned cron is stopped. A job that is still running is not
// started again, and a panic ends the job, not the server. The other nodes are told at once that this
// one is here.
func (a *app) startJobs(ctx context.Context) *cron.Cron {
	if _, err := a.compareRules(ctx); err != nil {
		a.log.Error("cannot compare rules with other nodes; tried again in a minute", "error", err)
	}
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
	n, err := a.takeTurn(ctx, j)
	switch {
	case err != nil:
		a.log.Error("job failed; it runs again on schedule", "job", j.name, "error", err)
	case n > 0 && j.name != "counts":
		a.log.Info("job done", "job", j.name, j.does, n)
	}
}

// takeTurn makes one pass, if it is this node's turn. It always is where no other node can be.
func (a *app) takeTurn(ctx context.Context, j job) (int, error) {
	if j.period == eachNode || !a.store.Shared() {
		return j.pass(ctx)
	}
	mine, err := a.store.TakeJob(ctx, j.name, a.node, j.period)
	if err != nil {
		return 0, err
	}
	if !mine {
		if j.idle != nil {
			j.idle()
		}
		return 0, nil
	}
	n, err := j.pass(ctx)
	// Also when the server stops now: else the job would rest until the lease is over.
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return n, errors.Join(err, a.store.EndJob(ending, j.name, a.node))
}

// cronLog passes cron's own errors on; its chatter is left out.
type cronLog struct{ app *app }

func (l cronLog) Info(string, ...any) {}

func (l cronLog) Error(err error, msg string, keysAndValues ...any) {
	l.app.log.Error("cron: "+msg, append([]any{"error", err}, keysAndValues...)...)
}
