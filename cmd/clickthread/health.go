package main

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/sql"
)

// healthz says that the process lives. It asks nobody, so that a hanging database does not make a
// supervisor kill a server that only has to wait.
func (a *app) healthz(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }

// readiness is what /readyz answers.
type readiness struct {
	Ready       bool          `json:"ready"`
	Database    string        `json:"database"`
	Rules       string        `json:"rules"`
	BrokenRules []string      `json:"accounts_with_broken_files,omitempty"`
	NoRules     []string      `json:"accounts_without_rules_in_force,omitempty"`
	RulesDiffer []string      `json:"accounts_whose_rules_differ_between_nodes,omitempty"`
	Queued      int64         `json:"queued"`
	OldestAgeS  float64       `json:"oldest_queued_seconds"`
	Paused      []pausedState `json:"paused_accounts,omitempty"`
	Missing     string        `json:"missing,omitempty"`
}

type pausedState struct {
	Account  string          `json:"account"`
	Cause    forwarder.Cause `json:"cause"`
	Until    time.Time       `json:"until"`
	Why      string          `json:"why"`
	Queued   int             `json:"queued"`
	Deadline *time.Time      `json:"oldest_sendable_until,omitempty"`
}

// readyz says whether webhooks can be stored: 503 only when they can not. Broken rules, rules
// that differ between nodes and a paused account are said, but the server is ready: what comes in is
// kept.
func (a *app) readyz(c echo.Context) error {
	broken := a.rules.brokenAccounts()
	if err := a.storable(c.Request().Context()); err != nil {
		return c.JSON(http.StatusServiceUnavailable, readiness{Database: "cannot be reached", BrokenRules: broken})
	}
	r := a.health.figures(c.Request().Context(), func(ctx context.Context) (r readiness) {
		a.readFigures(ctx, &r)
		return r
	})
	r.Ready, r.Database = true, "ok"
	a.sayRules(&r, broken)
	return c.JSON(http.StatusOK, r)
}

// readyzOutside says to strangers only whether the server is ready.
func (a *app) readyzOutside(c echo.Context) error {
	if err := a.storable(c.Request().Context()); err != nil {
		return c.JSON(http.StatusServiceUnavailable, map[string]bool{"ready": false})
	}
	return c.JSON(http.StatusOK, map[string]bool{"ready": true})
}

// readiness is what readyz says, read now.
func (a *app) readiness(ctx context.Context) (readiness, error) {
	r := readiness{Ready: true, Database: "ok"}
	a.sayRules(&r, a.rules.brokenAccounts())
	if err := a.store.Ping(ctx); err != nil {
		return r, err
	}
	a.readFigures(ctx, &r)
	return r, nil
}

func (a *app) sayRules(r *readiness, broken []string) {
	r.Rules, r.BrokenRules = "ok", broken
	for _, account := range broken {
		if a.rules.Set(account) == nil {
			r.NoRules = append(r.NoRules, account)
		}
	}
	switch {
	case len(r.NoRules) > 0:
		r.Rules = "broken for some accounts, of which some have NO rules in force; run: clickthread rules check " + a.settings.Rules
	case len(broken) > 0:
		r.Rules = "broken for some accounts, whose last good rules stay in force; run: clickthread rules check " + a.settings.Rules
	}
}

// storable tells whether webhooks can be stored. Anybody may ask, so it writes once a second at most.
func (a *app) storable(ctx context.Context) error {
	within := func(ask func(context.Context) error) func() error {
		return func() error { // from when it is asked: others may have been before
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second) // others hear the outcome too
			defer cancel()
			return ask(ctx)
		}
	}
	err, fresh := a.health.ask(time.Now(), within(a.store.Ping), within(a.store.Reads))
	if err != nil && fresh {
		a.log.Error("not ready", "error", err)
	}
	return err
}

// readFigures reads what is for people: a figure that cannot be read in time does not make the server unready.
func (a *app) readFigures(ctx context.Context, r *readiness) {
	counts, err := a.store.OpenCounts(ctx)
	r.note(err)
	for _, n := range counts {
		if n.Status == string(forwarder.Queued) {
			r.Queued += n.N
			r.OldestAgeS = max(r.OldestAgeS, a.clock.Now().Sub(time.UnixMicro(n.Oldest)).Seconds())
		}
	}
	r.RulesDiffer, err = a.store.RuleSetsDiffer(ctx, a.clock.Now())
	r.note(err)
	lanes, err := a.store.PausedLanes(ctx, a.clock.Now())
	for _, l := range lanes {
		r.Paused = append(r.Paused, a.pausedState(ctx, r, l))
	}
	r.note(err)
}

// pausedState tells what waits for an account that does not send, and until when Meta takes it.
func (a *app) pausedState(ctx context.Context, r *readiness, l sql.Lane) pausedState {
	p := pausedState{Account: l.Account, Cause: l.PauseCause, Until: l.PausedUntil, Why: l.PauseWords}
	waiting, err := a.store.Backlog(ctx, l.Account)
	r.note(err)
	if p.Queued = waiting.Events; p.Queued > 0 {
		p.Deadline = &waiting.SendableUntil
	}
	return p
}

// note says that a figure is missing.
func (r *readiness) note(err error) {
	if err != nil {
		r.Missing = "some figures could not be read in time"
	}
}
