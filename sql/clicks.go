package sql

import (
	"context"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/clickthread/clickthread/attribution"
)

type clickRow struct {
	bun.BaseModel `bun:"table:clicks"`

	AccountID      string
	ConversationID []byte
	ID             []byte
	Clid           string
	AdID           string
	SourceType     string
	SourceURL      string
	Headline       string
	ClickedAt      int64
	ReceivedAt     int64
}

func (r clickRow) click() attribution.Click {
	return attribution.Click{
		ID: asUUID(r.ID), Conversation: asUUID(r.ConversationID), ClickID: r.Clid, AdID: r.AdID,
		SourceType: r.SourceType, SourceURL: r.SourceURL, Headline: r.Headline,
		At: fromMicros(r.ClickedAt), ReceivedAt: fromMicros(r.ReceivedAt),
	}
}

func loadClicks(ctx context.Context, tx bun.Tx, where schema.QueryAppender, owner map[string]*attribution.Thread) error {
	var rows []clickRow
	if err := tx.NewSelect().Model(&rows).Where("(account_id, conversation_id) IN (?)", where).Scan(ctx); err != nil {
		return err
	}
	for _, r := range rows {
		t := owner[r.AccountID+string(r.ConversationID)]
		t.Clicks = append(t.Clicks, r.click())
	}
	return nil
}

func writeClicks(ctx context.Context, w *script, threads []*attribution.Thread) error {
	var rows []clickRow
	for _, t := range threads {
		for _, c := range t.Captured {
			rows = append(rows, clickRow{
				AccountID: t.Account, ConversationID: c.Conversation[:], ID: c.ID[:], Clid: c.ClickID, AdID: c.AdID,
				SourceType: c.SourceType, SourceURL: c.SourceURL, Headline: c.Headline,
				ClickedAt: micros(c.At), ReceivedAt: micros(c.ReceivedAt),
			})
		}
	}
	return addInsert(ctx, w, rows, "CONFLICT (account_id, conversation_id, id) DO UPDATE SET clicked_at = excluded.clicked_at")
}

// Clicks lists an account's clicks, newest first.
func (s *Store) Clicks(ctx context.Context, accountID string) ([]attribution.Click, error) {
	var rows []clickRow
	err := s.read.NewSelect().Model(&rows).Where("account_id = ?", accountID).
		Order("clicked_at DESC", "id DESC").Limit(1000).Scan(ctx)
	clicks := make([]attribution.Click, len(rows))
	for i, r := range rows {
		clicks[i] = r.click()
	}
	return clicks, err
}
