package sql

import (
	"context"
	"time"

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

var putClicks = put[clickRow]{"put_clicks", "CONFLICT (account_id, conversation_id, id) DO UPDATE SET clicked_at = excluded.clicked_at", "", onBoth}

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

// WhoClicked finds who came by a click, given Meta's id for it: a name that the person had at a time, and
// the business number. It is not ok where no such click is known. Where several conversations hold it,
// as after a forwarded link, the first one counts.
func (s *Store) WhoClicked(ctx context.Context, accountID, clickID string, at time.Time) (who attribution.Identity, number string, ok bool, err error) {
	var rows []struct{ Kind, Value, NumberID string }
	err = s.read.NewRaw(`
SELECT a.kind, a.value, k.number_id FROM clicks c
JOIN conversations k ON k.account_id = c.account_id AND k.id = c.conversation_id
JOIN contacts p ON p.account_id = k.account_id AND p.id = k.contact_id
JOIN aliases a ON a.account_id = p.account_id AND a.contact_id = p.merged_into
WHERE c.account_id = ? AND c.clid = ? AND c.clid <> '' AND a.from_at <= ? AND (a.to_at = 0 OR a.to_at > ?)
ORDER BY c.clicked_at, c.id, a.kind LIMIT 1`, accountID, clickID, micros(at), micros(at)).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return who, "", false, err
	}
	if who.WAID = rows[0].Value; rows[0].Kind == string(attribution.UserID) {
		who = attribution.Identity{UserID: rows[0].Value}
	}
	return who, rows[0].NumberID, true, nil
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
