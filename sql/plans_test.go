package sql

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/clickthread/clickthread/internal/pgtest"
)

// What a batch asks is found by whole keys, also in a database without statistics: an index used for the
// account alone, or for nothing, would be read from end to end (docs/adr/0004).
func TestBatchesReadByWholeKeys(t *testing.T) {
	id := newID()
	keys, ids := [][]any{{"shop", "key"}}, [][]any{{"shop", id[:]}}
	lite := open(t, filepath.Join(t.TempDir(), "clickthread.db"))
	plan := explained(t, lite, "EXPLAIN QUERY PLAN ?", whatElse.about(keys, ids, ids))
	for _, line := range plan {
		if strings.HasPrefix(line, "SEARCH") && strings.HasSuffix(line, "(account_id=?)") || regexp.MustCompile(`^SCAN [cud]\b`).MatchString(line) {
			t.Errorf("SQLite: %s", line)
		}
	}
	full := node(t, pgtest.Shared(t).Database(t))
	plan = append(plan, explained(t, full, "EXPLAIN ?", whatElseShared.about(keys, ids, ids, ids))...)
	for i, line := range plan {
		scans := strings.Contains(line, "Index Scan using")
		if scans && (i+1 == len(plan) || !strings.Contains(plan[i+1], "Index Cond") || strings.Contains(plan[i+1], "Index Cond: (account_id = ")) ||
			strings.Contains(line, "Seq Scan") {
			t.Errorf("PostgreSQL: %s", strings.TrimSpace(line))
		}
	}
	if len(plan) < 40 {
		t.Errorf("only %d lines of plans were read", len(plan))
	}
}

// Matches beside a click are looked for from each match: its contact, that contact's conversation, its clicks. Without
// statistics PostgreSQL would rather read all conversations of a number, for each match anew.
func TestStrandedMatchesAreFoundFromTheMatch(t *testing.T) {
	full := node(t, pgtest.Shared(t).Database(t))
	plan := explained(t, full, "EXPLAIN "+strandedAfter, "", []byte{}, []byte{}, "", 10, "detected", 10)
	found := 0
	for i, line := range plan {
		for index, by := range map[string]string{" conversations k ": "contact_id = kin.id", " contacts kin ": "merged_into = me.merged_into", " clicks c ": "conversation_id = k.id"} {
			if !strings.Contains(line, index) {
				continue
			}
			found++
			if !strings.Contains(plan[i+1], by) {
				t.Errorf("%s\n%s: not by %s", line, plan[i+1], by)
			}
		}
	}
	if found != 3 {
		t.Errorf("%d of 3 tables are in the plan:\n%s", found, strings.Join(plan, "\n"))
	}
}

// explained is how a database goes about a statement.
func explained(t *testing.T, s *Store, explain string, args ...any) (lines []string) {
	t.Helper()
	rows, err := s.write.QueryContext(t.Context(), explain, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s", values[len(values)-1]))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}
