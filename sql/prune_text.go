package sql

import (
	"bytes"
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// oldTexts are the bodies of messages that stay. What is cleared already may be far more than what is
// not, so a pruning remembers how far it came and the next one begins there.
type oldTexts struct{ recorded }

// late is how much later than its id says a message may be committed: nodes' clocks differ.
const late = time.Hour

func newOldTexts(messages time.Time) oldTexts {
	return oldTexts{recorded{
		table: "messages", id: "id", after: idAt(messages), also: "body IS NOT NULL", most: pruneBatch, remove: clearBodies,
	}}
}

func clearBodies(ctx context.Context, tx bun.Tx, r recorded, account string, ids [][]byte) error {
	where, args := r.these(account, ids)
	_, err := tx.NewRaw("UPDATE messages SET body = NULL"+where, args...).Exec(ctx)
	return err
}

func (t oldTexts) count(ctx context.Context, s *Store, before time.Time) (int, error) {
	left, err := t.left(ctx, s)
	if err != nil {
		return 0, err
	}
	return left.count(ctx, s, before)
}

func (t oldTexts) prune(ctx context.Context, s *Store, before time.Time) (int, error) {
	left, err := t.left(ctx, s)
	if err != nil {
		return 0, err
	}
	n, err := left.prune(ctx, s, before)
	if err != nil {
		return n, err
	}
	_, err = s.write.NewRaw(`
INSERT INTO installation (name, value) VALUES ('texts_cleared', ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value`, idBytes(before.Add(-late))).Exec(ctx)
	if err != nil {
		return n, fmt.Errorf("remember how far texts are cleared: %w", err)
	}
	return n, nil
}

// left is what an earlier pruning has not been over.
func (t oldTexts) left(ctx context.Context, s *Store) (recorded, error) {
	var cleared []byte
	err := s.read.NewRaw("SELECT value FROM installation WHERE name = 'texts_cleared'").Scan(ctx, &cleared)
	if err != nil && !errors.Is(err, stdsql.ErrNoRows) {
		return recorded{}, fmt.Errorf("read how far texts are cleared: %w", err)
	}
	left := t.recorded
	if bytes.Compare(cleared, left.after[:]) > 0 {
		left.after = asUUID(cleared)
	}
	return left, nil
}
