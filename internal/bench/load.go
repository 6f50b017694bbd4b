package bench

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clickthread/clickthread/webhook"
)

// The load: what bench's senders share. Each sends, waits for the answer, and sends again, as many as
// the server answers; so the rate is the server's, and a slow answer slows its own sender only.

// kind is what one webhook is.
type kind int

const (
	organic   kind = iota // a message that no rule listens to
	adClick               // the first message after an ad click
	sale                  // a payment, in a conversation with a click
	statuses              // what became of the shop's own message
	duplicate             // one that was answered 200 before
)

// pick draws what the next webhook is.
func pick(mix string, rng *rand.Rand) kind {
	switch mix {
	case "sales":
		return sale
	case "duplicates":
		return duplicate
	}
	switch n := rng.IntN(100); {
	case n < 55:
		return organic
	case n < 65:
		return adClick
	case n < 75:
		return sale
	case n < 95:
		return statuses
	}
	return duplicate
}

// load is one run of senders against one server.
type load struct {
	target      *url.URL // scheme and host
	secret      string
	wabas       []string // whom it is sent to, a connection to each in turn
	mix         string
	connections int
	prefilled   int64           // shoppers 0 to prefilled-1 are stored, each with a click
	pace        time.Duration   // from one webhook to the next, over all connections; 0: as fast as they are answered
	done        <-chan struct{} // closed: the measurement ends early. Default: it does not.

	templates templates
	run       string
	serial    atomic.Int64
	shoppers  atomic.Int64 // how many there are
	cents     atomic.Int64 // the last amount paid
	answered  atomic.Int64 // webhooks answered 200 since the measurement began
	turns     atomic.Int64 // of a paced load: how many webhooks have had theirs

	begin       time.Time
	from, until time.Time // the measurement: what began in between counts
}

// untilDone is how long is measured at most where something else says when it is over.
const untilDone = time.Hour

// newLoad prepares what is sent to a server.
func (o Options) newLoad(target *url.URL, run string) *load {
	return &load{
		target: target, secret: cmp.Or(o.Secret, appSecret), wabas: []string{cmp.Or(o.WABA, shops(1)[0].waba)}, mix: o.Mix,
		connections: o.Connections, templates: newTemplates(), run: run,
	}
}

// know says that the first shoppers are stored, by a history of the same run.
func (l *load) know(prefilled int) {
	l.prefilled = int64(prefilled)
	l.serial.Store(l.prefilled)
	l.shoppers.Store(l.prefilled)
}

// path is where webhooks are posted to.
func (l *load) path() string { return cmp.Or(strings.TrimSuffix(l.target.Path, "/"), webhook.Path) }

// outcome is what one sender, or all of them, saw of the measurement.
type outcome struct {
	took     []time.Duration // of what was answered 200
	sales    []soldAt        // answered 200, those of the warm-up too
	failed   int             // answered otherwise, or not at all
	sent     int64           // bytes of the requests
	firstErr error
}

// soldAt says when the webhook of a payment was sent, and answered.
type soldAt struct {
	cents        int64
	at, answered time.Time
}

// send runs the senders for the warm-up and the measurement. At the beginning and at the end of the
// measurement it calls mark, which reads the server's own numbers.
func (l *load) send(ctx context.Context, warmup, measured time.Duration, tick func(done time.Duration, answered int64), mark func() error) (outcome, error) {
	l.begin = time.Now()
	l.from = l.begin.Add(warmup)
	l.until = l.from.Add(measured)
	sending, stop := context.WithDeadline(ctx, l.until)
	defer stop()
	outcomes := make([]outcome, l.connections)
	var senders sync.WaitGroup
	for i := range outcomes {
		senders.Go(func() { outcomes[i] = newSender(l, i).run(sending) })
	}
	err := l.watch(sending, tick, mark)
	stop()
	senders.Wait()
	if end := time.Now(); end.Before(l.until) {
		l.until = end
	}
	if err == nil {
		err = ctx.Err()
	}
	all := merge(outcomes)
	if err == nil && len(all.took) == 0 {
		err = fmt.Errorf("nothing was answered 200: %w", cmp.Or(all.firstErr, errNothingSent))
	}
	return all, err
}

// turn waits until the next webhook is due. In a paced load it is due whether or not those before are
// answered, and its time counts from then: a slow server cannot slow down who measures it.
func (l *load) turn(ctx context.Context) time.Time {
	if l.pace == 0 {
		return time.Now()
	}
	due := l.begin.Add(time.Duration(l.turns.Add(1)-1) * l.pace)
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(due)):
	}
	return due
}

// watch calls mark twice and tick every second in between.
func (l *load) watch(ctx context.Context, tick func(time.Duration, int64), mark func() error) error {
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(l.from)):
	}
	if err := mark(); err != nil {
		return err
	}
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return mark()
		case <-l.done:
			return mark()
		case <-every.C:
			tick(time.Since(l.from), l.answered.Load())
		}
	}
}

// merge puts together what the senders saw, in order.
func merge(outcomes []outcome) outcome {
	var all outcome
	for _, o := range outcomes {
		all.took = append(all.took, o.took...)
		all.sales = append(all.sales, o.sales...)
		all.failed += o.failed
		all.sent += o.sent
		all.firstErr = cmp.Or(all.firstErr, o.firstErr)
	}
	slices.Sort(all.took)
	return all
}

// percentile is the smallest of the sorted values that p percent of them do not exceed; 0 of none.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(p*float64(len(sorted))/100)) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

// measured is how long the measurement was.
func (l *load) measured() time.Duration { return l.until.Sub(l.from) }
