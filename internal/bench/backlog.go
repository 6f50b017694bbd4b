package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/sql"
)

// The backlog: after an outage one account has very many events queued. How fast do they reach Meta,
// and what do the other accounts notice of it?

const (
	neighbours      = 5                     // accounts that go on selling meanwhile
	neighbourClicks = 20                    // conversations that each has
	neighbourPace   = 50 * time.Millisecond // between their sales, over all of them
	neighbourSales  = 20                    // that there are at least, however soon the backlog is gone
)

// measureBacklog queues the backlog, starts a server, and watches both.
func (o Options) measureBacklog(ctx context.Context, r *Report) (err error) {
	s, err := o.newStage(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.clear()) }()
	all := shops(1 + neighbours)
	err = s.fill(ctx, func(store *sql.Store) error {
		for _, neighbour := range all[1:] {
			past := history{shop: neighbour, run: s.run, n: neighbourClicks}
			if err := past.write(ctx, store, func(int, int) {}); err != nil {
				return err
			}
		}
		return queue(ctx, store, all[0], s.run, o.Backlog, o.every("backlog"))
	})
	if err != nil {
		return err
	}
	meta := newTally(o.Backlog)
	if err := s.start(ctx, meta, true, serverKind{storage: RealStorage, connections: neighbours, shops: all, profile: o.profile("backlog")}); err != nil {
		return err
	}
	f, err := o.drain(ctx, s, meta, all[1:])
	if err != nil {
		return err
	}
	r.Measurements = append(r.Measurements, f)
	r.compareBacklog(f)
	return s.stop()
}

// drain lets the neighbours sell until the backlog is at Meta.
func (o Options) drain(ctx context.Context, s *stage, meta *tally, sellers []shop) (f Figures, err error) {
	l := o.newLoad(s.server.url, s.run)
	l.mix, l.connections, l.pace, l.wabas = "sales", neighbours, neighbourPace, nil
	for _, seller := range sellers {
		l.wabas = append(l.wabas, seller.waba)
	}
	l.know(neighbourClicks)
	l.serial.Store(int64(o.Backlog)) // the message ids before are taken
	l.cents.Store(int64(o.Backlog))

	drained := make(chan struct{})
	l.done = drained
	watching, unwatch := context.WithCancel(ctx)
	defer unwatch()
	go func() {
		defer close(drained)
		_ = meta.await(watching, func(backlog, _ int) bool {
			return backlog >= o.Backlog && l.answered.Load() >= neighbourSales
		}) // an end before the end is seen below
	}()
	var used use
	tick := func(time.Duration, int64) {
		backlog, _ := meta.got()
		o.Tell(fmt.Sprintf("backlog: %s of %s events at Meta", thousands(float64(backlog), 0), thousands(float64(o.Backlog), 0)))
	}
	out, err := l.send(ctx, 0, untilDone, tick, func() (err error) {
		used, err = useOf(s.server.cmd.Process.Pid)
		return err
	})
	if err != nil {
		return f, err
	}
	if err := meta.await(ctx, func(_, sales int) bool { return sales >= len(out.sales) }); err != nil {
		return f, err
	}
	f = newFigures(phase{name: "clickthread", storage: RealStorage, mix: l.mix}, l, out)
	f.Startup, f.PeakMemory, f.CPU = ms(s.server.startup), mib(used.peak), used.cpu.Seconds()
	f.addTally(meta, out.sales)
	return f, nil
}

// queue writes n payments of a shop that wait to be sent: with the amounts 1 to n in cents, of the last
// six days, a conversation to each transaction.
func queue(ctx context.Context, store *sql.Store, s shop, run string, n int, tell func(done, of int)) error {
	template := newTemplates().click
	for from := 0; from < n; from += prefillBatch {
		to := min(from+prefillBatch, n)
		a, err := clickArrival(store, s, template.appendTo(nil, filling{
			waba: s.waba, run: run, serial: int64(neighbourClicks + from), shopper: int64(from), text: hello, at: now().Add(-6 * 24 * time.Hour),
		}))
		if err != nil {
			return err
		}
		_, _, err = store.Record(ctx, now(), []*attribution.Arrival{a}, func(snap *attribution.Snapshot, known []forwarder.Delivery) (forwarder.Changes, error) {
			queued, err := captureOnly(snap, known)
			for i := from; i < to; i++ {
				queued.New = append(queued.New, queuedPayment(s, snap.Now, a, int64(i+1)))
			}
			return queued, err
		})
		if err != nil {
			return fmt.Errorf("queue the backlog: %w", err)
		}
		tell(to, n)
	}
	return nil
}

// queuedPayment is what the planner makes of a payment.
func queuedPayment(s shop, present time.Time, clicked *attribution.Arrival, cents int64) forwarder.Delivery {
	id := uuid.Must(uuid.NewV7())
	claim := "paid|" + id.String()
	d := forwarder.Delivery{
		Account: s.account, ID: id, Status: forwarder.Queued,
		EventID: forwarder.EventID(s.account, claim), EventName: "Purchase", Value: capi.Money{Minor: cents, Currency: "BRL"},
		EventAt: present.Add(-time.Duration(cents%(6*24*60)) * time.Minute),
		Claim:   claim, Conversation: clicked.Thread.IDs[0], Trigger: clicked.ID, Rule: "paid", RuleSet: "bench",
		Why: "customer_says matched", ClickID: clicked.Referral.ClickID, AdID: clicked.Referral.AdID, ClickAt: clicked.At,
		Dataset: s.dataset, Due: present, CreatedAt: present, UpdatedAt: present,
	}
	d.Payload = capi.Event{
		Name: d.EventName, Time: d.EventAt, ID: d.EventID, WABAID: s.waba, ClickID: d.ClickID, Value: d.Value,
	}.JSON()
	return d
}
