package sql

import (
	"context"
	stdsql "database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/schema"
)

// What every batch asks and writes is prepared once for each connection: to parse and plan it anew each
// time takes longer than to run it on PostgreSQL, and a sixth of a batch's time on SQLite.

// preparation is a statement that is prepared once.
type preparation interface {
	id() string
	on() only
	full() string // PREPARE, as pgdriver prepares nothing by itself
	lite() string // for SQLite's driver
}

// preparations is what batches and calls ask and write. Each database prepares its own.
var preparations = []preparation{
	whoIs, newAndWho, whatHappened, whatHappenedShared, whatElse, whatElseShared,
	putKeys, putContacts, putAliases, moveAliases, putConversations,
	putMessages, putClicks, putWaiting, putClaims, takeClaims, putDeliveries, makeLanes, putCounts,
	leaseLane, openCalls, dueDeliveries, putCalls, settleCall, settleDeliveries,
}

// lookups are asked outside of transactions.
var lookups = []preparation{dueLanes}

// forPostgres are the preparations that PostgreSQL runs.
func forPostgres() (list []preparation) {
	for _, p := range preparations {
		if p.on() != onlySQLite {
			list = append(list, p)
		}
	}
	return list
}

// prepareLite prepares for SQLite's writer, which has one connection.
func (s *Store) prepareLite(ctx context.Context) error {
	s.prepared = map[string]*stdsql.Stmt{}
	for _, p := range preparations {
		if p.on() == onlyPostgres {
			continue
		}
		stmt, err := s.write.DB.PrepareContext(ctx, p.lite()) //nolint:sqlclosecheck // Close does, with the connection
		if err != nil {
			return fmt.Errorf("prepare %s: %w", p.id(), err)
		}
		s.prepared[p.id()] = stmt
	}
	return nil
}

// question is a statement with a ? for each of its arguments: a value, or rows. {clock} and {payload} stand for
// what its database's home says.
type question struct {
	name string
	text string
	args []string // PostgreSQL's types: "text" is a value, "text,bytea" rows of two columns, "bytea[]" rows of one
	home only
}

// only says on which database a question is asked.
type only int

const (
	onBoth only = iota
	onlySQLite
	onlyPostgres
)

// columns are the types of an argument's columns where it is rows; nil where it is a value.
func columns(arg string) []string {
	if one, is := strings.CutSuffix(arg, "[]"); is {
		return []string{one}
	}
	if list := strings.Split(arg, ","); len(list) > 1 {
		return list
	}
	return nil
}

func (q question) id() string { return q.name }

func (q question) on() only { return q.home }

// with writes the text with something else for each ?.
func (q question) with(h home, argument func(i int, types []string) string) string {
	parts := strings.Split(strings.NewReplacer("{clock}", h.clock, "{payload}", h.payload).Replace(q.text), "?")
	var text strings.Builder
	text.WriteString(parts[0])
	for i, arg := range q.args {
		text.WriteString(argument(i, columns(arg)) + parts[i+1])
	}
	return text.String()
}

func (q question) full() string {
	var params []string
	text := q.with(postgres, func(i int, types []string) string {
		if types == nil {
			params = append(params, q.args[i])
			return fmt.Sprintf("$%d", len(params))
		}
		var list []string
		for _, kind := range types {
			params = append(params, kind+"[]")
			list = append(list, fmt.Sprintf("$%d", len(params)))
		}
		return "SELECT * FROM unnest(" + strings.Join(list, ", ") + ")"
	})
	return fmt.Sprintf("PREPARE %s (%s) AS %s", q.name, strings.Join(params, ", "), text)
}

// lite takes rows as one JSON text: a list of VALUES would be another statement for each length.
func (q question) lite() string {
	return q.with(sqlite, func(_ int, types []string) string {
		if types == nil {
			return "?"
		}
		var list []string
		for i, kind := range types {
			column := fmt.Sprintf("value ->> %d", i)
			if kind == "bytea" {
				column = "unhex(" + column + ")"
			}
			list = append(list, column)
		}
		return "SELECT " + strings.Join(list, ", ") + " FROM json_each(?)"
	})
}

// about is the question with its arguments: rows are [][]any.
func (q question) about(args ...any) asking { return asking{q, args} }

type asking struct {
	question
	args []any
}

// values are the arguments as SQLite's prepared statement takes them.
func (a asking) values() ([]any, error) {
	values := slices.Clone(a.args)
	for i, arg := range a.args {
		if rows, are := arg.([][]any); are {
			list, err := jsonRows(rows)
			if err != nil {
				return nil, err
			}
			values[i] = list
		}
	}
	return values, nil
}

// jsonRows writes rows of texts and bytes as lite reads them.
func jsonRows(rows [][]any) (string, error) {
	list := make([][]any, len(rows))
	for i, row := range rows {
		list[i] = make([]any, len(row))
		for j, value := range row {
			list[i][j] = value
			if b, ok := value.([]byte); ok {
				list[i][j] = hex.EncodeToString(b)
			}
		}
	}
	text, err := json.Marshal(list)
	return string(text), err
}

// AppendQuery implements schema.QueryAppender.
func (a asking) AppendQuery(gen schema.QueryGen, b []byte) ([]byte, error) {
	if gen.Dialect().Name() != dialect.PG {
		return a.appendLite(gen, b)
	}
	b = append(append(append(b, "EXECUTE "...), a.name...), " ("...)
	for i, arg := range a.args {
		if i > 0 {
			b = append(b, ", "...)
		}
		var part schema.QueryAppender = bun.List([]any{arg})
		if rows, are := arg.([][]any); are {
			part = arrays{columns(a.question.args[i]), rows}
		}
		var err error
		if b, err = part.AppendQuery(gen, b); err != nil {
			return nil, err
		}
	}
	return append(b, ')'), nil
}

// appendLite writes the question with its arguments in it, for what is not prepared and for a look at its plan.
func (a asking) appendLite(gen schema.QueryGen, b []byte) ([]byte, error) {
	values, err := a.values()
	if err != nil {
		return nil, err
	}
	parts := strings.Split(a.lite(), "?")
	b = append(b, parts[0]...)
	for i, v := range values {
		b = append(gen.AppendValue(b, reflect.ValueOf(v)), parts[i+1]...)
	}
	return b, nil
}
