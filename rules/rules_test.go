package rules

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/reason"
)

var update = flag.Bool("update", false, "write the .want files from what the code says")

// lastClick is what the server's attribution does with its default settings: the last click with a
// click id counts for 7 days.
func lastClick(_ Owner, clicks []Click, at time.Time) (*Click, reason.Code) {
	why := reason.NoClickID
	for _, c := range slices.Backward(clicks) {
		switch {
		case c.At.After(at):
		case c.NoClid:
			why = reason.StatusAdWithoutClid
		case at.Sub(c.At) > 7*24*time.Hour:
			return nil, reason.ClickExpired
		default:
			return &c, reason.None
		}
	}
	return nil, why
}

func TestBadFilesSayExactlyWhatIsWrong(t *testing.T) {
	files, err := filepath.Glob("testdata/bad.*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatalf("found %d files, error %v", len(files), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, problems := ParseFile(filepath.Base(path), read(t, path))
			var got strings.Builder
			for _, p := range problems {
				got.WriteString(p.Pretty() + "\n")
			}
			if f != nil {
				t.Error("a file with errors must not come back")
			}
			want := strings.TrimSuffix(path, ".yaml") + ".want"
			if *update {
				if err := os.WriteFile(want, []byte(got.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(read(t, want)), got.String()); diff != "" {
				t.Errorf("problems differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGoodFilesPassTheirOwnTests(t *testing.T) {
	files, err := filepath.Glob("testdata/good.*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("found %d files, error %v", len(files), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, problems := ParseFile(filepath.Base(path), read(t, path))
			for _, p := range problems {
				t.Error(p.Pretty())
			}
			if f == nil {
				return
			}
			results := f.RunTests(Owner{}, lastClick)
			if len(results) == 0 {
				t.Error("the file has no tests")
			}
			for _, r := range results {
				if !r.Passed {
					t.Errorf("%s: %s", r.Name, r.Failure)
				}
			}
		})
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	src, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// parse compiles a file that must be free of errors.
func parse(t testing.TB, src string) *File {
	t.Helper()
	f, problems := ParseFile("shop.yaml", []byte(src))
	if f == nil {
		t.Fatalf("the file does not load: %v", problems)
	}
	return f
}

// setOf makes the set of an account from one file.
func setOf(t testing.TB, owner Owner, src string) *Set {
	t.Helper()
	set, problems := NewSet(owner, parse(t, src))
	if set == nil {
		t.Fatalf("no set: %v", problems)
	}
	return set
}
