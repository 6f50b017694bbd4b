package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/rules"
	"github.com/clickthread/clickthread/sql"
)

// ruleFolder is the rules in force, and the accounts whose files are broken.
type ruleFolder struct {
	rules.Library
	broken []string
}

// loadRules reads the rules folder. A broken file keeps only its own account's new rules out and
// never stops the server: the account's last good set stays in force, also across a restart
// (promise 7, ledger 29 and 30).
func loadRules(ctx context.Context, s configs.Settings, accounts *account.Registry, store *sql.Store, log *slog.Logger, why purpose) (*ruleFolder, error) {
	f := &ruleFolder{}
	if _, err := os.Stat(s.Rules); errors.Is(err, fs.ErrNotExist) {
		log.Warn("there is no rules folder: clicks are kept, but no event will ever be sent", "rules", s.Rules,
			"next", "put rule files into "+s.Rules+"<account>/ and restart")
	}
	sets, problems := rules.Load(os.DirFS(s.Rules), rules.LoadOptions{Owners: owners(accounts), Attribute: attribute})
	for _, p := range problems {
		log.Log(ctx, levelOf(p), "rule file", "problem", p.String(), "accounts", p.Accounts)
	}
	for _, owner := range owners(accounts) {
		set := sets[owner.ID]
		if set != nil {
			if why == toServe { // a command may stand beside another folder
				if err := store.KeepRuleSet(ctx, now(), owner.ID, set); err != nil {
					return nil, err
				}
			}
			log.Info("rules in force", "account", owner.ID, "rules", set.Len(), "set", fmt.Sprintf("%.12s", set.Hash()))
			continue
		}
		f.broken = append(f.broken, owner.ID)
		last, err := lastGood(ctx, store, owner, s.Rules, log)
		if err != nil {
			return nil, err
		}
		sets[owner.ID] = last
	}
	f.Swap(sets)
	return f, nil
}

// lastGood is the set that an account's broken files do not replace; nil when there never was one.
func lastGood(ctx context.Context, store *sql.Store, owner rules.Owner, folder string, log *slog.Logger) (*rules.Set, error) {
	sources, published, err := store.LastRuleSet(ctx, owner.ID)
	if err != nil {
		return nil, err
	}
	var files []*rules.File
	for _, source := range sources {
		if file, _ := rules.ParseFile(source.Path, source.Bytes); file != nil {
			files = append(files, file)
		}
	}
	set, _ := rules.NewSet(owner, files...)
	if len(files) == 0 || len(files) < len(sources) || set == nil {
		log.Error("this account has NO rules in force until its files are mended", "account", owner.ID, "next", "clickthread rules check "+folder)
		return nil, nil
	}
	log.Error("this account's rule files are broken; its last good rules stay in force", "account", owner.ID,
		"published", published, "set", fmt.Sprintf("%.12s", set.Hash()), "next", "clickthread rules check "+folder)
	return set, nil
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
			Currency: a.Currency, Locale: a.Locale, Timezone: a.Timezone, FirstClick: a.Click == account.FirstClick,
		})
	}
	return list
}

// attribute answers the tests in rule files as the server would: with attribution's own Pick. What it
// picks is found again by an id that counts up, as ids do in the order of receipt.
func attribute(owner rules.Owner, clicks []rules.Click, at time.Time) (*rules.Click, reason.Code) {
	seen := make([]attribution.Click, len(clicks))
	for i, c := range clicks {
		seen[i] = attribution.Click{ClickID: c.Key, At: c.At}
		if c.NoClid {
			seen[i].ClickID = ""
		}
		binary.BigEndian.PutUint64(seen[i].ID[8:], uint64(i))
	}
	policy := account.LastClick
	if owner.FirstClick {
		policy = account.FirstClick
	}
	picked, why := attribution.Pick(seen, at, policy)
	if why != reason.None {
		return nil, why
	}
	return &clicks[binary.BigEndian.Uint64(picked.ID[8:])], reason.None
}
