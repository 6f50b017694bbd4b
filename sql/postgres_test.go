package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/clickthread/clickthread/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestPostgresGuards hurts a cluster of its own in every way that pgdriver alone does not survive.
func TestPostgresGuards(t *testing.T) {
	cluster, err := pgtest.Run("deadlock_timeout=50ms")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Stop() })
	for _, test := range []struct {
		name string
		run  func(*testing.T, *hurt)
	}{
		{"a restart fails no statement of idle connections", restart},
		{"terminated connections fail no statement", terminated},
		{"a transaction whose connection broke is repeated", broken},
		{"a deadlock is repeated", deadlock},
		{"a server that hangs ends a transaction at its deadline", hangs},
		{"a server that hangs at the commit leaves it unknown", hangsAtCommit},
		{"a statement nobody waits for does not run on", runsNotOn},
		{"a cancelled caller is free at the latest at the deadline", cancelled},
		{"a migration takes the time it needs", migrationsTakeTime},
		{"codes that may be repeated", repeatable},
		{"a refusal is readable", refusals},
		{"TLS is verified", verifiesTLS},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := &hurt{Cluster: cluster, url: cluster.Database(t)}
			h.admin = openPostgresForMigrations(h.config(t))
			t.Cleanup(func() { _ = h.admin.Close() })
			test.run(t, h)
		})
	}
}

// hurt is a server under attack, with a database and a connection that nobody limits.
type hurt struct {
	*pgtest.Cluster
	url   string
	admin *stdsql.DB
}

func (h *hurt) config(t *testing.T) postgresConfig {
	t.Helper()
	cfg, err := parsePostgresURL(h.url)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func (h *hurt) open(t *testing.T, o postgresOptions) *bun.DB {
	t.Helper()
	db := bun.NewDB(openPostgres(h.config(t), o), pgdialect.New())
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// exec runs a statement as admin and fails the test when it fails.
func (h *hurt) exec(t *testing.T, statement string) {
	t.Helper()
	if _, err := h.admin.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func (h *hurt) count(t *testing.T, query string) (n int) {
	t.Helper()
	if err := h.admin.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// warm opens n connections and leaves them idle.
func warm(t *testing.T, db *bun.DB, n int) {
	t.Helper()
	conns := make([]bun.Conn, n)
	for i := range conns {
		c, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		conns[i] = c
	}
	for _, c := range conns {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// allAnswer uses n connections at once and wants every first statement to be answered.
func allAnswer(t *testing.T, db *bun.DB, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if _, err := db.ExecContext(t.Context(), "SELECT pg_sleep(0.01)"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func restart(t *testing.T, h *hurt) {
	db := h.open(t, postgresOptions{MaxConns: 50})
	warm(t, db, 50)
	if err := h.StopImmediate(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "SELECT 1"); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("while it is down: %v", err)
	}
	if err := h.Start(); err != nil {
		t.Fatal(err)
	}
	allAnswer(t, db, 50)
}

func terminated(t *testing.T, h *hurt) {
	db := h.open(t, postgresOptions{MaxConns: 5})
	warm(t, db, 5)
	h.exec(t, `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
		WHERE application_name = 'clickthread' AND datname = current_database() AND pid <> pg_backend_pid()`)
	allAnswer(t, db, 5)
}

// freeze makes the server hang until the returned function is called, at the latest when the test ends.
func (h *hurt) freeze(t *testing.T) (thaw func()) {
	t.Helper()
	if err := h.Freeze(); err != nil {
		t.Fatal(err)
	}
	thaw = sync.OnceFunc(h.Thaw)
	t.Cleanup(thaw)
	return thaw
}

func hangs(t *testing.T, h *hurt) {
	h.exec(t, "CREATE TABLE kept (n int)")
	db := h.open(t, postgresOptions{})
	var thaw func()
	begin := time.Now()
	err := inTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO kept VALUES (1)"); err != nil {
			return err
		}
		thaw = h.freeze(t)
		var n int
		return tx.QueryRowContext(ctx, "SELECT n FROM kept").Scan(&n)
	})
	took := time.Since(begin)
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errCommit) || took > postgresTimeout+500*time.Millisecond {
		t.Errorf("%v after %s, want the deadline after %s", err, took, postgresTimeout)
	}
	soon, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := db.ExecContext(soon, "SELECT 1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a new connection to a server that hangs: %v", err)
	}
	thaw()
	h.exec(t, "BEGIN; LOCK TABLE kept; COMMIT") // waits until the transaction is gone
	if n := h.count(t, "SELECT count(*) FROM kept"); n != 0 {
		t.Errorf("%d rows were kept of a transaction that failed", n)
	}
}

func hangsAtCommit(t *testing.T, h *hurt) {
	h.exec(t, "CREATE TABLE kept (n int)")
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	begin := time.Now()
	attempts := 0
	err := inTx(ctx, h.open(t, postgresOptions{}), func(ctx context.Context, tx bun.Tx) error {
		attempts++
		_, err := tx.ExecContext(ctx, "INSERT INTO kept VALUES (1)")
		h.freeze(t)
		return err
	})
	if took := time.Since(begin); !errors.Is(err, errCommit) || attempts != 1 || took > time.Second {
		t.Errorf("%v after %s and %d attempts; want an unknown outcome at the caller's deadline, once", err, took, attempts)
	}
}

func runsNotOn(t *testing.T, h *hurt) {
	db := h.open(t, postgresOptions{Timeout: 500 * time.Millisecond})
	begin := time.Now()
	_, err := db.ExecContext(t.Context(), "SELECT pg_sleep(30)")
	if took := time.Since(begin); err == nil || retryable(err) || took > time.Second {
		t.Errorf("%v after %s", err, took)
	}
	if n := h.count(t, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep(30%'"); n != 0 {
		t.Errorf("%d of it still run", n)
	}
}

func cancelled(t *testing.T, h *hurt) {
	ctx, cancel := context.WithCancel(t.Context())
	begin := time.Now()
	err := inTx(ctx, h.open(t, postgresOptions{Timeout: 500 * time.Millisecond}), func(ctx context.Context, tx bun.Tx) error {
		time.AfterFunc(50*time.Millisecond, cancel)
		_, err := tx.ExecContext(ctx, "SELECT pg_sleep(30)")
		return err
	})
	if took := time.Since(begin); err == nil || ctx.Err() == nil || took > time.Second {
		t.Errorf("%v after %s", err, took)
	}
}

func migrationsTakeTime(t *testing.T, h *hurt) {
	for name, want := range map[string]string{"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"} {
		var got string
		if err := h.admin.QueryRowContext(t.Context(), "SHOW "+name).Scan(&got); err != nil || got != want {
			t.Errorf("%s = %s %v, want %s", name, got, err, want)
		}
	}
}
