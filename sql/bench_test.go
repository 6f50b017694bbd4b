package sql

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/internal/pgtest"
)

// BenchmarkRecord records batches of 64 messages: a third of them of people nobody knew, one in ten an
// ad click, one in ten an event. It reports messages per second.
func BenchmarkRecord(b *testing.B) {
	for name, open := range map[string]func() string{
		"sqlite":   func() string { return "sqlite:" + filepath.Join(b.TempDir(), "clickthread.db") },
		"postgres": func() string { return pgtest.Shared(b).Database(b) },
	} {
		b.Run(name, func(b *testing.B) { recordBatches(b, open()) })
	}
}

func recordBatches(b *testing.B, url string) {
	s, err := Open(b.Context(), Options{URL: url, Node: "bench", Exclusive: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	const size = 32
	now := time.Now().UTC()
	body := fmt.Appendf(nil, `{"id":"wamid.x","type":"text","text":{"body":"%0600d"}}`, 0)
	messages := 0
	for b.Loop() {
		batch := make([]*attribution.Arrival, size)
		for i := range batch {
			messages++
			person := messages / 3
			batch[i] = &attribution.Arrival{
				Account: "shop", Number: "700", ID: newID(), Key: s.Key(fmt.Sprint(messages)), Type: "text",
				From: attribution.Identity{WAID: fmt.Sprintf("55119%08d", person), UserID: fmt.Sprintf("BR.%d", person)},
				At:   now, ReceivedAt: now, Body: body,
			}
			if i%10 == 0 {
				batch[i].Referral = &attribution.Click{ClickID: fmt.Sprintf("Afe-click-id-of-realistic-length-%090d", messages), AdID: "120210000000000001"}
			}
		}
		_, _, err := s.Record(b.Context(), now, batch, func(snap *attribution.Snapshot) ([]forwarder.Delivery, error) {
			var list []forwarder.Delivery
			for i, a := range snap.Fresh {
				if a.Referral != nil {
					a.Thread.Capture(a)
				}
				if i%10 == 1 {
					d := (&ledger{now: now}).delivery(fmt.Sprintf("per_click:rule:%s", a.ID), a)
					list = append(list, d)
				}
			}
			return list, nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(messages)/b.Elapsed().Seconds(), "messages/s")
}
