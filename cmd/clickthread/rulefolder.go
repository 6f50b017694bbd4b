package main

// The rules in force: read from a folder at start and whenever it changes, published account by account.

import (
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/rules"
	"github.com/clickthread/clickthread/sql"
)

// ruleFolder is the rules in force, and the folder that they come from. A broken file keeps only its own
// account's new rules out and never stops the server: the account's last good set stays in force, also
// across a restart (promise 7, ledger 29 and 30).
type ruleFolder struct {
	rules.Library
	folder string
	owners []rules.Owner
	store  *sql.Store
	log    *slog.Logger
	keeps  bool // what is published becomes the last good set; a command may stand beside another folder
	force  bool // sets are published although tests in their files fail

	mu     sync.Mutex // one pass at a time
	seen   [sha256.Size]byte
	told   [sha256.Size]byte                 // what the log has told the problems of
	broken atomic.Pointer[map[string]string] // what is wrong with the files of an account
}

// openRules makes the first pass over the rules folder.
func openRules(ctx context.Context, folder string, accounts *account.Registry, store *sql.Store, log *slog.Logger, why purpose) (*ruleFolder, error) {
	f := &ruleFolder{folder: folder, owners: owners(accounts), store: store, log: log, keeps: why.serves(), force: why == toServeAll}
	f.broken.Store(&map[string]string{})
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		log.Warn("there is no rules folder: clicks are kept, but without rules no event is sent", "rules", folder,
			"next", "put rule files into "+folder+"<account>/")
	}
	_, err := f.reload(ctx)
	return f, err
}

// reload makes one pass: if anything in the folder changed, each account whose files are good gets the set
// that they make, and the others keep theirs. It returns for how many accounts anything is different. After
// an error some accounts may have what they had before, and the next pass tries again.
func (f *ruleFolder) reload(ctx context.Context) (changed int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	files := f.files()
	seen := rules.Fingerprint(files)
	if seen == f.seen {
		return 0, nil
	}
	loaded, problems := rules.Load(files, rules.LoadOptions{Owners: f.owners, Attribute: attribute, Force: f.force})
	if seen != f.told {
		f.told = seen
		for _, p := range problems {
			f.log.Log(ctx, levelOf(p), "rule file", "problem", p.String(), "accounts", p.Accounts)
		}
	}
	sets, broken := map[string]*rules.Set{}, map[string]string{}
	var errs []error
	for _, owner := range f.owners {
		set, wrong, err := f.choose(ctx, owner, loaded[owner.ID], problems)
		if err != nil { // the account keeps what it has, and the next pass tries again
			errs = append(errs, fmt.Errorf("rules of account %s: %w", owner.ID, err))
			set, wrong = f.Set(owner.ID), (*f.broken.Load())[owner.ID]
		}
		sets[owner.ID] = set
		if wrong != "" {
			broken[owner.ID] = wrong
		}
	}
	for _, owner := range f.owners {
		if f.tell(owner.ID, sets[owner.ID], broken[owner.ID]) {
			changed++
		}
	}
	f.Swap(sets)
	f.broken.Store(&broken)
	if len(errs) == 0 {
		f.seen = seen
	}
	return changed, errors.Join(errs...)
}

// files are those of the folder; a folder that is not there has none.
func (f *ruleFolder) files() fs.FS {
	if _, err := os.Stat(f.folder); errors.Is(err, fs.ErrNotExist) {
		return embed.FS{}
	}
	return os.DirFS(f.folder)
}

// choose decides which set an account has from now on, and says what is wrong with its files if that is not
// the set that they make.
func (f *ruleFolder) choose(ctx context.Context, owner rules.Owner, loaded *rules.Set, problems []rules.Problem) (*rules.Set, string, error) {
	now := f.Set(owner.ID)
	if loaded != nil && now != nil && loaded.Hash() == now.Hash() {
		return now, "", nil
	}
	wrong := ""
	switch {
	case loaded == nil:
		wrong = firstError(problems, owner.ID)
	case len(loaded.Sources()) == 0: // a folder that was not mounted looks like this too
		wrong = "its rule files are gone; to end rules, give them mode: off"
	case f.keeps:
		return loaded, "", f.keep(ctx, owner, loaded)
	default:
		return loaded, "", nil
	}
	if len(now.Sources()) > 0 {
		return now, wrong, nil
	}
	last, err := lastGood(ctx, f.store, owner)
	if last == nil && loaded != nil { // an account that never had any
		return loaded, "", err
	}
	return last, wrong, err
}

// keep makes a set the account's last good one, and warns of rules that had another id in the one before.
func (f *ruleFolder) keep(ctx context.Context, owner rules.Owner, set *rules.Set) error {
	before := f.Set(owner.ID)
	if before == nil {
		var err error
		if before, err = lastGood(ctx, f.store, owner); err != nil {
			return err
		}
	}
	for _, p := range rules.Renamed(before, set) {
		f.log.Warn("rule file", "problem", p.String(), "accounts", []string{owner.ID})
	}
	return f.store.KeepRuleSet(ctx, time.Now().UTC(), owner.ID, set)
}

// lastGood is the set that an account's broken files do not replace; nil when there never was one with
// rules, or when this version reads it no longer.
func lastGood(ctx context.Context, store *sql.Store, owner rules.Owner) (*rules.Set, error) {
	sources, _, err := store.LastRuleSet(ctx, owner.ID)
	if err != nil || len(sources) == 0 {
		return nil, err
	}
	return setFrom(owner, sources), nil
}

// setFrom makes a set of stored files again; nil where there are none, or this version cannot read them.
func setFrom(owner rules.Owner, sources []rules.Source) *rules.Set {
	var files []*rules.File
	for _, source := range sources {
		file, _ := rules.ParseFile(source.Path, source.Bytes)
		if file == nil {
			return nil
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		return nil
	}
	set, _ := rules.NewSet(owner, files...)
	return set
}

// tell logs what is new about an account's rules, and reports whether anything is.
func (f *ruleFolder) tell(id string, set *rules.Set, wrong string) bool {
	before, wasWrong := f.Set(id), (*f.broken.Load())[id]
	if before != nil && set != nil && before.Hash() == set.Hash() && wrong == wasWrong {
		return false
	}
	hash := fmt.Sprintf("%.12s", set.Hash())
	switch {
	case wrong == "":
		f.log.Info("rules in force", "account", id, "rules", set.Len(), "set", hash)
	case set == nil:
		f.log.Error("this account has NO rules in force until its files are mended", "account", id, "problem", wrong,
			"next", "clickthread rules check "+f.folder)
	default:
		f.log.Error("this account's rule files are broken; its last good rules stay in force", "account", id, "problem", wrong,
			"rules", set.Len(), "set", hash, "next", "clickthread rules check "+f.folder)
	}
	return true
}

// brokenAccounts lists the accounts whose files are not what is in force.
func (f *ruleFolder) brokenAccounts() []string {
	return slices.Sorted(maps.Keys(*f.broken.Load()))
}

// inForce is what to note about every account's rules, for other nodes and for commands.
func (f *ruleFolder) inForce() map[string]sql.RulesInForce {
	broken, all := *f.broken.Load(), map[string]sql.RulesInForce{}
	for _, owner := range f.owners {
		set := f.Set(owner.ID)
		all[owner.ID] = sql.RulesInForce{Hash: set.Hash(), Rules: set.Len(), Problem: broken[owner.ID]}
	}
	return all
}

// firstError is the first thing that is wrong with the files of an account, and how many more there are.
func firstError(problems []rules.Problem, id string) string {
	var texts []string
	for _, p := range problems {
		if !p.Warning && slices.Contains(p.Accounts, id) {
			p.Accounts = nil
			texts = append(texts, p.String())
		}
	}
	switch len(texts) {
	case 0:
		return "its rule files cannot be used"
	case 1:
		return texts[0]
	}
	return strings.TrimSuffix(texts[0], ".") + fmt.Sprintf(" (and %d more)", len(texts)-1)
}

func levelOf(p rules.Problem) slog.Level {
	if p.Warning {
		return slog.LevelWarn
	}
	return slog.LevelError
}
