package sql

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/forwarder"
)

// recorded is a table whose ids tell when a row was recorded, because a UUIDv7 begins with the time:
// it needs no index on time. It is walked account by account, also those that left the settings, and
// what goes is found outside the transaction that removes it.
type recorded struct {
	table string
	id    string    // column of the id
	after uuid.UUID // only rows with a greater id
	also  string    // what else has to hold, with the arguments args. Default: nothing.
	args  []any
	most  int // rows of one transaction

	// remove does to the rows that were found what "prune" means for them.
	remove func(ctx context.Context, tx bun.Tx, r recorded, account string, ids [][]byte) error
}

// idAt is the least id of a time: what was recorded earlier has a lesser one.
func idAt(t time.Time) uuid.UUID {
	var id uuid.UUID
	if ms := t.UnixMilli(); ms > 0 {
		binary.BigEndian.PutUint64(id[:], uint64(ms)<<16)
	}
	return id
}

// count walks like prune, because a count of millions in one statement outlasts a statement's time.
func (r recorded) count(ctx context.Context, s *Store, before time.Time) (int, error) {
	const page = 10_000
	return r.eachAccount(ctx, s, func(account string) (total int, err error) {
		for after := r.after; ; {
			ids, err := r.find(ctx, s, account, after, before, page)
			total += len(ids)
			if err != nil || len(ids) < page {
				return total, err
			}
			after = asUUID(ids[len(ids)-1])
		}
	})
}

func (r recorded) prune(ctx context.Context, s *Store, before time.Time) (int, error) {
	return r.eachAccount(ctx, s, func(account string) (int, error) {
		after := r.after
		return s.sweep(ctx, r.most, func(ctx context.Context) (int, error) {
			ids, err := r.find(ctx, s, account, after, before, r.most)
			if err != nil || len(ids) == 0 {
				return 0, err
			}
			after = asUUID(ids[len(ids)-1])
			return len(ids), s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
				return r.remove(ctx, tx, r, account, ids)
			})
		})
	})
}

// find reads the ids of the oldest rows, oldest first.
func (r recorded) find(ctx context.Context, s *Store, account string, after uuid.UUID, before time.Time, limit int) (ids [][]byte, err error) {
	args := append([]any{account, after[:], idBytes(before)}, r.args...)
	err = s.read.NewRaw("SELECT "+r.id+" FROM "+r.table+
		" WHERE account_id = ? AND "+r.id+" > ? AND "+r.id+" < ?"+r.and()+
		" ORDER BY "+r.id+" LIMIT ?", append(args, limit)...).Scan(ctx, &ids)
	return ids, err
}

func idBytes(t time.Time) []byte {
	id := idAt(t)
	return id[:]
}

func (r recorded) and() string {
	if r.also == "" {
		return ""
	}
	return " AND " + r.also
}

// these is the rest of a statement for the rows that were found, if they are still as they were.
func (r recorded) these(account string, ids [][]byte) (where string, args []any) {
	return " WHERE account_id = ? AND " + r.id + " IN (?)" + r.and(), append([]any{account, bun.List(ids)}, r.args...)
}

// eachAccount adds up what do did for every account that has rows in the table. It skips along the
// primary key from account to account.
func (r recorded) eachAccount(ctx context.Context, s *Store, do func(account string) (int, error)) (total int, err error) {
	for account := ""; ; {
		err := s.read.NewRaw("SELECT coalesce(min(account_id), '') FROM "+r.table+" WHERE account_id > ?", account).Scan(ctx, &account)
		if err != nil || account == "" {
			return total, err
		}
		n, err := do(account)
		total += n
		if err != nil {
			return total, fmt.Errorf("account %s: %w", account, err)
		}
	}
}

// deleteRows removes the rows.
func deleteRows(ctx context.Context, tx bun.Tx, r recorded, account string, ids [][]byte) error {
	where, args := r.these(account, ids)
	_, err := tx.NewRaw("DELETE FROM "+r.table+where, args...).Exec(ctx)
	return err
}

// oldMessages are messages.
func oldMessages() recorded {
	return recorded{table: "messages", id: "id", most: pruneBatch, remove: deleteRows}
}

// oldCalls are calls that are settled: an open one is work (ledger 22).
type oldCalls struct{ recorded }

func newOldCalls() oldCalls {
	return oldCalls{recorded{table: "calls", id: "id", also: "outcome <> 'open'", most: pruneBatch, remove: deleteRows}}
}

// prune also removes the attempts that point to calls of that age. They are no rows that people know.
func (c oldCalls) prune(ctx context.Context, s *Store, before time.Time) (int, error) {
	n, err := c.recorded.prune(ctx, s, before)
	if err != nil {
		return n, err
	}
	attempts := recorded{
		table: "attempts", id: "delivery_id", also: "call_id < ?", args: []any{idBytes(before)}, most: pruneBatch, remove: deleteRows,
	}
	_, err = attempts.prune(ctx, s, before)
	return n, err
}

// oldDeliveries are deliveries that reached their end, with their claims. One that is held has reached
// it too by then: Meta takes nothing that is older than 7 days.
func oldDeliveries(before time.Time) recorded {
	return recorded{
		table: "deliveries", id: "id", also: "status IN (?) AND updated_at < ?",
		args: []any{bun.List([]forwarder.Status{
			forwarder.Sent, forwarder.Held, forwarder.Rejected, forwarder.Expired, forwarder.Cancelled, forwarder.Skipped,
		}), micros(before)},
		most: pruneBatch / 2, // each has a claim
		remove: func(ctx context.Context, tx bun.Tx, r recorded, account string, ids [][]byte) error {
			where, args := r.these(account, ids)
			var gone []deliveryRow
			err := tx.NewRaw("DELETE FROM deliveries"+where+" RETURNING id, claim_key", args...).Scan(ctx, &gone)
			if err != nil || len(gone) == 0 {
				return err
			}
			return deleteClaims(ctx, tx, account, gone)
		},
	}
}

// deleteClaims removes what deliveries leave behind: their claims, unless another delivery has taken
// them since, and the calls that they remember.
func deleteClaims(ctx context.Context, tx bun.Tx, account string, gone []deliveryRow) error {
	ids, keys := make([][]byte, len(gone)), make([]string, len(gone))
	for i, d := range gone {
		ids[i], keys[i] = d.ID, d.ClaimKey
	}
	_, err := tx.NewRaw("DELETE FROM claims WHERE account_id = ? AND key IN (?) AND delivery_id IN (?)",
		account, bun.List(keys), bun.List(ids)).Exec(ctx)
	if err != nil {
		return err
	}
	_, err = tx.NewRaw("DELETE FROM attempts WHERE account_id = ? AND delivery_id IN (?)", account, bun.List(ids)).Exec(ctx)
	return err
}
