package rules

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// LoadOptions says for whom to load.
type LoadOptions struct {
	Owners    []Owner
	Attribute Attribute // for the tests in the files
	Force     bool      // failing tests are warnings; default false
}

// Load reads a folder of rule files and makes one Set per account (ledger 29). <account>/*.yaml
// belongs to that account; files in the root apply to the accounts they name in "accounts:", or to
// the only account where there is one. A broken file or a failing test breaks only the sets it
// belongs to: their entry is nil, and the problem names them. An account without files gets an empty
// Set. Folders and files that belong to no known account are warnings.
func Load(fsys fs.FS, o LoadOptions) (map[string]*Set, []Problem) {
	l := &loader{fsys: fsys, o: o, files: map[string][]*File{}, broken: map[string]bool{}}
	names, problems := Files(fsys, l.enter)
	for _, p := range problems {
		l.fail(l.at(p.Path), p)
	}
	for _, name := range names {
		l.file(name)
	}
	sets := map[string]*Set{}
	for _, owner := range o.Owners {
		if l.broken[owner.ID] {
			sets[owner.ID] = nil
			continue
		}
		set, problems := NewSet(owner, l.files[owner.ID]...)
		l.problems = append(l.problems, problems...)
		if set != nil && !l.test(owner) {
			set = nil
		}
		sets[owner.ID] = set
	}
	sortProblems(l.problems)
	return sets, l.problems
}

// loader collects files and problems per account.
type loader struct {
	fsys     fs.FS
	o        LoadOptions
	files    map[string][]*File
	broken   map[string]bool
	problems []Problem
}

// enter opens the accounts' own folders, and warns of the others.
func (l *loader) enter(folder string) bool {
	if named(folder, l.o.Owners) == nil {
		l.problems = append(l.problems, nobodys(folder, folder, l.o.Owners))
		return false
	}
	return true
}

// at returns the accounts whose rules may be missing when something at a path cannot be listed.
func (l *loader) at(name string) []Owner {
	folder, _, _ := strings.Cut(name, "/")
	if owner := named(folder, l.o.Owners); owner != nil {
		return owner
	}
	return l.o.Owners
}

// fail reports problems against accounts, whose sets are then broken if one of them is an error.
func (l *loader) fail(owners []Owner, problems ...Problem) {
	for _, p := range problems {
		if !p.Warning {
			for _, owner := range owners {
				l.broken[owner.ID] = true
				p.Accounts = append(p.Accounts, owner.ID)
			}
		}
		l.problems = append(l.problems, p)
	}
}

// file reads one file. If it cannot be used, its problems break the sets of the accounts it is for.
func (l *loader) file(name string) {
	src, problems := readFile(l.fsys, name)
	var f *File
	if problems == nil {
		f, problems = ParseFile(name, src)
	}
	if f == nil {
		owners := named(path.Dir(name), l.o.Owners)
		if owners == nil {
			owners = sharedBy(accountsOf(src), l.o.Owners)
		}
		l.fail(owners, problems...)
		return
	}
	owners, warnings := f.Owners(name, l.o.Owners)
	l.problems = append(l.problems, problems...) // no error is among them
	l.problems = append(l.problems, warnings...)
	for _, owner := range owners {
		l.files[owner.ID] = append(l.files[owner.ID], f)
	}
}

// test runs the tests of an account's files and reports whether its set may be published.
func (l *loader) test(owner Owner) bool {
	passed := true
	for _, f := range l.files[owner.ID] {
		for _, result := range f.RunTests(owner, l.o.Attribute) {
			if result.Passed {
				continue
			}
			summary, _, _ := strings.Cut(result.Failure, "\n")
			p := Problem{
				Path: f.Path, Line: result.Line, Warning: l.o.Force,
				Message: fmt.Sprintf("test %q failed: %s", result.Name, summary),
			}
			if !p.Warning {
				p.Accounts = []string{owner.ID}
				passed = false
			}
			l.problems = append(l.problems, p)
		}
	}
	return passed
}
