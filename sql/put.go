package sql

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/schema"
)

// put is an insert that batches make, many rows at a time. SQLite, which runs in this process, executes it
// once per row; PostgreSQL is sent all rows at once as arrays.
type put[T any] struct {
	name      string // of the prepared statement
	clause    string // what follows the values, such as "CONFLICT DO NOTHING"; may be empty
	returning string // columns, for fresh on PostgreSQL
	home      only
}

const orLeave = "CONFLICT DO NOTHING"

// table is bun's knowledge of the row struct, the same for both databases.
func (p put[T]) table() *schema.Table { return rowTables.Get(reflect.TypeFor[T]()) }

var rowTables = pgdialect.New().Tables()

// insert writes "INSERT ... ON clause"; values is what stands between. The alias is bun's, which clauses
// refer to.
func (p put[T]) insert(values string) string {
	table := p.table()
	names := make([]string, len(table.Fields))
	for i, f := range table.Fields {
		names[i] = f.Name
	}
	text := "INSERT INTO " + table.Name + " AS " + table.Alias + " (" + strings.Join(names, ", ") + ") " + values
	if p.clause != "" {
		text += " ON " + p.clause
	}
	return text
}

func (p put[T]) id() string { return p.name }

func (p put[T]) on() only { return p.home }

func (p put[T]) lite() string {
	return p.insert("VALUES (?" + strings.Repeat(", ?", len(p.table().Fields)-1) + ")")
}

func (p put[T]) full() string {
	var types, params []string
	for i, f := range p.table().Fields {
		types = append(types, columnType(f)+"[]")
		params = append(params, fmt.Sprintf("$%d", i+1))
	}
	text := fmt.Sprintf("PREPARE %s (%s) AS %s", p.name, strings.Join(types, ", "),
		p.insert("SELECT * FROM unnest("+strings.Join(params, ", ")+")"))
	if p.returning != "" {
		text += " RETURNING " + p.returning
	}
	return text
}

// columnType is PostgreSQL's type for the values of a column; our tables have three.
func columnType(f *schema.Field) string {
	switch f.IndirectType.Kind() {
	case reflect.String:
		return "text"
	case reflect.Slice:
		return "bytea"
	default:
		return "bigint"
	}
}

// execution is a put of some rows, as one execution of what PostgreSQL has prepared.
type execution[T any] struct {
	put  put[T]
	rows []T
}

// AppendQuery implements schema.QueryAppender.
func (e execution[T]) AppendQuery(_ schema.QueryGen, b []byte) ([]byte, error) {
	b = append(append(append(b, "EXECUTE "...), e.put.name...), " ("...)
	for i, f := range e.put.table().Fields {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendArray(b, columnType(f), len(e.rows), func(i int) reflect.Value { return f.Value(reflect.ValueOf(&e.rows[i]).Elem()) })
	}
	return append(b, ')'), nil
}

// add inserts rows as part of a script.
func (p put[T]) add(ctx context.Context, w *script, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	if !w.store.home.shared {
		_, err := p.each(ctx, w, rows)
		return err
	}
	return w.add(ctx, execution[T]{p, rows})
}

// fresh inserts rows that may be there already, and returns the identities of those that were not.
// The columns that the put returns must be enough for identity.
func (p put[T]) fresh(ctx context.Context, w *script, rows []T, identity func(T) string) (map[string]bool, error) {
	made := make(map[string]bool, len(rows))
	if len(rows) == 0 {
		return made, nil
	}
	if w.store.home.shared {
		var inserted []T
		err := w.query(ctx, execution[T]{p, rows}, &inserted)
		for _, r := range inserted {
			made[identity(r)] = true
		}
		return made, err
	}
	changed, err := p.each(ctx, w, rows)
	for i, yes := range changed {
		if yes {
			made[identity(rows[i])] = true
		}
	}
	return made, err
}

// each executes the insert for each row. changed[i] tells whether row i was written.
func (p put[T]) each(ctx context.Context, w *script, rows []T) (changed []bool, err error) {
	fields := p.table().Fields
	stmt := w.prepared(ctx, p.name)
	defer func() { _ = stmt.Close() }() // the one that is prepared stays
	changed = make([]bool, len(rows))
	args := make([]any, len(fields))
	for i := range rows {
		row := reflect.ValueOf(&rows[i]).Elem()
		for j, field := range fields {
			args[j] = field.Value(row).Interface()
		}
		res, err := stmt.ExecContext(ctx, args...)
		if err != nil {
			return nil, err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return nil, err
		}
		changed[i] = n > 0
	}
	return changed, nil
}
