package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/sql"
	"github.com/clickthread/clickthread/whatsapp"
)

// prefillBatch is how many conversations or deliveries one transaction makes: as many as PostgreSQL
// writes well within the time that a transaction may take, also while it is busy with a checkpoint.
const prefillBatch = 1000

// history is what a shop's database holds before it is measured: n conversations, of shoppers 0 to n-1,
// each begun by an ad click.
type history struct {
	shop shop
	run  string
	n    int
	ago  time.Duration // when all of it was recorded; the clicks are of the six days before
}

// write writes the conversations straight into the tables.
func (h history) write(ctx context.Context, store *sql.Store, tell func(done, of int)) error {
	template := newTemplates().click
	for from := 0; from < h.n; from += prefillBatch {
		present := now().Add(-h.ago)
		batch := make([]*attribution.Arrival, 0, prefillBatch)
		for i := from; i < min(from+prefillBatch, h.n); i++ {
			body := template.appendTo(nil, filling{
				waba: h.shop.waba, run: h.run, serial: int64(i), shopper: int64(i), text: hello,
				at: present.Add(-time.Duration(i%(6*24*60)) * time.Minute),
			})
			a, err := clickArrival(store, h.shop, body)
			if err != nil {
				return err
			}
			a.ID = earlier(a.ID, h.ago)
			batch = append(batch, a)
		}
		if _, _, err := store.Record(ctx, present, batch, captureOnly); err != nil {
			return fmt.Errorf("prepare the database: %w", err)
		}
		tell(from+len(batch), h.n)
	}
	return nil
}

// earlier is an id as it would have been made some time ago: a UUIDv7 begins with its time in
// milliseconds.
func earlier(id uuid.UUID, ago time.Duration) uuid.UUID {
	first := binary.BigEndian.Uint64(id[:8]) - uint64(ago.Milliseconds())<<16
	binary.BigEndian.PutUint64(id[:8], first)
	return id
}

// clickArrival makes of a notification what the intake would make of it.
func clickArrival(store *sql.Store, s shop, body []byte) (*attribution.Arrival, error) {
	n, err := whatsapp.Decode(body)
	if err != nil {
		return nil, fmt.Errorf("read our own notification: %w", err)
	}
	m := n.Entries[0].Changes[0].Messages[0]
	return &attribution.Arrival{
		Account: s.account, Number: shopNumber, ID: uuid.Must(uuid.NewV7()), Key: store.Key(m.ID), Type: m.Type,
		From: attribution.Identity{WAID: m.WAID, UserID: m.UserID}, At: m.Timestamp, ReceivedAt: m.Timestamp, Body: m.Raw,
		Referral: &attribution.Click{
			ClickID: m.Referral.ClickID, AdID: m.Referral.SourceID, SourceType: m.Referral.SourceType,
			SourceURL: m.Referral.SourceURL, Headline: m.Referral.Headline,
		},
	}, nil
}

// captureOnly is a plan without rules: a greeting fires none.
func captureOnly(snap *attribution.Snapshot, _ []forwarder.Delivery) (forwarder.Changes, error) {
	for _, a := range snap.Fresh {
		a.Thread.Capture(a)
	}
	return forwarder.Changes{}, nil
}
