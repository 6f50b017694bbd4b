package notices

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// memory is the ledger and the outbox of one test, with its clock.
type memory struct {
	*testing.T
	now     time.Time
	seen    Observation // what a test puts here is seen; Open is kept
	backlog Backlog
	fails   map[string]error // what counting an account's backlog ends with

	mu   sync.Mutex
	rows []Notice
	log  strings.Builder
}

func newMemory(t *testing.T) *memory { t.Helper(); return &memory{T: t, now: noon} }

func (m *memory) clock() time.Time { return m.now }

func (m *memory) Observe(context.Context, time.Time) (Observation, error) { return m.seen, nil }

func (m *memory) Backlog(_ context.Context, account string) (Backlog, error) {
	return m.backlog, m.fails[account]
}

func (m *memory) RecordChange(_ context.Context, c Change) (bool, error) {
	i := slices.Index(m.seen.Open, c.Condition)
	if (i >= 0) != c.Ended {
		return false, nil
	}
	if c.Ended {
		m.seen.Open = slices.Delete(slices.Clone(m.seen.Open), i, i+1)
	} else {
		m.seen.Open = append(m.seen.Open, c.Condition)
	}
	m.rows = append(m.rows, c.Notices...)
	return true, nil
}

func (m *memory) DueNotices(_ context.Context, receiver string, now time.Time, limit int) ([]Notice, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var due []Notice
	for _, n := range m.rows {
		if n.Receiver == receiver && n.State == Queued && !n.Due.After(now) {
			due = append(due, n)
		}
	}
	slices.SortFunc(due, func(a, b Notice) int { return a.Due.Compare(b.Due) })
	return due[:min(limit, len(due))], nil
}

func (m *memory) TakeNotice(_ context.Context, n Notice, until time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	row := m.row(n.ID)
	if row.State != Queued || row.Attempts != n.Attempts {
		return false, nil
	}
	row.Attempts, row.Due = row.Attempts+1, until
	return true, nil
}

func (m *memory) SettleNotice(_ context.Context, n Notice) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if row := m.row(n.ID); row.State == Queued && row.Attempts == n.Attempts {
		*row = n
	}
	return nil
}

func (m *memory) row(id uuid.UUID) *Notice {
	i := slices.IndexFunc(m.rows, func(n Notice) bool { return n.ID == id })
	return &m.rows[i]
}

func (m *memory) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(io.Writer(&m.log), nil))
}

// told is what the notices say, as "kind account cause", and forgets them.
func (m *memory) told() []string {
	m.Helper()
	said := []string{}
	for _, n := range m.rows {
		var body struct {
			Type Kind
			Data Data
		}
		if err := json.Unmarshal(n.Body, &body); err != nil {
			m.Fatal(err)
		}
		if body.Type != n.Kind || body.Data.Account != n.Account {
			m.Errorf("the body of %s %s says %s", n.Kind, n.Account, n.Body)
		}
		said = append(said, fmt.Sprintf("%s %s %s", body.Type, body.Data.Account, body.Data.Cause))
	}
	m.rows = nil
	return said
}

// queue puts one notice of a kind into the outbox for each receiver.
func (m *memory) queue(kind Kind, to ...Receiver) []Notice {
	m.Helper()
	list, err := Address(to, kind, "shop", m.now, Data{Account: "shop", Words: "It rests.", Fix: "Wake it."}, uuid.New)
	if err != nil {
		m.Fatal(err)
	}
	m.rows = append(m.rows, list...)
	return list
}
