package sql

import (
	"fmt"
	"strings"

	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/schema"
)

// PostgreSQL plans a statement anew each time it is sent as text, and for what every batch asks and writes
// that takes longer than running them. pgdriver prepares nothing, so each connection does it in SQL when
// it is opened.

// preparation is a statement that each connection to PostgreSQL plans once.
type preparation interface{ prepare() string }

// preparations is what batches ask and write.
var preparations = []preparation{
	whoIs, whatHappenedShared, whatElseShared,
	putKeys, putContacts, putAliases, moveAliases, putConversations,
	putMessages, putClicks, putWaiting, putClaims, putDeliveries, putLanes, putCounts,
}

// question is a statement that is asked for rows; its text has a ? for each of its row sets.
type question struct {
	name string
	text string
	sets []string // the columns' types of each row set, "text,bytea"
}

// prepare implements preparation.
func (q question) prepare() string {
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

// about is the question asked for some rows, one list for each of its row sets.
func (q question) about(rows ...[][]any) asking { return asking{q, rows} }

type asking struct {
	question
	rows [][][]any
}

// AppendQuery implements schema.QueryAppender.
func (a asking) AppendQuery(gen schema.QueryGen, b []byte) ([]byte, error) {
	prepared := gen.Dialect().Name() == dialect.PG
	text := a.text
	if prepared {
		text = fmt.Sprintf("EXECUTE %s (%s)", a.name, strings.TrimSuffix(strings.Repeat("?, ", len(a.sets)), ", "))
	}
	parts := strings.Split(text, "?")
	for i, types := range a.sets {
		b = append(b, parts[i]...)
		set := rowSet{strings.Split(types, ","), a.rows[i]}
		var err error
		if prepared {
			b, err = set.appendArrays(gen, b)
		} else {
			b, err = set.AppendQuery(gen, b)
		}
		if err != nil {
			return nil, err
		}
	}
	return append(b, parts[len(a.sets)]...), nil
}
