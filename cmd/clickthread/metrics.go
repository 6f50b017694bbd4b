package main

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/clickthread/clickthread/forwarder"
)

// metrics serves Prometheus. Labels are accounts, states, reasons and outcomes: never a phone, a
// message id or a click id.
func (a *app) metrics() http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), ledgerMetrics{a})
	door, sent := a.door, a.forward.Stats
	for _, c := range []struct {
		name, label, help string
		n                 *atomic.Int64
	}{
		{"webhooks_total", "accepted", "", &door.Notifications},
		{"webhooks_total", "bad_signature", "", &door.BadSignature},
		{"webhooks_total", "too_large", "", &door.TooLarge},
		{"webhooks_total", "not_stored", "", &door.Failed},
		{"webhooks_total", "busy", "", &door.Busy},
		{"messages_total", "new", "", &door.Messages},
		{"messages_total", "duplicate", "", &door.Duplicates},
		{"messages_total", "quarantined", "", &door.Quarantined},
		{"batches_total", "committed", "", &door.Batches},
		{"calls_total", "accepted", "", &sent.Accepted},
		{"calls_total", "failed", "", &sent.Failed},
		{"calls_total", "refused", "", &sent.Refused},
		{"calls_total", "throttled", "", &sent.Throttled},
		{"calls_total", "account_wrong", "", &sent.AccountWrong},
		{"calls_total", "unknown", "", &sent.Unknown},
		{"events_total", "sent", "", &sent.Sent},
		{"events_total", "expired", "", &sent.Expired},
	} {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "clickthread", Name: c.name, Help: help[c.name], ConstLabels: prometheus.Labels{"outcome": c.label},
		}, func() float64 { return float64(c.n.Load()) }))
	}
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "clickthread", Name: "stranded_matches", Help: "Unattributed matches beside a click that counts, as this node found when it last had the turn to look. Must be 0.",
	}, func() float64 { return float64(a.stranded.Load()) }))
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "clickthread", Name: "clock_jumped", Help: "1 while the wall clock is not believed, because it jumped.",
	}, func() float64 {
		if a.clock.Jumped() {
			return 1
		}
		return 0
	}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}) // one figure that cannot be read hides no other
}

var help = map[string]string{
	"webhooks_total": "Notifications at the door since the start, by outcome.",
	"messages_total": "Messages in accepted notifications since the start, by outcome.",
	"batches_total":  "Transactions that recorded notifications since the start.",
	"calls_total":    "Calls to Meta since the start, by outcome.",
	"events_total":   "Events that reached their end since the start, by outcome.",
}

// ledgerMetrics counts the ledger's rows when it is asked.
type ledgerMetrics struct{ app *app }

var (
	deliveriesDesc = prometheus.NewDesc("clickthread_deliveries", "Deliveries that are queued, sending, waiting or held, and matches that are unattributed, by account, state and reason.",
		[]string{"account", "status", "reason"}, nil)
	oldestDesc     = prometheus.NewDesc("clickthread_oldest_queued_seconds", "Age of the oldest queued delivery.", []string{"account"}, nil)
	countedDesc    = prometheus.NewDesc("clickthread_counted_total", "What is only counted, by account and kind: statuses, blocked and shadowed matches, unread fields.", []string{"account", "kind"}, nil)
	quarantineDesc = prometheus.NewDesc("clickthread_quarantine", "Bodies in quarantine by reason.", []string{"reason"}, nil)
	pausedDesc     = prometheus.NewDesc("clickthread_lane_paused", "1 while an account's sending rests, by cause.", []string{"account", "cause"}, nil)
	brokenDesc     = prometheus.NewDesc("clickthread_rules_broken", "1 while an account's rule files are broken on this node, and its last good rules stay in force.", []string{"account"}, nil)
	differDesc     = prometheus.NewDesc("clickthread_rule_sets_differ", "1 while running nodes have different rules in force for an account.", []string{"account"}, nil)
)

// Describe implements prometheus.Collector.
func (ledgerMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{deliveriesDesc, oldestDesc, countedDesc, quarantineDesc, pausedDesc, differDesc, brokenDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m ledgerMetrics) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second) // Prometheus gives up after 10
	defer cancel()
	for desc, collect := range map[*prometheus.Desc]func(context.Context, chan<- prometheus.Metric) error{
		deliveriesDesc: m.deliveries, countedDesc: m.counted, quarantineDesc: m.quarantine, pausedDesc: m.paused,
		differDesc: m.differ, brokenDesc: m.broken,
	} {
		if err := collect(ctx, ch); err != nil {
			ch <- prometheus.NewInvalidMetric(desc, err)
		}
	}
}

func gaugeOf(d *prometheus.Desc, n float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, n, labels...)
}

func (m ledgerMetrics) deliveries(ctx context.Context, ch chan<- prometheus.Metric) error {
	counts, err := m.app.store.OpenCounts(ctx)
	for _, c := range counts {
		ch <- gaugeOf(deliveriesDesc, float64(c.N), c.AccountID, c.Status, c.Reason)
		if c.Status == string(forwarder.Queued) {
			ch <- gaugeOf(oldestDesc, m.app.clock.Now().Sub(time.UnixMicro(c.Oldest)).Seconds(), c.AccountID)
		}
	}
	return err
}

func (m ledgerMetrics) counted(ctx context.Context, ch chan<- prometheus.Metric) error {
	counts, err := m.app.store.Counts(ctx)
	for c, n := range counts {
		ch <- prometheus.MustNewConstMetric(countedDesc, prometheus.CounterValue, float64(n), c.Account, c.Kind)
	}
	return err
}

func (m ledgerMetrics) quarantine(ctx context.Context, ch chan<- prometheus.Metric) error {
	counts, err := m.app.store.QuarantineCount(ctx)
	for why, n := range counts {
		ch <- gaugeOf(quarantineDesc, float64(n), why)
	}
	return err
}

func (m ledgerMetrics) paused(ctx context.Context, ch chan<- prometheus.Metric) error {
	lanes, err := m.app.store.PausedLanes(ctx, m.app.clock.Now())
	for _, l := range lanes {
		ch <- gaugeOf(pausedDesc, 1, l.Account, string(l.PauseCause))
	}
	return err
}

func (m ledgerMetrics) differ(ctx context.Context, ch chan<- prometheus.Metric) error {
	accounts, err := m.app.store.RuleSetsDiffer(ctx, m.app.clock.Now())
	for _, account := range accounts {
		ch <- gaugeOf(differDesc, 1, account)
	}
	return err
}

func (m ledgerMetrics) broken(_ context.Context, ch chan<- prometheus.Metric) error {
	for _, account := range m.app.rules.brokenAccounts() {
		ch <- gaugeOf(brokenDesc, 1, account)
	}
	return nil
}
