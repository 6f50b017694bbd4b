// Package arch holds the map of the house as data: which floor each package lives on, and who may
// use which library from outside. Its tests fail the build when the code leaves the map.
package arch

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Module is the import path that every package of ours begins with.
const Module = "github.com/clickthread/clickthread"

// Floors lists every package with its floor. A package imports only floors below its own; those on
// one floor never import each other. The reasons are in docs/adr/0001-floors.md.
var Floors = map[string]int{
	"cmd/clickthread": 6,

	"internal/bench": 5, // starts servers as other processes: docs/adr/0005-bench-is-a-package.md

	"internal/backtest": 5, // judges what is stored anew: it needs the planner and the ledger's past

	"configs": 4, "sandbox": 4,

	"webhook": 3, "sql": 3,

	"forwarder": 2, "notices": 2,

	"attribution": 1, "rules": 1,

	"whatsapp": 0, "capi": 0, "account": 0,

	"reason": -1, // the closed list of reasons: words that even floor 0 may use

	"internal/generate": 5, // writes the pages of docs that follow from the code

	"internal/arch":   -2, // this map
	"internal/pgtest": -2, // a PostgreSQL for tests
}

// ForTests lists the packages that are test code themselves: only tests may import them.
var ForTests = []string{"internal/pgtest"}

// Foreign says which packages may import a library, by the prefix of its import path. Libraries that
// do not stand here are for nobody, so that a new one is a decision.
var Foreign = map[string][]string{
	"github.com/uptrace/bun":             {"sql"},
	"github.com/pressly/goose":           {"sql"},
	"modernc.org/sqlite":                 {"sql"},
	"database/sql":                       {"sql"},
	"github.com/labstack/echo":           {"webhook", "cmd/clickthread"},
	"github.com/robfig/cron":             {"cmd/clickthread"},
	"github.com/alecthomas/kong":         {"cmd/clickthread"},
	"github.com/mattn/go-isatty":         {"cmd/clickthread"},
	"github.com/fsnotify/fsnotify":       {"cmd/clickthread"},
	"github.com/prometheus":              {"cmd/clickthread"},
	"go.yaml.in/yaml":                    {"rules", "configs"},
	"github.com/google/uuid":             {"attribution", "forwarder", "notices", "webhook", "sql", "sandbox", "internal/bench", "internal/backtest", "cmd/clickthread"},
	"github.com/shopspring/decimal":      {"capi", "rules"},
	"github.com/sony/gobreaker":          {"forwarder"},
	"golang.org/x/time/rate":             {"forwarder"},
	"golang.org/x/text":                  {"capi", "rules"},
	"github.com/google/go-cmp":           nil,
	"github.com/rogpeppe/go-internal":    nil,
	"pgregory.net/rapid":                 nil,
	"go.uber.org/goleak":                 nil,
	"net/http/httptest":                  nil,
	"testing":                            nil,
	"github.com/clickthread/clickthread": nil, // judged by Floors
}

// Import is one import of one file.
type Import struct {
	File string // path inside the repository
	Path string
	Test bool // of a _test.go file, or of a package in ForTests
}

// Package is the folder of the importing file.
func (i Import) Package() string { return path.Dir(i.File) }

// Imports parses every Go file below root. It reads the files themselves, because what go list
// answers may come from a cache.
func Imports(root fs.FS) (imports []Import, packages []string, err error) {
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "tools" || strings.HasPrefix(d.Name(), ".") && name != "." || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
		if err != nil {
			return fmt.Errorf("parse: %w", err)
		}
		if dir := path.Dir(name); !slices.Contains(packages, dir) {
			packages = append(packages, dir)
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			test := strings.HasSuffix(name, "_test.go") || slices.Contains(ForTests, path.Dir(name))
			imports = append(imports, Import{File: name, Path: imported, Test: test})
		}
		return nil
	})
	return imports, packages, err
}

// Violation says in one line what is wrong with an import; it is empty when nothing is.
func Violation(i Import) string {
	if inner, ours := strings.CutPrefix(i.Path, Module+"/"); ours {
		return i.againstFloors(inner)
	}
	return i.againstForeign()
}

func (i Import) againstFloors(imported string) string {
	from, known := Floors[i.Package()]
	to, target := Floors[imported]
	switch {
	case !known:
		return fmt.Sprintf("%s: package %s is not on the map (internal/arch)", i.File, i.Package())
	case !target:
		return fmt.Sprintf("%s imports %s, which is not on the map (internal/arch)", i.File, imported)
	case !i.Test && slices.Contains(ForTests, imported):
		return fmt.Sprintf("%s imports %s, which is for tests", i.File, imported)
	case to >= from && imported != i.Package():
		return fmt.Sprintf("%s (floor %d) imports %s (floor %d): only lower floors may be imported", i.File, from, imported, to)
	}
	return ""
}

func (i Import) againstForeign() string {
	for library, users := range Foreign {
		if i.Path != library && !strings.HasPrefix(i.Path, library+"/") {
			continue
		}
		if i.Test || slices.Contains(users, i.Package()) {
			return ""
		}
		return fmt.Sprintf("%s imports %s, which is for %s", i.File, i.Path, strings.Join(append(users, "tests"), ", "))
	}
	if host, _, _ := strings.Cut(i.Path, "/"); !i.Test && strings.Contains(host, ".") {
		return fmt.Sprintf("%s imports %s, which is not on the list of libraries (internal/arch)", i.File, i.Path)
	}
	return ""
}
