package sql

import (
	"context"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/schema"
)

// Batch arguments are built here and nowhere else, because this is where the dialects differ.

// among formats rows for `(a, b) IN (?)`, one statement for a whole batch. types are the columns'
// types in PostgreSQL, "text,bytea": it reads arrays, which it can plan as a join; SQLite reads VALUES.
func among(types string, rows [][]any) rowSet {
	return rowSet{strings.Split(types, ","), rows}
}

type rowSet struct {
	types []string
	rows  [][]any
}

// AppendQuery implements schema.QueryAppender.
func (s rowSet) AppendQuery(gen schema.QueryGen, b []byte) ([]byte, error) {
	if gen.Dialect().Name() != dialect.PG {
		if len(s.rows) == 0 { // VALUES takes no empty list
			return append(b, "SELECT NULL"+strings.Repeat(", NULL", len(s.types)-1)+" WHERE FALSE"...), nil
		}
		list := make([]bun.TupleValues, len(s.rows))
		for i, row := range s.rows {
			list[i] = bun.Tuple(row)
		}
		return bun.List(list).AppendQuery(gen, append(b, "VALUES "...))
	}
	b, err := arrays(s).AppendQuery(gen, append(b, "SELECT * FROM unnest("...))
	return append(b, ')'), err
}

// arrays writes rows as PostgreSQL's arrays, one for each column.
type arrays rowSet

// AppendQuery implements schema.QueryAppender.
func (s arrays) AppendQuery(gen schema.QueryGen, b []byte) ([]byte, error) {
	for column, kind := range s.types {
		values := make([]any, len(s.rows))
		for i, row := range s.rows {
			values[i] = row[column]
		}
		if column > 0 {
			b = append(b, ", "...)
		}
		b = append(b, "ARRAY["...)
		if len(values) > 0 { // an empty list would be written as NULL
			var err error
			if b, err = bun.List(values).AppendQuery(gen, b); err != nil {
				return nil, err
			}
		}
		b = append(append(append(b, "]::"...), kind...), "[]"...)
	}
	return b, nil
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
