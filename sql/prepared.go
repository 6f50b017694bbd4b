package sql

import (
	"context"
	stdsql "database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/schema"
)

// What every batch asks and writes is prepared once for each connection: to parse and plan it anew each
// time takes longer than to run it on PostgreSQL, and a sixth of a batch's time on SQLite.

// preparation is a statement that is prepared once.
type preparation interface {
	id() string
	full() string // PREPARE, as pgdriver prepares nothing by itself
	lite() string // for SQLite's driver
}

// preparations is what batches ask and write. Of the questions that differ, each database prepares its own.
var preparations = []preparation{
	whoIs, newAndWho, whatHappened, whatHappenedShared, whatElse, whatElseShared,
	putKeys, putContacts, putAliases, moveAliases, putConversations,
	putMessages, putClicks, putWaiting, putClaims, takeClaims, putDeliveries, putLanes, putCounts,
}

// forPostgres are the preparations that PostgreSQL runs.
func forPostgres() (list []preparation) {
	for _, p := range preparations {
		if q, ok := p.(question); !ok || q.home != onlySQLite {
			list = append(list, p)
		}
	}
	return list
}

// prepareLite prepares for SQLite's writer, which has one connection.
func (s *Store) prepareLite(ctx context.Context) error {
	s.prepared = map[string]*stdsql.Stmt{}
	for _, p := range preparations {
		if q, ok := p.(question); ok && q.home == onlyPostgres {
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

// question is a statement that is asked for rows; its text has a ? for each of its row sets.
type question struct {
	name string
	text string
	sets []string // the columns' types of each row set, "text,bytea"
	home only
}

// only says on which database a question is asked.
type only int

const (
	onBoth only = iota
	onlySQLite
	onlyPostgres
)

func (q question) id() string { return q.name }

func (q question) full() string {
	var params []string
	text := q.text
	for _, types := range q.sets {
		var columns []string
		for kind := range strings.SplitSeq(types, ",") {
			params = append(params, kind+"[]")
			columns = append(columns, fmt.Sprintf("$%d", len(params)))
		}
		text = strings.Replace(text, "?", "SELECT * FROM unnest("+strings.Join(columns, ", ")+")", 1)
	}
	return fmt.Sprintf("PREPARE %s (%s) AS %s", q.name, strings.Join(params, ", "), text)
}

// lite takes each row set as one JSON text: a list of VALUES would be another statement for each length.
func (q question) lite() string {
	text := q.text
	for _, types := range q.sets {
		var columns []string
		for kind := range strings.SplitSeq(types, ",") {
			column := fmt.Sprintf("value ->> %d", len(columns))
			if kind == "bytea" {
				column = "unhex(" + column + ")"
			}
			columns = append(columns, column)
		}
		text = strings.Replace(text, "(?)", "(SELECT "+strings.Join(columns, ", ")+" FROM json_each(:))", 1)
	}
	return strings.ReplaceAll(text, "json_each(:)", "json_each(?)")
}

// about is the question asked for some rows, one list for each of its row sets.
func (q question) about(rows ...[][]any) asking { return asking{q, rows} }

type asking struct {
	question
	rows [][][]any
}

// args are the row sets as SQLite's prepared statement takes them.
func (a asking) args() ([]any, error) {
	args := make([]any, len(a.rows))
	for i, set := range a.rows {
		list, err := jsonRows(set)
		if err != nil {
			return nil, err
		}
		args[i] = list
	}
	return args, nil
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
	for i, types := range a.sets {
		if i > 0 {
			b = append(b, ", "...)
		}
		var err error
		if b, err = (rowSet{strings.Split(types, ","), a.rows[i]}).appendArrays(gen, b); err != nil {
			return nil, err
		}
	}
	return append(b, ')'), nil
}

// appendLite writes the question with its rows in it, for a look at its plan.
func (a asking) appendLite(gen schema.QueryGen, b []byte) ([]byte, error) {
	args, err := a.args()
	if err != nil {
		return nil, err
	}
	parts := strings.Split(a.lite(), "?")
	b = append(b, parts[0]...)
	for i, list := range args {
		b = append(gen.AppendValue(b, reflect.ValueOf(list)), parts[i+1]...)
	}
	return b, nil
}
