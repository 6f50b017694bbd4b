package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/rules"
)

// ruleFolder is the rules in force, and what is wrong with the files they were read from.
type ruleFolder struct {
	rules.Library
	problems []rules.Problem
	broken   []string // accounts whose files are broken: they have no rules
}

// loadRules reads the rules folder. A broken file keeps only its own account's rules out and never
// stops the server (promise 7).
func loadRules(s configs.Settings, accounts *account.Registry, log *slog.Logger) *ruleFolder {
	f := &ruleFolder{}
	if _, err := os.Stat(s.Rules); errors.Is(err, fs.ErrNotExist) {
		log.Warn("there is no rules folder: clicks are kept, but no event will ever be sent", "rules", s.Rules,
			"next", "put rule files into "+s.Rules+"<account>/ and restart")
	}
	sets, problems := rules.Load(os.DirFS(s.Rules), rules.LoadOptions{Owners: owners(accounts), Attribute: attribute})
	f.problems = problems
	f.Swap(sets)
	for _, p := range problems {
		log.Log(context.Background(), levelOf(p), "rule file", "problem", p.String(), "accounts", p.Accounts)
	}
	for _, a := range accounts.All() {
		set, ok := sets[a.ID]
		if set == nil && ok {
			f.broken = append(f.broken, a.ID)
			log.Error("this account has NO rules in force until its files are mended", "account", a.ID,
				"next", "clickthread rules check "+s.Rules)
			continue
		}
		log.Info("rules in force", "account", a.ID, "rules", set.Len(), "set", fmt.Sprintf("%.12s", set.Hash()))
	}
	return f
}

func levelOf(p rules.Problem) slog.Level {
	if p.Warning {
		return slog.LevelWarn
	}
	return slog.LevelError
}

// owners shows the accounts as rules see them.
func owners(accounts *account.Registry) []rules.Owner {
	var list []rules.Owner
	for _, a := range accounts.All() {
		list = append(list, rules.Owner{
			ID: a.ID, WABAID: a.WABAID, PhoneNumberIDs: a.PhoneNumberIDs,
			Currency: a.Currency, Locale: a.Locale, Timezone: a.Timezone,
		})
	}
	return list
}

// attribute answers the tests in rule files as the server would: with attribution's own Pick.
func attribute(clicks []rules.Click, at time.Time) (*rules.Click, reason.Code) {
	seen := make([]attribution.Click, len(clicks))
	for i, c := range clicks {
		seen[i] = attribution.Click{ID: uuid.UUID{15: byte(i)}, ClickID: c.Key, At: c.At}
		if c.NoClid {
			seen[i].ClickID = ""
		}
	}
	picked, why := attribution.Pick(seen, at, account.LastClick)
	if why != reason.None {
		return nil, why
	}
	return &clicks[picked.ID[15]], reason.None
}
