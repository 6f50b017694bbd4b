package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/rules"
)

// ruleFiles are the rule files that a command was given, and for whom they are judged.
type ruleFiles struct {
	files    []parsed
	problems []rules.Problem
	sets     []fileSet
	owners   []rules.Owner // all accounts of the settings; none are known without them
	folder   string        // where the settings say that rule files stand
}

// parsed is one rule file that was read; File is nil when it has errors.
type parsed struct {
	*rules.File
	path string
}

func (p parsed) ok() bool { return p.File != nil }

// fileSet is files that belong to one account. Such files share their rule ids, because ids are part
// of every claim (ledger 14).
type fileSet struct {
	owner rules.Owner // without an ID: of no account that is known
	files []*rules.File
	key   string
}

// read reads the files that a command names and says whose they are: as the server would, where the
// settings tell of accounts, else by what stands together.
func (p pathArgs) read(out *console) (*ruleFiles, error) {
	s, err := p.settings(out)
	if err != nil {
		return nil, err
	}
	return readRuleFiles(s, p.Paths)
}

func readRuleFiles(s configs.Settings, paths []string) (*ruleFiles, error) {
	r := &ruleFiles{owners: owners(s.Registry()), folder: s.Rules}
	names, err := r.find(paths)
	if err != nil {
		return nil, unreachable(err)
	}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			return nil, unreachable(err)
		}
		f, problems := rules.ParseFile(name, src)
		r.files = append(r.files, parsed{f, name})
		r.problems = append(r.problems, problems...)
		if f != nil {
			r.assign(f)
		}
	}
	return r, nil
}

// settings loads the settings. Rules can be written before the settings are complete, so only a file
// that was asked for must load.
func (p pathArgs) settings(out *console) (configs.Settings, error) {
	s, err := p.load()
	if err == nil || p.Config != "" {
		return s, err
	}
	if _, missing := os.Stat(configs.DefaultPath); missing == nil {
		_, _ = fmt.Fprintf(out.err, "clickthread: judged without the accounts of the %v\n", err)
	}
	return configs.Settings{}, nil
}

// find lists files, each once, in the order in which they are met.
func (r *ruleFiles) find(paths []string) (names []string, err error) {
	add := func(name string) {
		if name = filepath.Clean(name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			add(p)
			continue
		}
		found, problems := rules.Files(os.DirFS(p), func(string) bool { return true })
		if len(found)+len(problems) == 0 {
			return nil, errors.New("no .yaml files below " + p)
		}
		for _, name := range found {
			add(filepath.Join(p, name))
		}
		for _, problem := range problems {
			problem.Path = filepath.Join(p, problem.Path)
			r.problems = append(r.problems, problem)
		}
	}
	return names, nil
}

// assign puts a file into the sets of the accounts it is for.
func (r *ruleFiles) assign(f *rules.File) {
	var mine []rules.Owner
	if place, ok := r.place(f.Path); ok {
		found, warnings := f.Owners(place, r.owners)
		mine = found
		r.problems = append(r.problems, warnings...)
	}
	for _, owner := range mine {
		r.add(owner, owner.ID, f)
	}
	if len(mine) == 0 { // by itself: with those of its folder that name the same accounts
		named := slices.Sorted(slices.Values(f.Accounts()))
		r.add(rules.Owner{}, strings.Join(append(named, filepath.Dir(f.Path)), "\n"), f)
	}
}

func (r *ruleFiles) add(owner rules.Owner, key string, f *rules.File) {
	i := slices.IndexFunc(r.sets, func(s fileSet) bool { return s.owner.ID == owner.ID && s.key == key })
	if i < 0 {
		i = len(r.sets)
		r.sets = append(r.sets, fileSet{owner: owner, key: key})
	}
	r.sets[i].files = append(r.sets[i].files, f)
}

// place is a file's path in the settings' rules folder, not ok if it stands elsewhere or no account
// is known.
func (r *ruleFiles) place(name string) (place string, ok bool) {
	folder, err := filepath.Abs(r.folder)
	if err != nil || len(r.owners) == 0 {
		return "", false
	}
	file, err := filepath.Abs(name)
	if err != nil {
		return "", false
	}
	place, err = filepath.Rel(folder, file)
	return filepath.ToSlash(place), err == nil && filepath.IsLocal(place)
}

// judgedFor names the accounts that the files were judged for; nil if no account is known.
func (r *ruleFiles) judgedFor() (accounts []string) {
	judged := func(id string) bool {
		return slices.ContainsFunc(r.sets, func(s fileSet) bool { return s.owner.ID == id })
	}
	for _, owner := range r.owners {
		if judged(owner.ID) {
			accounts = append(accounts, owner.ID)
		}
	}
	if len(r.owners) > 0 && judged("") {
		accounts = append(accounts, "no account")
	}
	return accounts
}

// forWhom is judgedFor as a part of a sentence: ", judged for shop, clinic".
func (r *ruleFiles) forWhom() string {
	if accounts := r.judgedFor(); len(accounts) > 0 {
		return ", judged for " + strings.Join(accounts, ", ")
	}
	return ""
}

// sortProblems puts problems in the order of the files, and those that several accounts have once.
func (r *ruleFiles) sortProblems() {
	slices.SortStableFunc(r.problems, func(a, b rules.Problem) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	r.problems = slices.CompactFunc(r.problems, func(a, b rules.Problem) bool { return a.String() == b.String() })
}
