package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

var house = os.DirFS(filepath.Join("..", ".."))

func TestNoImportLeavesTheMap(t *testing.T) {
	imports, packages, err := Imports(house)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range imports {
		if wrong := Violation(i); wrong != "" {
			t.Error(wrong)
		}
	}
	for name := range Floors {
		if !slices.Contains(packages, name) {
			t.Errorf("%s is on the map, but there is no such package", name)
		}
	}
}

func TestForbiddenImportsAreSeen(t *testing.T) {
	for name, c := range map[string]struct{ file, imports, says string }{
		"upwards":           {"capi/x.go", Module + "/rules", "only lower floors"},
		"sibling":           {"rules/x.go", Module + "/attribution", "only lower floors"},
		"bun outside sql":   {"webhook/x.go", "github.com/uptrace/bun", "which is for sql"},
		"echo in a floor 1": {"rules/x.go", "github.com/labstack/echo/v4", "which is for webhook"},
		"cron outside cmd":  {"sql/x.go", "github.com/robfig/cron/v3", "which is for cmd/clickthread"},
		"testing in code":   {"sandbox/x.go", "testing", "which is for tests"},
		"new library":       {"rules/x.go", "example.com/new/thing", "not on the list"},
		"new package":       {"helpers/x.go", Module + "/rules", "not on the map"},
	} {
		t.Run(name, func(t *testing.T) {
			root := fstest.MapFS{c.file: {Data: []byte("package x\nimport _ \"" + c.imports + "\"\n")}}
			imports, _, err := Imports(root)
			if err != nil {
				t.Fatal(err)
			}
			if got := Violation(imports[0]); !strings.Contains(got, c.says) {
				t.Errorf("Violation = %q, want it to say %q", got, c.says)
			}
		})
	}
}

func TestNoPackageIsNamedForNothing(t *testing.T) {
	_, packages, err := Imports(house)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		if slices.Contains([]string{"models", "types", "utils", "util", "common", "helpers", "services", "pkg"}, filepath.Base(p)) {
			t.Errorf("%s: a name like this says nothing about the job", p)
		}
	}
}

func TestEveryPackageStatesItsOneJob(t *testing.T) {
	_, packages, err := Imports(house)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		doc := regexp.MustCompile(`(?m)^// (Package ` + filepath.Base(p) + `|Command ` + filepath.Base(p) + `) `)
		found := false
		for _, src := range sourcesOf(t, p) {
			found = found || doc.MatchString(src)
		}
		if !found {
			t.Errorf("package %s has no doc comment that states its job", p)
		}
	}
}

// TestTimeIsAField keeps decisions repeatable: floors 1 and 2 are told what time it is.
func TestTimeIsAField(t *testing.T) {
	for p, floor := range Floors {
		if floor != 1 && floor != 2 {
			continue
		}
		for f, src := range sourcesOf(t, p) {
			if !strings.HasSuffix(f, "_test.go") && strings.Contains(src, "time.Now") {
				t.Errorf("%s uses time.Now; take the time as a field or an argument", f)
			}
		}
	}
}

// sourcesOf reads the Go files of a package.
func sourcesOf(t *testing.T, p string) map[string]string {
	t.Helper()
	files, err := fs.Glob(house, p+"/*.go")
	if err != nil {
		t.Fatal(err)
	}
	sources := make(map[string]string, len(files))
	for _, f := range files {
		src, err := fs.ReadFile(house, f)
		if err != nil {
			t.Fatal(err)
		}
		sources[f] = string(src)
	}
	return sources
}

// TestFilesAreShort keeps files at a size that one can hold in the head.
func TestFilesAreShort(t *testing.T) {
	const most = 310
	err := fs.WalkDir(house, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".go" {
			return err
		}
		src, err := fs.ReadFile(house, name)
		if lines := strings.Count(string(src), "\n"); lines > most {
			t.Errorf("%s has %d lines; split it by what it does (most is %d)", name, lines, most)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
