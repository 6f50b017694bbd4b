package pgtest

import (
	stdsql "database/sql"
	"os"
	"testing"
	"time"

	"github.com/uptrace/bun/driver/pgdriver"
)

func TestMain(m *testing.M) { Main(m) }

func TestAClusterStartsQuickly(t *testing.T) {
	begin := time.Now()
	c, err := Run("max_connections=7")
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Logf("started in %s; under 3 s on a quiet machine", took)
	}
	if got := value(t, open(t, c.URL("postgres")), "SHOW max_connections"); got != "7" {
		t.Errorf("max_connections = %s, want what was set", got)
	}
	folder := c.folder
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("the folder was left behind: %v", err)
	}
}

func TestEveryTestHasItsOwnDatabase(t *testing.T) {
	c := Shared(t)
	one, two := open(t, c.Database(t)), open(t, c.Database(t))
	run(t, one, "CREATE TABLE mine (n int)")
	if got := value(t, two, "SELECT count(*) FROM pg_tables WHERE tablename = 'mine'"); got != "0" {
		t.Errorf("the other database has %s tables", got)
	}
}

func TestATemplateIsCopied(t *testing.T) {
	c, err := Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop() })
	err = c.Template(func(url string) error {
		db := stdsql.OpenDB(pgdriver.NewConnector(pgdriver.WithDSN(url + "?sslmode=disable")))
		_, err := db.ExecContext(t.Context(), "CREATE TABLE ready AS SELECT 1 AS n")
		_ = db.Close()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		db := open(t, c.Database(t))
		if got := value(t, db, "SELECT sum(n) FROM ready"); got != "1" {
			t.Errorf("n = %s, want the template's 1 and nobody else's", got)
		}
		run(t, db, "INSERT INTO ready VALUES (1)")
		_ = db.Close()
	}
}

func TestAClusterSurvivesACrash(t *testing.T) {
	c := Shared(t)
	url := c.Database(t)
	db := open(t, url)
	run(t, db, "CREATE TABLE kept AS SELECT 1 AS n")
	before := c.PID()
	if err := c.StopImmediate(); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if got := value(t, open(t, url), "SELECT n FROM kept"); got != "1" || c.PID() == before {
		t.Errorf("n = %s, process %d; want what was committed, in a new process", got, c.PID())
	}
}

func open(t *testing.T, url string) *stdsql.DB {
	t.Helper()
	db := stdsql.OpenDB(pgdriver.NewConnector(pgdriver.WithDSN(url + "?sslmode=disable")))
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func run(t *testing.T, db *stdsql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func value(t *testing.T, db *stdsql.DB, query string) string {
	t.Helper()
	var got string
	if err := db.QueryRowContext(t.Context(), query).Scan(&got); err != nil {
		t.Fatal(err)
	}
	return got
}
