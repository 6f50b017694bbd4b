package sql

import (
	"context"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/internal/pgtest"
	"github.com/clickthread/clickthread/reason"
)

// listener is a bun hook that keeps every statement.
type listener struct {
	mu         sync.Mutex
	statements []string
}

func (*listener) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (l *listener) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.statements = append(l.statements, e.Query)
}

// Ledger 36: every statement on the way of a webhook and of a call finds each table's rows by the account, which is
// what a distributed PostgreSQL shards by.
func TestHotStatementsNameTheAccount(t *testing.T) {
	for name, s := range map[string]*Store{
		"SQLite":     open(t, filepath.Join(t.TempDir(), "clickthread.db")),
		"PostgreSQL": node(t, pgtest.Shared(t).Database(t)),
	} {
		t.Run(name, func(t *testing.T) {
			l := &ledger{T: t, Store: s, now: time.Now().UTC().Truncate(time.Second)}
			heard := &listener{}
			l.write, l.read = l.write.WithQueryHook(heard), l.read.WithQueryHook(heard)
			goTheWay(l)
			for _, p := range slices.Concat(preparations, lookups) { // what is prepared, the listener does not hear
				text := p.lite()
				if l.Shared() {
					text = p.full()
				}
				heard.statements = append(heard.statements, text)
			}
			judged := 0
			for _, statement := range heard.statements {
				n, bad := withoutAccount(statement)
				judged += n
				for _, table := range bad {
					t.Errorf("%s is read or changed without its account: %.600s", table, statement)
				}
			}
			if judged < 30 {
				t.Errorf("only %d uses of tables were judged in %d statements", judged, len(heard.statements))
			}
		})
	}
}

// goTheWay has messages recorded, a call made and settled, and what is due looked for.
func goTheWay(l *ledger) {
	l.Helper()
	click := l.message("m1", ana, l.now.Add(-time.Minute))
	click.Referral = &attribution.Click{ClickID: "Clid1"}
	l.record(func(s *attribution.Snapshot) []forwarder.Delivery {
		a := s.Fresh[0]
		a.Thread.Wait(attribution.Waiting{Trigger: a.ID, Rule: "r", Event: "Purchase", Reason: reason.NoClickID, At: a.At, ReceivedAt: l.now, Body: a.Body})
		s.Add("shop", "blocked")
		return nil
	}, click)
	asks := l.message("m2", ana, l.now)
	asks.Keys, asks.Quotes = []string{"dedupe:Purchase:1"}, true
	l.record(nil, asks)
	if _, _, _, err := l.WhoClicked(l.Context(), "shop", "Clid1", l.now); err != nil {
		l.Fatal(err)
	}
	l.queue(2, nil)
	if due, err := l.Due(l.Context(), "a", l.now); len(due) != 1 || err != nil {
		l.Fatalf("due: %v %v", due, err)
	}
	call := l.claim("a")
	l.settle(call, forwarder.Settlement{Outcome: forwarder.Failed, To: forwarder.Queued, Due: l.now, Pause: &forwarder.Pause{Until: l.now.Add(-time.Second), Cause: forwarder.Throttled}})
	l.settle(l.claim("a"), accepted)
}

var (
	// merchantOwned is a use of a merchant-owned table, with its alias or the word that follows where it has none.
	merchantOwned = regexp.MustCompile(`(?i)\b(?:FROM|JOIN|UPDATE|INTO)\s+"?(message_keys|messages|contacts|aliases|conversations|clicks|unattributed|claims|deliveries|calls|attempts|lanes|counters)"?(?:\s+(?:AS\s+)?"?(\w+)"?)?`)
	// byNode is how a node finds whose work is due: it looks at the lanes of all accounts.
	byNode = regexp.MustCompile(`(?i)FROM lanes l\s+WHERE \(l.holder = `)
)

// withoutAccount lists the tables of a statement whose rows are found by anything but equality on their account:
// with a value, with another table's, or among rows. An insert names it in its columns, and its arbiter is a key.
func withoutAccount(statement string) (judged int, bad []string) {
	uses := merchantOwned.FindAllStringSubmatchIndex(statement, -1)
	for _, use := range uses {
		verb := strings.ToUpper(statement[use[0] : use[0]+4])
		if verb == "INTO" || byNode.MatchString(statement[use[0]:]) || strings.HasPrefix(strings.ToUpper(statement[:use[0]]), "INSERT") && verb == "UPDA" {
			continue
		}
		judged++
		table, alias, scope := statement[use[2]:use[3]], "", statement[use[1]:]
		if use[4] >= 0 {
			alias = statement[use[4]:use[5]]
		}
		var name string
		keyword := slices.Contains([]string{"", "WHERE", "SET", "CROSS", "LEFT", "JOIN", "ON", "ORDER", "FOR", "USING"}, strings.ToUpper(alias))
		if keyword || strings.HasSuffix(alias, "_row") { // bun's alias, which conditions do not use
			name, scope = `(?:"?\w+"?\.)?`, own(scope)
		} else {
			name, scope = `"?`+regexp.QuoteMeta(alias)+`"?\.`, strings.NewReplacer("(", "{", ")", "}").Replace(statement)
		}
		column := name + `"?account_id"?`
		if !regexp.MustCompile(`(?is)[\s{]` + column + `\s*=|=\s*` + column + `[\s}]|{\s*` + column + `\s*,[^{}]*}\s*(?:IN|=)`).MatchString(scope + " ") {
			bad = append(bad, table)
		}
	}
	return judged, bad
}

// own is the part of a query after a table's name that is its own: without what is asked within it, and what
// stands around it. Braces stand for its brackets.
func own(scope string) string {
	innermost := regexp.MustCompile(`\([^()]*\)`)
	within := regexp.MustCompile(`(?i)^\(\s*(?:SELECT|VALUES|WITH)\b`)
	for innermost.MatchString(scope) {
		scope = innermost.ReplaceAllStringFunc(scope, func(group string) string {
			if within.MatchString(group) {
				return "{}"
			}
			return "{" + group[1:len(group)-1] + "}"
		})
	}
	scope, _, _ = strings.Cut(scope, ")")
	return regexp.MustCompile(`(?i)\bUNION\b`).Split(scope, 2)[0]
}

// The test above is as good as its eye.
func TestWithoutAccountSees(t *testing.T) {
	for statement, want := range map[string]int{
		`SELECT account_id FROM deliveries WHERE id = 1`:                                                              1,
		`UPDATE deliveries SET status = 'sent' WHERE id = 1 RETURNING account_id`:                                     1,
		`DELETE FROM claims WHERE delivery_id IN (SELECT id FROM deliveries WHERE account_id = 'a')`:                  1,
		`SELECT * FROM clicks c JOIN conversations k ON k.id = c.conversation_id WHERE c.account_id = 'a'`:            1,
		`SELECT * FROM "lanes" AS "lane_row" WHERE (holder = 'a')`:                                                    1,
		`SELECT * FROM "lanes" AS "lane_row" WHERE (account_id = 'a')`:                                                0,
		`SELECT * FROM clicks c JOIN conversations k ON k.account_id = c.account_id AND k.id = c.conversation_id`:     0,
		`UPDATE calls SET words = 'x' WHERE account_id = 'a' AND EXISTS (SELECT 1 FROM lanes WHERE account_id = 'a')`: 0,
		`SELECT id FROM claims WHERE (account_id, key) IN (SELECT * FROM unnest($1, $2))`:                             0,
		`PREPARE p (text[]) AS INSERT INTO clicks AS c (account_id) SELECT * FROM unnest($1)`:                         0,
	} {
		if _, bad := withoutAccount(statement); len(bad) != want {
			t.Errorf("%d, want %d: %s", len(bad), want, statement)
		}
	}
}
