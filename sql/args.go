package sql

import (
	"context"
	"encoding/hex"
	"reflect"
	"strconv"
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
func (s arrays) AppendQuery(_ schema.QueryGen, b []byte) ([]byte, error) {
	for column := range s.types {
		if column > 0 {
			b = append(b, ", "...)
		}
		b = appendArray(b, s.types[column], len(s.rows), func(i int) reflect.Value { return reflect.ValueOf(s.rows[i][column]) })
	}
	return b, nil
}

// appendArray writes one of PostgreSQL's arrays as a literal, '{"a","b"}'::text[]. A list in brackets would be
// parsed, analysed and evaluated value by value, which took an eighth of its CPU under load.
func appendArray(b []byte, kind string, n int, value func(i int) reflect.Value) []byte {
	b = append(b, "'{"...)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendElement(b, value(i))
	}
	return append(append(append(b, "}'::"...), kind...), "[]"...)
}

// appendElement writes a text, bytes or a whole number. Inside the literal's quotes stand the element's; each
// kind has its own escape.
func appendElement(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.String:
		return appendQuoted(b, v.String())
	case reflect.Slice:
		if v.IsNil() {
			return append(b, "NULL"...)
		}
		return append(hex.AppendEncode(append(b, `"\\x`...), v.Bytes()), '"')
	case reflect.Int64, reflect.Int:
		return strconv.AppendInt(b, v.Int(), 10)
	default:
		panic("sql: no array of " + v.Kind().String()) // a row struct with a field of a new kind
	}
}

func appendQuoted(b []byte, text string) []byte {
	b = append(b, '"')
	for _, c := range []byte(text) {
		switch c {
		case 0: // PostgreSQL knows no such text; none comes through the door
		case '\'':
			b = append(b, "''"...)
		case '"', '\\':
			b = append(b, '\\', c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
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
