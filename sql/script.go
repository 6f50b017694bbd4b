package sql

import (
	"cmp"
	"context"
	stdsql "database/sql"
	"database/sql/driver"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// script is the transaction of a batch, a claim or a settlement. On a shared database, where a round trip costs
// more than most statements, it goes there in as few as it can: BEGIN and writes wait for the next question, and
// COMMIT goes with the last of them. On SQLite each statement runs at once.
type script struct {
	store *Store
	tx    bun.Tx   // on SQLite
	conn  bun.Conn // on a shared database
	text  []byte   // what waits to be sent there
	again bool     // an earlier attempt failed
	err   error    // the first: nothing is committed after it, also where its caller went on
}

// inScript runs fn in one transaction, on a shared database again where another node got in between. What is
// idempotent is run again also where nobody knows whether it was committed.
func (s *Store) inScript(ctx context.Context, idempotent bool, fn func(context.Context, *script) error) error {
	if !s.home.shared {
		return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			w := &script{store: s, tx: tx}
			return cmp.Or(fn(ctx, w), w.err)
		})
	}
	again := false
	return repeat(ctx, idempotent, func(ctx context.Context) error {
		err := s.scriptOnce(ctx, again, fn)
		again = true
		return err
	})
}

// scriptOnce is the transaction on a shared database. It is begun by its own text, because database/sql
// would spend a round trip on BEGIN and one on COMMIT.
func (s *Store) scriptOnce(ctx context.Context, again bool, fn func(context.Context, *script) error) (err error) {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return err
	}
	ended := false
	defer func() { // a panic comes by here too
		if !ended {
			rollback(ctx, conn)
		}
		_ = conn.Close()
	}()
	w := &script{store: s, conn: conn, text: []byte("BEGIN;\n"), again: again}
	if err := cmp.Or(fn(ctx, w), w.err); err != nil { // PostgreSQL answers COMMIT after an error as if all were well
		return classed(err, false)
	}
	_, err = w.exec(ctx, bun.Safe("COMMIT"))
	ended = err == nil
	return classed(err, true)
}

// rollback ends what may have begun. A connection that does not take it is closed, and the server ends it.
func rollback(ctx context.Context, conn bun.Conn) {
	if _, err := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); err != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
}

// add runs a statement whose result nobody reads at once, or keeps it until something is asked.
func (w *script) add(ctx context.Context, q schema.QueryAppender) error {
	if !w.store.home.shared {
		_, err := w.exec(ctx, q)
		return err
	}
	text, err := q.AppendQuery(w.store.write.QueryGen(), w.text)
	w.text = append(text, ";\n"...)
	return err
}

// exec runs a statement that returns no rows, after what was kept, and says how many it changed.
func (w *script) exec(ctx context.Context, q schema.QueryAppender) (changed int, err error) {
	res, err := run(ctx, w, q, bun.IDB.ExecContext, (*stdsql.Stmt).ExecContext)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// query asks for rows, which go into dest, after what was kept. PostgreSQL takes all in one go, as long as only
// the last statement returns rows.
func (w *script) query(ctx context.Context, q schema.QueryAppender, dest any) error {
	rows, err := run(ctx, w, q, bun.IDB.QueryContext, (*stdsql.Stmt).QueryContext)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	err = cmp.Or(w.store.write.ScanRows(ctx, rows, dest), rows.Err())
	w.err = cmp.Or(w.err, err)
	return err
}

// run runs a statement: what SQLite has prepared as such, all else as text, after what was kept.
func run[T any](ctx context.Context, w *script, q schema.QueryAppender,
	asText func(db bun.IDB, ctx context.Context, text string, args ...any) (T, error),
	asPrepared func(stmt *stdsql.Stmt, ctx context.Context, args ...any) (T, error),
) (result T, err error) {
	defer func() { w.err = cmp.Or(w.err, err) }()
	if a, ok := q.(asking); ok && !w.store.home.shared {
		values, err := a.values()
		if err != nil {
			return result, err
		}
		stmt := w.prepared(ctx, a.name)
		defer func() { _ = stmt.Close() }() // the one that is prepared stays, and rows keep what they need
		return asPrepared(stmt, ctx, values...)
	}
	text, err := q.AppendQuery(w.store.write.QueryGen(), w.text)
	if err != nil {
		return result, err
	}
	w.text = nil
	return asText(w.db(), ctx, string(text))
}

func (w *script) db() bun.IDB {
	if w.store.home.shared {
		return w.conn
	}
	return w.tx
}

// prepared is a statement that SQLite's writer has prepared, inside this transaction.
func (w *script) prepared(ctx context.Context, name string) *stdsql.Stmt {
	return w.tx.StmtContext(ctx, w.store.prepared[name])
}
