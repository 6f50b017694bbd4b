package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clickthread/clickthread/rules"
)

// parsed is one rule file that was read; File is nil when it has errors.
type parsed struct {
	*rules.File
	path string
}

func (p parsed) ok() bool { return p.File != nil }

// parseAll reads files, and every .yaml and .yml file below folders.
func parseAll(paths []string) (files []parsed, problems []rules.Problem, err error) {
	names, err := ruleFiles(paths)
	if err != nil {
		return nil, nil, unreachable(err)
	}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			return nil, nil, unreachable(err)
		}
		f, found := rules.ParseFile(name, src)
		files = append(files, parsed{f, name})
		problems = append(problems, found...)
	}
	return files, problems, nil
}

// ruleFiles lists files, each once, in the order in which they are found.
func ruleFiles(paths []string) ([]string, error) {
	var names []string
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
		found, err := ruleFilesBelow(os.DirFS(p))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, errors.New("no .yaml files below " + p)
		}
		for _, name := range found {
			add(filepath.Join(p, name))
		}
	}
	return names, nil
}

// ruleFilesBelow leaves out what is hidden, as the server does: editors and mounted volumes keep
// copies there.
func ruleFilesBelow(folder fs.FS) (names []string, err error) {
	err = fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		hidden := name != "." && strings.HasPrefix(d.Name(), ".")
		ext := filepath.Ext(name)
		switch {
		case err != nil:
			return err
		case hidden && d.IsDir():
			return fs.SkipDir
		case !hidden && !d.IsDir() && (ext == ".yaml" || ext == ".yml"):
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// together groups files that belong to one account: those of one folder that name the same accounts.
// Such files share their rule ids, because ids are part of every claim (ledger 14).
func together(files []parsed) [][]*rules.File {
	place := map[string]int{}
	var sets [][]*rules.File
	for _, f := range files {
		if !f.ok() {
			continue
		}
		key := strings.Join(append(slices.Sorted(slices.Values(f.Accounts())), filepath.Dir(f.path)), "\n")
		i, known := place[key]
		if !known {
			i, place[key] = len(sets), len(sets)
			sets = append(sets, nil)
		}
		sets[i] = append(sets[i], f.File)
	}
	return sets
}
