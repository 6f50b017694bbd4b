package sql

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/attribution"
)

type quarantineRow struct {
	bun.BaseModel `bun:"table:quarantine"`

	Digest     []byte
	ReceivedAt int64
	Reason     string
	WABAID     string `bun:"waba_id"`
	Detail     string
	Tries      int
	Body       []byte
}

// MaxQuarantine is how many bytes of bodies the quarantine keeps; the oldest go first (ledger 4).
const MaxQuarantine = 256 << 20

// Quarantine keeps what could not be recorded, all of it in one statement, and each body once however often it
// is sent; why is the newest.
func (s *Store) Quarantine(ctx context.Context, list []attribution.Unrecorded) error {
	at := map[[sha256.Size]byte]int{}
	var rows []quarantineRow
	for _, u := range list {
		digest := sha256.Sum256(u.Body)
		row := quarantineRow{Digest: digest[:], ReceivedAt: micros(u.ReceivedAt), Reason: u.Reason, WABAID: u.WABA, Detail: u.Detail, Body: u.Body}
		if i, twice := at[digest]; twice {
			rows[i] = row
			continue
		}
		at[digest] = len(rows)
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b quarantineRow) int { return bytes.Compare(a.Digest, b.Digest) }) // two nodes lock in one order
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return insert(ctx, tx, rows, `CONFLICT (digest) DO UPDATE SET
		reason = excluded.reason, waba_id = excluded.waba_id, detail = excluded.detail, tries = quarantine_row.tries + 1`)
	})
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	return nil
}

// CapQuarantine removes the oldest bodies where all together are too large, and returns how many (ledger 4).
func (s *Store) CapQuarantine(ctx context.Context) (int, error) {
	return s.capQuarantine(ctx, MaxQuarantine, 10_000)
}

// capQuarantine adds up from the newest, a page at a time, until it is enough.
func (s *Store) capQuarantine(ctx context.Context, limit int64, page int) (int, error) {
	last := quarantineRow{ReceivedAt: math.MaxInt64, Digest: []byte{}}
	for total := int64(0); ; {
		var rows []struct {
			Digest     []byte
			ReceivedAt int64
			Size       int64
		}
		err := s.read.NewRaw(`
SELECT digest, received_at, length(body) AS size FROM quarantine WHERE (received_at, digest) < (?, ?) ORDER BY received_at DESC, digest DESC LIMIT ?`,
			last.ReceivedAt, last.Digest, page).Scan(ctx, &rows)
		if err != nil {
			return 0, fmt.Errorf("add up the quarantine: %w", err)
		}
		for _, r := range rows {
			if total += r.Size; total > limit {
				return s.dropQuarantine(ctx, r.ReceivedAt, r.Digest)
			}
			last.ReceivedAt, last.Digest = r.ReceivedAt, r.Digest
		}
		if len(rows) < page {
			return 0, nil
		}
	}
}

// dropQuarantine removes a body and what is older, a batch at a time: webhooks go first (ledger 2).
func (s *Store) dropQuarantine(ctx context.Context, receivedAt int64, digest []byte) (int, error) {
	const batch = 20 // of bodies up to 4 MiB
	total := 0
	for {
		begin := time.Now()
		res, err := s.write.NewRaw(`
DELETE FROM quarantine WHERE digest IN (
    SELECT digest FROM quarantine WHERE (received_at, digest) <= (?, ?) ORDER BY received_at, digest LIMIT ?)`,
			receivedAt, digest, batch).Exec(ctx)
		if err != nil {
			return total, fmt.Errorf("cap quarantine: %w", err)
		}
		n, err := res.RowsAffected()
		total += int(n)
		if err != nil || n < batch {
			return total, err
		}
		if err := rest(ctx, pruneRest*time.Since(begin)); err != nil {
			return total, err
		}
	}
}

// Replay gives fn every body that waits for one reason and WABA, oldest first, with the time it was
// received, and takes it out of quarantine when fn returns nil and did not put it back. It stops at
// the first error and returns how many were taken out.
func (s *Store) Replay(ctx context.Context, reason, waba string, fn func(receivedAt time.Time, body []byte) error) (int, error) {
	const page = 100
	total := 0
	last := quarantineRow{Digest: []byte{}}
	for {
		var rows []quarantineRow
		err := s.read.NewSelect().Model(&rows).Where("reason = ? AND waba_id = ?", reason, waba).
			Where("(received_at, digest) > (?, ?)", last.ReceivedAt, last.Digest).
			Order("received_at", "digest").Limit(page).Scan(ctx)
		if err != nil || len(rows) == 0 {
			return total, err
		}
		for _, r := range rows {
			if err := fn(fromMicros(r.ReceivedAt), r.Body); err != nil {
				return total, fmt.Errorf("replay from quarantine: %w", err)
			}
			res, err := s.write.NewDelete().Model(&r).Where("digest = ? AND tries = ?", r.Digest, r.Tries).Exec(ctx)
			if err != nil {
				return total, fmt.Errorf("release from quarantine: %w", err)
			}
			if n, err := res.RowsAffected(); err == nil {
				total += int(n)
			}
			last = r
		}
	}
}

// QuarantineCount counts what waits, by reason.
func (s *Store) QuarantineCount(ctx context.Context) (map[string]int64, error) {
	var rows []struct {
		Reason string
		N      int64
	}
	if err := s.read.NewRaw("SELECT reason, count(*) AS n FROM quarantine GROUP BY reason").Scan(ctx, &rows); err != nil {
		return nil, err
	}
	counts := map[string]int64{}
	for _, r := range rows {
		counts[r.Reason] = r.N
	}
	return counts, nil
}
