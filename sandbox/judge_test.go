package sandbox

import (
	"strings"
	"testing"

	"github.com/clickthread/clickthread/capi"
)

func BenchmarkJudge(b *testing.B) {
	g := strictGraph()
	sale := string(capi.Event{
		Name: "Purchase", Time: now, ID: "01999999-7000-7000-8000-000000000001", WABAID: "300100200300400", ClickID: "Afe-1",
		Value: capi.Money{Minor: 129990, Currency: "BRL"}, ContentIDs: []string{"SKU-1"},
	}.JSON())
	body := []byte(`{"data":[` + strings.TrimSuffix(strings.Repeat(sale+",", capi.MaxBatch), ",") + `]}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, no := g.world.judge(body, now); no != nil {
			b.Fatal(no.words)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/capi.MaxBatch, "ns/event")
}
