package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/sql"
	"github.com/clickthread/clickthread/whatsapp"
)

// prefillBatch is how many conversations one transaction makes: as many as PostgreSQL records well
// within the time that a transaction may take.
const prefillBatch = 2000

// prefill makes the tables of a database and writes n conversations straight into them, each begun by
// an ad click within the last six days. They are those of shoppers 0 to n-1.
func prefill(ctx context.Context, url, run string, n int, tell func(done int)) (err error) {
	store, err := sql.Open(ctx, sql.Options{URL: url, Node: "bench"})
	if err != nil {
		return unreachable(err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	click := newTemplates().click
	for from := 0; from < n; from += prefillBatch {
		batch := make([]*attribution.Arrival, 0, prefillBatch)
		for i := from; i < min(from+prefillBatch, n); i++ {
			body := click.appendTo(nil, filling{
				waba: benchWABA, run: run, serial: int64(i), shopper: int64(i), text: hello,
				at: now().Add(-time.Duration(i%(6*24*60)) * time.Minute),
			})
			a, err := clickArrival(store, body)
			if err != nil {
				return err
			}
			batch = append(batch, a)
		}
		if _, _, err := store.Record(ctx, now(), batch, captureOnly); err != nil {
			return fmt.Errorf("prefill: %w", err)
		}
		tell(from + len(batch))
	}
	return nil
}

// clickArrival makes of a notification what the intake would make of it.
func clickArrival(store *sql.Store, body []byte) (*attribution.Arrival, error) {
	n, err := whatsapp.Decode(body)
	if err != nil {
		return nil, fmt.Errorf("read our own notification: %w", err)
	}
	m := n.Entries[0].Changes[0].Messages[0]
	return &attribution.Arrival{
		Account: benchAccount, Number: benchNumber, ID: uuid.Must(uuid.NewV7()), Key: store.Key(m.ID), Type: m.Type,
		From: attribution.Identity{WAID: m.WAID, UserID: m.UserID}, At: m.Timestamp, ReceivedAt: m.Timestamp, Body: m.Raw,
		Referral: &attribution.Click{
			ClickID: m.Referral.ClickID, AdID: m.Referral.SourceID, SourceType: m.Referral.SourceType,
			SourceURL: m.Referral.SourceURL, Headline: m.Referral.Headline,
		},
	}, nil
}

// captureOnly is a plan without rules: a greeting fires none.
func captureOnly(snap *attribution.Snapshot) ([]forwarder.Delivery, error) {
	for _, a := range snap.Fresh {
		a.Thread.Capture(a)
	}
	return nil, nil
}
