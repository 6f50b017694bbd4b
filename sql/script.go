package sql

import (
	"cmp"
	"context"
	stdsql "database/sql"
	"database/sql/driver"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// script is the transaction of a batch. On a shared database, where a round trip costs more than most
// statements, it goes there in as few as it can: BEGIN and writes wait for the next question, and COMMIT goes
// with the last of them. On SQLite each statement runs at once.
type script struct {
	store *Store
	tx    bun.IDB      // what statements are built with; on SQLite they run in it
	conn  *stdsql.Conn // of a shared database; nil on SQLite
	text  []byte       // what waits to be sent
	again bool         // an earlier attempt failed
}

// inScript runs fn in one transaction, on a shared database again where another node got in between.
func (s *Store) inScript(ctx context.Context, fn func(context.Context, *script) error) error {
	if !s.home.shared {
		return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error { return fn(ctx, &script{store: s, tx: tx}) })
	}
	again := false
	return repeat(ctx, func(ctx context.Context) error {
		err := s.scriptOnce(ctx, again, fn)
		again = true
		return err
	})
}

// scriptOnce is the transaction on a shared database. It is begun by its own text, because database/sql
// would spend a round trip on BEGIN and one on COMMIT.
func (s *Store) scriptOnce(ctx context.Context, again bool, fn func(context.Context, *script) error) (err error) {
	conn, err := s.write.DB.Conn(ctx)
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
	w := &script{store: s, tx: s.write, conn: conn, text: []byte("BEGIN;\n"), again: again}
	if err := fn(ctx, w); err != nil {
		return classed(err, false)
	}
	w.text = append(w.text, "COMMIT"...)
	err = w.run(ctx)
	ended = err == nil
	return classed(err, true)
}

// rollback ends what may have begun. A connection that does not take it is closed, and the server ends it.
func rollback(ctx context.Context, conn *stdsql.Conn) {
	if _, err := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); err != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
}

// statement is what bun builds.
type statement interface {
	schema.QueryAppender
	Exec(ctx context.Context, dest ...any) (stdsql.Result, error)
}

// add runs a statement whose result nobody reads at once, or keeps it until something is asked.
func (w *script) add(ctx context.Context, q statement) error {
	if !w.store.home.shared {
		_, err := q.Exec(ctx)
		return err
	}
	text, err := q.AppendQuery(w.store.write.QueryGen(), w.text)
	w.text = append(text, ";\n"...)
	return err
}

// run sends what was kept to a shared database.
func (w *script) run(ctx context.Context) error {
	text := string(w.text)
	w.text = nil
	_, err := w.conn.ExecContext(ctx, text)
	return err
}

// ask asks a question, whose rows go into dest. On a shared database what was kept goes with it.
func (w *script) ask(ctx context.Context, q asking, dest any) error {
	if w.store.home.shared {
		return w.query(ctx, q, dest)
	}
	args, err := q.args()
	if err != nil {
		return err
	}
	stmt := w.prepared(ctx, q.name)
	defer func() { _ = stmt.Close() }() // the one that is prepared stays
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	return w.read(ctx, rows, dest)
}

// query sends what was kept and a statement that returns rows. PostgreSQL takes both in one go, as long as
// only the last statement returns any.
func (w *script) query(ctx context.Context, q schema.QueryAppender, dest any) error {
	text, err := q.AppendQuery(w.store.write.QueryGen(), w.text)
	if err != nil {
		return err
	}
	w.text = nil
	rows, err := w.conn.QueryContext(ctx, string(text))
	if err != nil {
		return err
	}
	return w.read(ctx, rows, dest)
}

func (w *script) read(ctx context.Context, rows *stdsql.Rows, dest any) error {
	defer func() { _ = rows.Close() }()
	return cmp.Or(w.store.write.ScanRows(ctx, rows, dest), rows.Err())
}

// prepared is a statement that SQLite's writer has prepared, inside this transaction.
func (w *script) prepared(ctx context.Context, name string) *stdsql.Stmt {
	return w.tx.(bun.Tx).StmtContext(ctx, w.store.prepared[name])
}
