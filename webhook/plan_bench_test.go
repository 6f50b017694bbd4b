package webhook

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
)

// BenchmarkPlan plans batches of 100 messages, each in its own conversation, and tells the ring of them: of
// messages that no rule fits, that once blocks, and that make an event. It reports the time per message.
func BenchmarkPlan(b *testing.B) {
	for name, text := range map[string]string{"no match": "bom dia, tudo bem?", "blocked": "quanto custa o azul?", "an event": "paguei R$ 5,00"} {
		b.Run(name, func(b *testing.B) {
			s := newScene(b, account.LastClick)
			var batch []*attribution.Arrival
			snap := &attribution.Snapshot{Now: s.now}
			for i := range 100 {
				s.thread = &attribution.Thread{Account: "shop", Number: "700", IDs: []uuid.UUID{s.planner.NewID()}}
				clicked := s.said(5, "quanto custa?", fmt.Sprintf("c%d", i))
				s.plan(clicked)
				batch = append(batch, s.said(1, text, ""))
				snap.Threads = append(snap.Threads, s.thread)
			}
			in := Intake{}
			b.ReportAllocs()
			for b.Loop() {
				again := *snap
				again.Fresh = batch
				changes, err := s.planner.Plan(&again, s.known)
				if err != nil {
					b.Fatal(err)
				}
				in.ring.committed(&again, changes, changes.New)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(batch)), "ns/message")
		})
	}
}
