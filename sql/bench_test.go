package sql

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/capi"
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
		_, _, err := s.Record(b.Context(), now, batch, func(snap *attribution.Snapshot, _ []forwarder.Delivery) (forwarder.Changes, error) {
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
			return forwarder.Changes{New: list}, nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(messages)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkDrain claims and settles a backlog in batches of 1,000, without sending anything. It reports
// events per second.
func BenchmarkDrain(b *testing.B) {
	for name, open := range map[string]func() string{
		"sqlite":   func() string { return "sqlite:" + filepath.Join(b.TempDir(), "clickthread.db") },
		"postgres": func() string { return pgtest.Shared(b).Database(b) },
	} {
		b.Run(name, func(b *testing.B) { drainBacklog(b, open()) })
	}
}

func drainBacklog(b *testing.B, url string) {
	s, err := Open(b.Context(), Options{URL: url, Node: "bench", Exclusive: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	now := time.Now().UTC()
	events := 0
	for b.Loop() {
		b.StopTimer()
		storeBacklog(b, s, now, capi.MaxBatch)
		b.StartTimer()
		call, err := s.Claim(b.Context(), forwarder.Claim{
			Account: "shop", Node: "bench", Now: now, Lease: time.Minute, Max: capi.MaxBatch, Unknown: account.Resend,
		})
		if err != nil {
			b.Fatal(err)
		}
		n, err := s.Settle(b.Context(), call, forwarder.Settlement{Outcome: forwarder.Accepted, HTTPStatus: 200, To: forwarder.Sent, EndedAt: now})
		if err != nil || n != capi.MaxBatch {
			b.Fatalf("settled %d: %v", n, err)
		}
		events += n
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}

func storeBacklog(b *testing.B, s *Store, now time.Time, n int) {
	rows := make([]deliveryRow, n)
	payload := fmt.Appendf(nil, `{"event_name":"Purchase","padding":"%0400d"}`, 0)
	for i := range rows {
		id, at := newID(), micros(now)
		rows[i] = deliveryRow{
			AccountID: "shop", ID: id[:], Status: "queued", EventID: id.String()[:26], EventName: "Purchase", EventAt: at,
			Payload: payload, ClaimKey: id.String(), ConversationID: id[:], TriggerID: id[:], Rule: "paid", DatasetID: "900",
			DueAt: at, CreatedAt: at, UpdatedAt: at, ClickedAt: at, Why: "said paid", Clid: fmt.Sprintf("%0120d", i),
		}
	}
	if err := insert(b.Context(), s.write, rows, ""); err != nil {
		b.Fatal(err)
	}
	if err := insert(b.Context(), s.write, []laneRow{{AccountID: "shop"}}, "CONFLICT DO NOTHING"); err != nil {
		b.Fatal(err)
	}
}
