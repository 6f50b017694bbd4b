package sql

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/uptrace/bun"
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

// Quarantine keeps what could not be recorded, once however often it is sent; why is the newest.
func (s *Store) Quarantine(ctx context.Context, at time.Time, reason, waba, detail string, body []byte) error {
	digest := sha256.Sum256(body)
	row := quarantineRow{Digest: digest[:], ReceivedAt: micros(at), Reason: reason, WABAID: waba, Detail: detail, Body: body}
	if err := insert(ctx, s.write, []quarantineRow{row}, `CONFLICT (digest) DO UPDATE SET
		reason = excluded.reason, waba_id = excluded.waba_id, detail = excluded.detail, tries = quarantine_row.tries + 1`); err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	const every = 64 // the cap is looked at now and then: adding it all up at each row would cost more than it saves
	if s.quarantined.Add(1)%every != 0 {
		return nil
	}
	_ = s.capQuarantine(ctx, MaxQuarantine) // what came is stored; the cap is looked at again soon
	return nil
}

func (s *Store) capQuarantine(ctx context.Context, limit int64) error {
	_, err := s.write.ExecContext(ctx, `
DELETE FROM quarantine WHERE digest IN (
    SELECT digest FROM (
        SELECT digest, sum(length(body)) OVER (ORDER BY received_at DESC, digest) AS total FROM quarantine
    ) AS newest WHERE total > ?)`, limit)
	if err != nil {
		return fmt.Errorf("cap quarantine: %w", err)
	}
	return nil
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
