package sql

import (
	"context"

	"github.com/uptrace/bun"
)

// Batch arguments are built here and nowhere else, because this is where the dialects differ.

// tuples formats rows for `(a, b) IN (VALUES ?)`, one statement for a whole batch.
func tuples(rows [][]any) bun.ListValues {
	list := make([]bun.TupleValues, len(rows))
	for i, row := range rows {
		list[i] = bun.Tuple(row)
	}
	return bun.List(list)
}

// insert writes rows in one statement; clause is what follows the values, such as "CONFLICT DO
// NOTHING". No rows is no statement: bun refuses an empty slice.
func insert[T any](ctx context.Context, tx bun.IDB, rows []T, clause string) error {
	if len(rows) == 0 {
		return nil
	}
	q := tx.NewInsert().Model(&rows)
	if clause != "" {
		q = q.On(clause)
	}
	_, err := q.Exec(ctx)
	return err
}
