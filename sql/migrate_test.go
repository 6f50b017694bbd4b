package sql

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Both databases have the same tables, columns and indexes: the migrations differ in types, and in where rows are put.
func TestMigrationsAreAlike(t *testing.T) {
	lite, full := migrationsIn(t, "migrations/sqlite"), migrationsIn(t, "migrations/postgres")
	spaces := regexp.MustCompile(` +`)
	for name, text := range lite {
		text = strings.NewReplacer(" BLOB", " BYTEA", ") WITHOUT ROWID;", ");").Replace(text)
		other := strings.ReplaceAll(full[name], ") WITH (fillfactor = 50);", ");")
		if diff := cmp.Diff(spaces.ReplaceAllString(text, " "), spaces.ReplaceAllString(other, " ")); diff != "" {
			t.Errorf("%s (-sqlite +postgres):\n%s", name, diff)
		}
	}
	if len(lite) != len(full) {
		t.Errorf("%d migrations for SQLite, %d for PostgreSQL", len(lite), len(full))
	}
}

func migrationsIn(t *testing.T, folder string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	entries, err := fs.ReadDir(migrations, folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := fs.ReadFile(migrations, folder+"/"+e.Name())
		if err != nil {
			t.Fatal(err)
		}
		texts[e.Name()] = string(text)
	}
	return texts
}

// Ledger 36: the keys of merchants' tables begin with the account, so that a distributed PostgreSQL
// can shard by it.
func TestMerchantsKeysBeginWithTheAccount(t *testing.T) {
	ours := map[string]bool{"installation": true, "jobs": true, "nodes": true, "quarantine": true}
	table := regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\)`)
	unique := regexp.MustCompile(`(PRIMARY KEY|UNIQUE) \((\w+)`)
	single := regexp.MustCompile(`(?m)^\s+(\w+)\s.*PRIMARY KEY`)
	for _, text := range migrationsIn(t, "migrations/sqlite") {
		for _, m := range table.FindAllStringSubmatch(text, -1) {
			name, body := m[1], m[2]
			if ours[name] {
				continue
			}
			keys := append(unique.FindAllStringSubmatch(body, -1), single.FindAllStringSubmatch(body, -1)...)
			if len(keys) == 0 {
				t.Errorf("%s has no key", name)
			}
			for _, key := range keys {
				if first := key[len(key)-1]; first != "account_id" {
					t.Errorf("%s: a key begins with %s", name, first)
				}
			}
		}
		for _, m := range regexp.MustCompile(`CREATE UNIQUE INDEX (\w+) ON \w+ \((\w+)`).FindAllStringSubmatch(text, -1) {
			if m[2] != "account_id" {
				t.Errorf("unique index %s begins with %s", m[1], m[2])
			}
		}
	}
}
