package rules

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
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
	l.root()
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

func (l *loader) warn(name string, at entry, hint, format string, args ...any) {
	l.problems = append(l.problems, Problem{
		Path: name, Line: at.line, Col: at.col, Warning: true, Message: fmt.Sprintf(format, args...), Hint: hint,
	})
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

func (l *loader) root() {
	entries, err := fs.ReadDir(l.fsys, ".")
	if err != nil {
		l.fail(l.o.Owners, Problem{Message: fmt.Sprintf("read the rules folder: %v", err)})
		return
	}
	for _, e := range entries {
		name := e.Name()
		info, err := fs.Stat(l.fsys, name) // follows links, as folders mounted into containers need
		switch {
		case strings.HasPrefix(name, "."):
		case err != nil:
			l.fail(l.o.Owners, Problem{Path: name, Message: fmt.Sprintf("read it: %v", err)})
		case info.IsDir():
			l.folder(name)
		case isRuleFile(name):
			l.shared(name)
		}
	}
}

func isRuleFile(name string) bool {
	return !strings.HasPrefix(name, ".") && (strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml"))
}

// folder reads the files of one account.
func (l *loader) folder(name string) {
	i := slices.IndexFunc(l.o.Owners, func(o Owner) bool { return o.ID == name })
	if i < 0 {
		l.warn(name, entry{}, didYouMean(name, l.ids()), "no account has this folder's name; its files are not read")
		return
	}
	owner := l.o.Owners[i]
	entries, err := fs.ReadDir(l.fsys, name)
	if err != nil {
		l.fail([]Owner{owner}, Problem{Path: name, Message: fmt.Sprintf("read the folder: %v", err)})
		return
	}
	for _, e := range entries {
		if !isRuleFile(e.Name()) {
			continue
		}
		f := l.read(path.Join(name, e.Name()), func([]byte) []Owner { return []Owner{owner} })
		switch {
		case f == nil:
		case len(f.accounts) > 0 && !f.isFor(owner, true):
			l.warn(f.Path, f.accounts[0], `leave out "accounts:" in an account's own folder`, "the file names other accounts only; it is not used")
		default:
			l.files[owner.ID] = append(l.files[owner.ID], f)
		}
	}
}

// shared reads a file in the root, which says itself whom it is for.
func (l *loader) shared(name string) {
	f := l.read(name, func(src []byte) []Owner { return l.named(&File{accounts: accountsOf(src)}) })
	if f == nil {
		return
	}
	if len(f.accounts) == 0 && len(l.o.Owners) != 1 {
		l.warn(name, entry{line: 1, col: 1}, `add "accounts:", or move it into an account's folder`, "the file does not say which account it is for; it is not used")
	}
	for _, e := range f.accounts {
		if len(l.named(&File{accounts: []entry{e}})) == 0 {
			l.warn(name, e, didYouMean(e.text, l.ids()), "no account has the id %q", e.text)
		}
	}
	for _, owner := range l.named(f) {
		l.files[owner.ID] = append(l.files[owner.ID], f)
	}
}

// named returns the accounts that a file in the root is for.
func (l *loader) named(f *File) []Owner {
	only := len(l.o.Owners) == 1
	if len(f.accounts) == 0 && only {
		return l.o.Owners
	}
	return slices.DeleteFunc(slices.Clone(l.o.Owners), func(o Owner) bool { return !f.isFor(o, only) })
}

// read parses a file. If it cannot be used, its problems break the sets of the accounts it is for.
func (l *loader) read(name string, whose func(src []byte) []Owner) *File {
	src, problems := readFile(l.fsys, name)
	var f *File
	if problems == nil {
		f, problems = ParseFile(name, src)
	}
	l.fail(whose(src), problems...)
	return f
}

// readFile asks for the size first, so that a huge file is refused without being read.
func readFile(fsys fs.FS, name string) ([]byte, []Problem) {
	info, err := fs.Stat(fsys, name)
	if err == nil && info.Size() > maxFile {
		return nil, []Problem{{Path: name, Message: fmt.Sprintf("the file has %d bytes; %d is the limit", info.Size(), maxFile)}}
	}
	var src []byte
	if err == nil {
		src, err = fs.ReadFile(fsys, name)
	}
	if err != nil {
		return nil, []Problem{{Path: name, Message: fmt.Sprintf("read the file: %v", err)}}
	}
	return src, nil
}

// test runs the tests of an account's files and reports whether its set may be published.
func (l *loader) test(owner Owner) bool {
	passed := true
	for _, f := range l.files[owner.ID] {
		for _, result := range f.RunTestsFor(owner, l.o.Attribute) {
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

func (l *loader) ids() []string {
	var ids []string
	for _, o := range l.o.Owners {
		ids = append(ids, o.ID)
	}
	return ids
}

// isFor reports whether the file's "accounts:" mean the account. own is for a file that can be no one
// else's: an account that lists no numbers then takes any number as its own.
func (f *File) isFor(o Owner, own bool) bool {
	return slices.ContainsFunc(f.accounts, func(e entry) bool {
		return e.is(o) || e.isNumberOf(o) && (own || len(o.PhoneNumberIDs) > 0)
	})
}

// numbers returns the phone_number_ids the file is limited to within its account; none means all.
func (f *File) numbers(o Owner) []string {
	var numbers []string
	for _, e := range f.accounts {
		switch {
		case e.is(o):
			return nil
		case e.isNumberOf(o):
			numbers = append(numbers, e.text)
		}
	}
	return numbers
}

func (e entry) is(o Owner) bool { return e.text == o.ID || e.text == o.WABAID }

// isNumberOf reports whether the entry is a number of the account, or may be: listing them is optional.
func (e entry) isNumberOf(o Owner) bool {
	if len(o.PhoneNumberIDs) == 0 {
		return strings.Trim(e.text, "0123456789") == ""
	}
	return slices.Contains(o.PhoneNumberIDs, e.text)
}
