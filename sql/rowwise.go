package sql

import (
	"context"
	"reflect"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// SQLite runs in this process: a row costs less as one execution of a prepared statement than as part
// of a long text that is written, parsed and planned anew for each batch.

// insertRows prepares a statement and executes it for each row. changed[i] tells whether row i was
// written.
func insertRows[T any](ctx context.Context, db *bun.DB, tx bun.Tx, rows []T, clause string) (changed []bool, err error) {
	table := db.Table(reflect.TypeFor[T]())
	stmt, err := tx.PrepareContext(ctx, insertText(table, clause))
	if err != nil {
		return nil, err
	}
	defer func() { _ = stmt.Close() }()
	changed = make([]bool, len(rows))
	args := make([]any, len(table.Fields))
	for i := range rows {
		row := reflect.ValueOf(&rows[i]).Elem()
		for j, field := range table.Fields {
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

// insertText writes the statement with bun's alias for the table, which clauses refer to.
func insertText(table *schema.Table, clause string) string {
	names := make([]string, len(table.Fields))
	for i, f := range table.Fields {
		names[i] = f.Name
	}
	text := "INSERT INTO " + table.Name + " AS " + table.Alias + " (" + strings.Join(names, ", ") + ") VALUES (?" +
		strings.Repeat(", ?", len(names)-1) + ")"
	if clause != "" {
		text += " ON " + clause
	}
	return text
}

// insertNew inserts rows that may be there already, and returns the identities of those that were not.
// The columns named by returning must be enough for identity.
func insertNew[T any](ctx context.Context, s *Store, tx bun.Tx, rows []T, returning string, identity func(T) string) (map[string]bool, error) {
	fresh := make(map[string]bool, len(rows))
	if len(rows) == 0 {
		return fresh, nil
	}
	const orLeave = "CONFLICT DO NOTHING"
	if s.home.shared {
		var inserted []T
		err := tx.NewInsert().Model(&rows).On(orLeave).Returning(returning).Scan(ctx, &inserted)
		for _, r := range inserted {
			fresh[identity(r)] = true
		}
		return fresh, err
	}
	changed, err := insertRows(ctx, s.write, tx, rows, orLeave)
	for i, yes := range changed {
		if yes {
			fresh[identity(rows[i])] = true
		}
	}
	return fresh, err
}
