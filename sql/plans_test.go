package sql

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/clickthread/clickthread/internal/pgtest"
)

// What batches and calls ask is found by whole keys, also in a database without statistics: an index used for the
// account alone, or for nothing, would be read from end to end (docs/adr/0004). PostgreSQL keeps the plan that it made
// when the tables were empty.
func TestBatchesReadByWholeKeys(t *testing.T) {
	id := newID()
	keys, ids := [][]any{{"shop", "key"}}, [][]any{{"shop", id[:]}}
	names := [][]any{{"shop", "wa_id", "5511987650001"}}
	both := []asking{
		leaseLane.about("a", "a", 1, "shop", "a"), openCalls.about("shop"), makeLanes.about([][]any{{"shop"}}), dueLanes.about("a", 1, 1),
		dueDeliveries.about("shop", 1, 1, id[:], 1, [][]any{{id[:]}}, 1000), settleCall.about("", 1, 1, 1, 1, "", "", []byte{}, "shop", id[:], "shop", "a", 1),
		settleDeliveries.about("sent", "", "", 1, 0, 0, 0, 0, id[:], 1, 0, 1, ids),
	}
	lite := open(t, filepath.Join(t.TempDir(), "clickthread.db"))
	lines := 0
	for _, a := range append(both, whoIs.about(names), whatElse.about(keys, ids, ids)) {
		for _, line := range explained(t, lite, "EXPLAIN QUERY PLAN ?", a) {
			lines++
			wholeKey := regexp.MustCompile(`calls_open|sqlite_autoindex_lanes`).MatchString(line)
			if strings.HasPrefix(line, "SEARCH") && strings.HasSuffix(line, "(account_id=?)") && !wholeKey || regexp.MustCompile(`^SCAN [cud]\b`).MatchString(line) {
				t.Errorf("SQLite, %s: %s", a.name, line)
			}
		}
	}
	full := node(t, pgtest.Shared(t).Database(t))
	for _, a := range append(both, newAndWho.about([][]any{{"shop", id[:], 1}}, names), whatElseShared.about(keys, ids, ids, ids)) {
		plan := explained(t, full, "EXPLAIN ?", a)
		lines += len(plan)
		for i, line := range plan {
			if found := foundBy(plan, i); found != "" {
				t.Errorf("PostgreSQL, %s: %s: %s", a.name, strings.TrimSpace(line), found)
			}
		}
	}
	if lines < 100 {
		t.Errorf("only %d lines of plans were read", lines)
	}
}

// foundBy says what is wrong with how a line of PostgreSQL's plan finds its rows; "" = nothing.
func foundBy(plan []string, i int) string {
	line := plan[i]
	switch {
	case strings.Contains(line, "Seq Scan on lanes"), regexp.MustCompile(`using (calls_open|lanes_pkey) `).MatchString(line):
		return "" // few rows, or a key that is the account
	case strings.Contains(line, "Seq Scan"):
		return "all of them"
	case !strings.Contains(line, "Index Scan using") && !strings.Contains(line, "Index Only Scan using"):
		return ""
	case i+1 == len(plan) || !strings.Contains(plan[i+1], "Index Cond"):
		return "all of the index"
	case regexp.MustCompile(`Index Cond: \(account_id = [^()]*\)$`).MatchString(plan[i+1]):
		return "all of the account"
	}
	return ""
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
	db := s.write
	for _, arg := range args {
		if a, ok := arg.(asking); ok && a.name == dueLanes.name { // only readers have it prepared
			db = s.read
		}
	}
	rows, err := db.QueryContext(t.Context(), explain, args...)
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
