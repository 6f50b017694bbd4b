package sql

import (
	"context"

	"github.com/uptrace/bun"

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

var putClicks = put[clickRow]{"put_clicks", "CONFLICT (account_id, conversation_id, id) DO UPDATE SET clicked_at = excluded.clicked_at", ""}

func (r clickRow) click() attribution.Click {
	return attribution.Click{
		ID: asUUID(r.ID), Conversation: asUUID(r.ConversationID), ClickID: r.Clid, AdID: r.AdID,
		SourceType: r.SourceType, SourceURL: r.SourceURL, Headline: r.Headline,
		At: fromMicros(r.ClickedAt), ReceivedAt: fromMicros(r.ReceivedAt),
	}
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
	return putClicks.add(ctx, w, rows)
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
