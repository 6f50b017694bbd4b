package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/internal/pgtest"
)

// What becomes of a transaction that begins and ends by its own text, and of its connection: there is only one, and
// whoever comes next gets it outside of any transaction.
func TestScriptsEndWhateverHappens(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	s, admin := node(t, url), node(t, url)
	s.write.SetMaxOpenConns(1)
	if _, err := admin.write.ExecContext(t.Context(), "CREATE TABLE kept (n int UNIQUE)"); err != nil {
		t.Fatal(err)
	}
	keep := bun.Safe("INSERT INTO kept VALUES (1)")
	breaks := func(ctx context.Context, w *script) error { // after an answer, and before COMMIT
		var pid []int
		if err := w.query(ctx, bun.Safe("SELECT pg_backend_pid()"), &pid); err != nil {
			return err
		}
		_, err := admin.write.ExecContext(ctx, "SELECT pg_terminate_backend(?, 5000)", pid[0])
		return err
	}
	for name, c := range map[string]struct {
		idempotent     bool
		fn             func(ctx context.Context, w *script, attempt int) error
		attempts, rows int
		fails          func(error) bool
	}{
		"all is well": {fn: func(ctx context.Context, w *script, _ int) error { return w.add(ctx, keep) }, attempts: 1, rows: 1},
		"a refusal": {fn: func(ctx context.Context, w *script, _ int) error {
			return errors.Join(w.add(ctx, keep), w.add(ctx, keep))
		}, attempts: 4, fails: retryable},
		"a refusal that nobody minds": {fn: func(ctx context.Context, w *script, _ int) error {
			_, _ = w.exec(ctx, bun.Safe("SELECT nonsense"))
			return w.add(ctx, keep)
		}, attempts: 1, fails: func(err error) bool { return strings.Contains(err.Error(), "nonsense") }},
		"a decision against it": {fn: func(ctx context.Context, w *script, _ int) error {
			_, err := w.exec(ctx, keep)
			return errors.Join(err, errors.ErrUnsupported)
		}, attempts: 1, fails: func(err error) bool { return errors.Is(err, errors.ErrUnsupported) }},
		"a panic": {fn: func(ctx context.Context, w *script, _ int) error {
			if _, err := w.exec(ctx, keep); err != nil {
				return err
			}
			panic("a plan fails")
		}, attempts: 1, fails: func(err error) bool { return err.Error() == "a plan fails" }},
		"a break before it asks": {fn: func(ctx context.Context, w *script, attempt int) error {
			if attempt == 1 {
				_, err := w.exec(ctx, bun.Safe("SELECT pg_terminate_backend(pg_backend_pid())"))
				return err
			}
			return w.add(ctx, keep)
		}, attempts: 2, rows: 1},
		"a break at COMMIT": {fn: func(ctx context.Context, w *script, _ int) error {
			return errors.Join(breaks(ctx, w), w.add(ctx, keep))
		}, attempts: 1, fails: func(err error) bool { return errors.Is(err, errCommit) }},
		"a break at COMMIT of what is idempotent": {idempotent: true, fn: func(ctx context.Context, w *script, attempt int) error {
			if attempt == 1 {
				return errors.Join(breaks(ctx, w), w.add(ctx, keep))
			}
			return w.add(ctx, keep)
		}, attempts: 2, rows: 1},
	} {
		t.Run(name, func(t *testing.T) {
			attempts := 0
			err := recovered(func() error {
				return s.inScript(t.Context(), c.idempotent, func(ctx context.Context, w *script) error {
					attempts++
					return c.fn(ctx, w, attempts)
				})
			})
			if attempts != c.attempts || (err == nil) != (c.fails == nil) || err != nil && !c.fails(err) {
				t.Errorf("%v after %d attempts, want %d", err, attempts, c.attempts)
			}
			if _, err := s.write.ExecContext(t.Context(), "SAVEPOINT inside"); err == nil || !strings.Contains(err.Error(), "25P01") {
				t.Errorf("the next statement is not outside of transactions: %v", err)
			}
			rows := -1
			if err := admin.write.QueryRowContext(t.Context(), "WITH gone AS (DELETE FROM kept RETURNING n) SELECT count(*) FROM gone").Scan(&rows); err != nil || rows != c.rows {
				t.Errorf("%d rows were kept, want %d (%v)", rows, c.rows, err)
			}
		})
	}
}

// Nor does SQLite keep what was written beside an error that nobody minds.
func TestNothingIsKeptBesideAnError(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "clickthread.db"))
	err := s.inScript(t.Context(), false, func(ctx context.Context, w *script) error {
		_, _ = w.exec(ctx, bun.Safe("SELECT nonsense"))
		return w.add(ctx, makeLanes.about([][]any{{"shop"}}))
	})
	if err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("it ends with %v", err)
	}
	if lanes, err := s.Lanes(t.Context()); len(lanes) != 0 || err != nil {
		t.Errorf("%d lanes were kept (%v)", len(lanes), err)
	}
}

func recovered(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New(r.(string))
		}
	}()
	return fn()
}

// ADR 10: a batch with a click and an event is three round trips to PostgreSQL, a claim four, a settlement three.
func TestRoundTrips(t *testing.T) {
	l := &ledger{T: t, Store: node(t, pgtest.Shared(t).Database(t)), now: time.Now().UTC().Truncate(time.Second)}
	heard := &listener{}
	l.write = l.write.WithQueryHook(heard)
	trips := func(what string, want int) {
		t.Helper()
		if got := len(heard.statements); got != want {
			t.Errorf("%s takes %d round trips, want %d: %.60q", what, got, want, heard.statements)
		}
		heard.statements = nil
	}
	click := l.message("m1", ana, l.now.Add(-time.Minute))
	click.Referral = &attribution.Click{ClickID: "Clid1"}
	for range 2 { // of a person nobody knew, and of one that is known
		l.record(func(s *attribution.Snapshot) []forwarder.Delivery {
			return []forwarder.Delivery{l.delivery(s.Fresh[0].ID.String(), s.Fresh[0])}
		}, click)
		trips("a batch", 3)
		click = l.message("m2", ana, l.now)
	}
	call := l.claim("a")
	trips("a claim", 4)
	l.settle(call, accepted)
	trips("a settlement", 3)
	var none stdsql.NullInt64
	if err := l.write.QueryRowContext(t.Context(), "SELECT count(*) FROM deliveries WHERE status <> 'sent'").Scan(&none); err != nil || none.Int64 != 0 {
		t.Errorf("%d deliveries are not sent (%v)", none.Int64, err)
	}
}
