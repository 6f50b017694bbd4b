package sql

import (
	"cmp"
	"context"
	stdsql "database/sql"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// script runs statements whose results nobody reads. On a shared database it sends them in one go:
// there a round trip costs more than most statements.
type script struct {
	store *Store
	tx    bun.Tx
	text  []byte
}

// statement is what bun builds.
type statement interface {
	schema.QueryAppender
	Exec(ctx context.Context, dest ...any) (stdsql.Result, error)
}

func (s *Store) script(tx bun.Tx) *script { return &script{store: s, tx: tx} }

// add runs a statement at once, or keeps it for run.
func (w *script) add(ctx context.Context, q statement) error {
	if !w.store.home.shared {
		_, err := q.Exec(ctx)
		return err
	}
	text, err := q.AppendQuery(w.store.write.QueryGen(), w.text)
	w.text = append(text, ";\n"...)
	return err
}

// run sends what was kept.
func (w *script) run(ctx context.Context) error {
	if len(w.text) == 0 {
		return nil
	}
	_, err := w.tx.Tx.ExecContext(ctx, string(w.text))
	w.text = nil
	return err
}

// ask runs what was kept, and then a question, whose rows go into dest. PostgreSQL takes both in one go, as
// long as only the last statement returns rows.
func (w *script) ask(ctx context.Context, q asking, dest any) error {
	if !w.store.home.shared {
		return q.scan(ctx, w.store, w.tx, dest)
	}
	text, err := q.AppendQuery(w.store.write.QueryGen(), w.text)
	if err != nil {
		return err
	}
	w.text = nil
	rows, err := w.tx.Tx.QueryContext(ctx, string(text))
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	return cmp.Or(w.store.write.ScanRows(ctx, rows, dest), rows.Err())
}
