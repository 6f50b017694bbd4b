package sql

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/notices"
)

// What is told to the operator's systems: the conditions that last, and the notices about them.

type conditionRow struct {
	bun.BaseModel `bun:"table:conditions"`

	AccountID string
	Kind      string
	Cause     string
	Since     int64
}

type noticeRow struct {
	bun.BaseModel `bun:"table:notices"`

	AccountID  string
	ID         []byte
	Receiver   string
	Kind       string
	Body       []byte
	State      string
	DueAt      int64
	Attempts   int
	HTTPStatus int
	Words      string
	CreatedAt  int64
	EndedAt    int64
}

func noticeRowOf(n notices.Notice) noticeRow {
	return noticeRow{
		AccountID: n.Account, ID: n.ID[:], Receiver: n.Receiver, Kind: string(n.Kind), Body: n.Body, State: string(n.State),
		DueAt: micros(n.Due), Attempts: n.Attempts, HTTPStatus: n.HTTPStatus, Words: n.Words,
		CreatedAt: micros(n.CreatedAt), EndedAt: micros(n.EndedAt),
	}
}

func noticesOf(rows []noticeRow) []notices.Notice {
	list := make([]notices.Notice, len(rows))
	for i, r := range rows {
		list[i] = notices.Notice{
			Account: r.AccountID, ID: asUUID(r.ID), Receiver: r.Receiver, Kind: notices.Kind(r.Kind), Body: r.Body,
			State: notices.State(r.State), Due: fromMicros(r.DueAt), Attempts: r.Attempts, HTTPStatus: r.HTTPStatus, Words: r.Words,
			CreatedAt: fromMicros(r.CreatedAt), EndedAt: fromMicros(r.EndedAt),
		}
	}
	return list
}

// Observe implements notices.Ledger.
func (s *Store) Observe(ctx context.Context, now time.Time) (notices.Observation, error) {
	lanes, err := s.observeLanes(ctx, now)
	if err != nil {
		return notices.Observation{}, fmt.Errorf("read lanes: %w", err)
	}
	expiring, uncounted := s.observeExpiring(ctx, now, countPage)
	if uncounted != nil {
		uncounted = fmt.Errorf("count expiring events: %w", uncounted)
	}
	var rows []conditionRow
	if err := s.read.NewSelect().Model(&rows).Order("account_id", "kind", "cause").Scan(ctx); err != nil {
		return notices.Observation{}, fmt.Errorf("read conditions: %w", err)
	}
	open := make([]notices.Condition, len(rows))
	for i, r := range rows {
		open[i] = notices.Condition{Kind: notices.Kind(r.Kind), Account: r.AccountID, Cause: r.Cause}
	}
	return notices.Observation{Lanes: lanes, Expiring: expiring, Uncounted: uncounted, Open: open}, nil
}

// RecordChange implements notices.Ledger.
func (s *Store) RecordChange(ctx context.Context, c notices.Change) (recorded bool, err error) {
	rows := make([]noticeRow, len(c.Notices))
	for i, n := range c.Notices {
		rows[i] = noticeRowOf(n)
	}
	err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		recorded = false
		q := tx.NewRaw("INSERT INTO conditions (account_id, kind, cause, since) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
			c.Account, c.Kind, c.Cause, micros(c.At))
		if c.Ended {
			q = tx.NewRaw("DELETE FROM conditions WHERE account_id = ? AND kind = ? AND cause = ?", c.Account, c.Kind, c.Cause)
		}
		res, err := q.Exec(ctx)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil || n == 0 {
			return err
		}
		recorded = true
		return insert(ctx, tx, rows, "")
	})
	return recorded && err == nil, err
}

// DueNotices implements notices.Outbox.
func (s *Store) DueNotices(ctx context.Context, receiver string, now time.Time, limit int) ([]notices.Notice, error) {
	var rows []noticeRow
	err := s.read.NewSelect().Model(&rows).Where("receiver = ? AND state = 'queued' AND due_at <= ?", receiver, micros(now)).
		Order("due_at", "id").Limit(int64(limit)).Scan(ctx)
	return noticesOf(rows), err
}

// TakeNotice implements notices.Outbox: of two nodes that read the same number of tries, one counts the next.
func (s *Store) TakeNotice(ctx context.Context, n notices.Notice, until time.Time) (bool, error) {
	res, err := s.write.NewRaw(`
UPDATE notices SET attempts = attempts + 1, due_at = ? WHERE account_id = ? AND id = ? AND state = 'queued' AND attempts = ?`,
		micros(until), n.Account, n.ID[:], n.Attempts).Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("take notice %s: %w", n.ID, err)
	}
	changed, err := res.RowsAffected()
	return changed == 1, err
}

// SettleNotice implements notices.Outbox. It changes nothing where a later try was taken meanwhile.
func (s *Store) SettleNotice(ctx context.Context, n notices.Notice) error {
	_, err := s.write.NewRaw(`
UPDATE notices SET state = ?, due_at = ?, http_status = ?, words = ?, ended_at = ?
WHERE account_id = ? AND id = ? AND state = 'queued' AND attempts = ?`,
		n.State, micros(n.Due), n.HTTPStatus, n.Words, micros(n.EndedAt), n.Account, n.ID[:], n.Attempts).Exec(ctx)
	if err != nil {
		return fmt.Errorf("settle notice %s: %w", n.ID, err)
	}
	return nil
}

// Notices lists notices of one state, or of all, newest first.
func (s *Store) Notices(ctx context.Context, state notices.State, limit int) ([]notices.Notice, error) {
	var rows []noticeRow
	q := s.read.NewSelect().Model(&rows).Order("id DESC").Limit(int64(limit))
	if state != "" {
		q = q.Where("state = ?", state)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("list notices: %w", err)
	}
	return noticesOf(rows), nil
}

// oldNotices are notices that reached their end. One that is due for longer than all its tries take has
// reached it too: its receiver is in nobody's settings any more.
func oldNotices(before time.Time) recorded {
	const tries = 4 * 24 * time.Hour
	return recorded{
		table: "notices", id: "id", also: "(state <> 'queued' OR due_at < ?)", args: []any{micros(before.Add(-tries))},
		most: pruneBatch, remove: deleteRows,
	}
}
