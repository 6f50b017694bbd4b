package main

// What a server does about its rules while it runs: reads them again when they change, compares them with
// other nodes', and shows editors their format.

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/clickthread/clickthread/rules"
)

// reloadRules makes one pass over the rules folder. What is new is noted at once, for other nodes and for
// commands.
func (a *app) reloadRules(ctx context.Context) (int, error) {
	changed, err := a.rules.reload(ctx)
	if err != nil || changed == 0 {
		return changed, err
	}
	return changed, a.noteRules(ctx)
}

// watchRules reads the rules as soon as the folder changes, until ctx ends. Where that cannot be heard, the
// job "reload" finds it seconds later.
func (a *app) watchRules(ctx context.Context) {
	err := watchFolder(ctx, a.settings.Rules, func() {
		if _, err := a.reloadRules(ctx); err != nil {
			a.log.Error("cannot read the rules; tried again in seconds", "error", err)
		}
	})
	if err != nil {
		a.log.Warn("changes of rule files are not heard; the folder is looked at every 5 seconds", "error", err)
	}
}

func (a *app) noteRules(ctx context.Context) error {
	return a.store.SeeNode(ctx, a.clock.Now(), a.node, a.rules.inForce())
}

// compareRules tells the other nodes which rules are in force here, and says where theirs differ
// (ledger 30).
func (a *app) compareRules(ctx context.Context) (int, error) {
	if err := a.noteRules(ctx); err != nil {
		return 0, err
	}
	differ, err := a.store.RuleSetsDiffer(ctx, a.clock.Now())
	if len(differ) > 0 {
		a.log.Warn("nodes have different rules in force; give them the same files", "accounts", differ)
	}
	return len(differ), err
}

// ruleSchema serves the JSON Schema of rule files, which editors complete and check by.
func ruleSchema(c echo.Context) error {
	return c.Blob(http.StatusOK, "application/schema+json", rules.Schema())
}
