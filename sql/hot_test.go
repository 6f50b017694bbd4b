package sql

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
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

// Ledger 36: every statement on the way of a webhook and of a call names the account, which is what a
// distributed PostgreSQL shards by.
func TestHotStatementsNameTheAccount(t *testing.T) {
	l := &ledger{T: t, Store: open(t, filepath.Join(t.TempDir(), "clickthread.db")), now: time.Now().UTC().Truncate(time.Second)}
	heard := &listener{}
	l.write = l.write.WithQueryHook(heard)
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
	l.queue(2, nil)
	call := l.claim("a")
	l.settle(call, forwarder.Settlement{Outcome: forwarder.Failed, To: forwarder.Queued, Due: l.now, Pause: &forwarder.Pause{Until: l.now.Add(-time.Second), Cause: forwarder.Throttled}})
	l.settle(l.claim("a"), accepted)

	for _, p := range preparations { // what is prepared, the listener does not hear
		heard.statements = append(heard.statements, p.full())
	}
	verbs := regexp.MustCompile(`(?i)^(BEGIN|COMMIT|ROLLBACK)`)
	for _, s := range heard.statements {
		if !verbs.MatchString(s) && !strings.Contains(s, "account_id") {
			t.Errorf("names no account: %.200s", s)
		}
	}
	if len(heard.statements) < 25+len(preparations) {
		t.Errorf("only %d statements were heard", len(heard.statements))
	}
}
