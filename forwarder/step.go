package forwarder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/capi"
)

// One batch of one lane: claimed, sent, settled.

// step claims, sends and settles one batch of one account, and returns how many deliveries it settled.
// Where another step follows, a full batch that Meta took is written down while that is under way.
func (f *Forwarder) step(ctx context.Context, id string, follows bool) (n int, err error) {
	l := f.lane(id)
	defer func() {
		if n == 0 || err != nil { // none follows
			err = errors.Join(err, l.written())
		}
	}()
	a, known := f.Accounts.ByID(id)
	if !known {
		return 0, nil // removed from the settings: its events stay queued
	}
	if wait := l.wait(f.Clock.Now()); wait > 0 {
		f.wakeIn(l, wait)
		return 0, nil // what is due meanwhile goes together then
	}
	after := l.after
	l.after = Place{}
	call, err := f.claim(ctx, a, l.healed, after)
	if call == nil || err != nil {
		return 0, err
	}
	l.spent(call.StartedAt, len(call.Deliveries))
	// From here on the call has an intent in the ledger: it is sent and settled even while the
	// process is asked to stop.
	ctx = context.WithoutCancel(ctx)
	receipt, err := l.breaker.Execute(func() (capi.Receipt, error) { return f.send(ctx, call, a) })
	f.hear(receipt, err)
	s := decide(call, receipt, err, a.Unknown, f.Clock.Now())
	s.spare(call, err, a)
	l.weigh(call, &s)
	l.recognise(call, err, &s)
	l.heal(call, s)
	if rest := l.rest(); rest > 0 && s.Pause == nil {
		s.Pause = &Pause{Until: s.EndedAt.Add(rest), Cause: BreakerOpen, Words: "call after call failed: " + s.Words}
	}
	before := l.written()
	if follows && before == nil && s.Outcome == Accepted && s.Pause == nil && len(call.Deliveries) == capi.MaxBatch {
		l.after = call.end()
		l.writeBeside(func() error { _, err := f.write(ctx, l, call, s); return err })
		return len(call.Deliveries), nil
	}
	n, err = f.write(ctx, l, call, s)
	return n, errors.Join(before, err)
}

// wakeIn has the loop look again when it is a lane's turn.
func (f *Forwarder) wakeIn(l *lane, wait time.Duration) {
	if l.waits.CompareAndSwap(false, true) {
		time.AfterFunc(wait, func() {
			l.waits.Store(false)
			f.Wake()
		})
	}
}

// write settles a call and says so.
func (f *Forwarder) write(ctx context.Context, l *lane, call *Call, s Settlement) (int, error) {
	n, err := f.settle(ctx, call, s)
	if err != nil {
		return 0, fmt.Errorf("settle call %s of %s: %w", call.ID, call.Account, err)
	}
	if n == 0 { // the lane is another node's by now, which knows no more than that the outcome is unknown
		f.Log.Warn("call settled too late: the lane was taken over", "account", call.Account, "call", call.ID, "outcome", s.Outcome)
		return 0, nil
	}
	f.report(call, s, n)
	l.tell(f.Log, call, s)
	return n, nil
}

func (f *Forwarder) lane(id string) *lane {
	if l, ok := f.lanes.Load(id); ok {
		return l.(*lane)
	}
	l, _ := f.lanes.LoadOrStore(id, newLane())
	return l.(*lane)
}

// claim takes the next batch. Where the claim failed in a way that may have left its intent behind, that
// is taken back: nothing was sent, and nobody is to wonder whether it was.
func (f *Forwarder) claim(ctx context.Context, a account.Account, healed time.Time, after Place) (*Call, error) {
	call, err := f.Queue.Claim(ctx, Claim{
		Account: a.ID, Node: f.Node, Now: f.Clock.Now(), Lease: f.Lease, Max: capi.MaxBatch, Unknown: a.Unknown, Healed: healed, After: after,
	})
	if err == nil {
		return call, nil
	}
	if call != nil {
		now := f.Clock.Now()
		_, takenBack := f.settle(context.WithoutCancel(ctx), call, Settlement{
			Outcome: Failed, To: Queued, Due: now, EndedAt: now, Words: "not sent: the claim could not be written for certain",
		})
		err = errors.Join(err, takenBack)
	}
	return nil, fmt.Errorf("claim deliveries of %s: %w", a.ID, err)
}

// errLate says that the lane's lease would be over before an answer can come: the process was stopped
// for a while after it claimed. Another node may be sending the same events by then.
var errLate = errors.New("not sent: the lease of the lane is nearly over")

func (f *Forwarder) send(ctx context.Context, call *Call, a account.Account) (capi.Receipt, error) {
	if f.Clock.Now().After(call.StartedAt.Add(f.Lease - f.Timeout)) {
		return capi.Receipt{}, &capi.Error{Err: errLate}
	}
	return f.Sender.Send(ctx, capi.Dataset{
		ID: call.Dataset, Token: a.AccessToken.Reveal(), AppSecret: a.AppSecret.Reveal(), TestEventCode: call.TestCode,
	}, call.payloads())
}

// hear lets the clock compare itself with Meta's. What answers in Meta's place has no say.
func (f *Forwarder) hear(receipt capi.Receipt, err error) {
	if refusal, ok := errors.AsType[*capi.Error](err); ok && refusal.Code != 0 {
		f.Clock.Hear(refusal.ServerDate)
	} else if err == nil {
		f.Clock.Hear(receipt.ServerDate)
	}
}

// settle tries until the lease is over: an answer that cannot be written turns into an unknown
// outcome, and the event might be sent twice.
func (f *Forwarder) settle(ctx context.Context, call *Call, s Settlement) (n int, err error) {
	end := call.StartedAt.Add(f.Lease)
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		if n, err = f.Queue.Settle(ctx, call, s); err == nil || errors.Is(err, context.Canceled) {
			return n, err
		}
		if f.Clock.Now().Add(wait).After(end) {
			return 0, err
		}
		time.Sleep(wait)
	}
}

// report counts a settled call and says it in one line.
func (f *Forwarder) report(call *Call, s Settlement, changed int) {
	f.Stats.of(s).Add(1)
	if s.To == Sent {
		f.Stats.Sent.Add(int64(changed))
	}
	level := slog.LevelInfo
	if s.Outcome != Accepted {
		level = slog.LevelWarn
	}
	f.Log.Log(context.Background(), level, "call settled", "account", call.Account, "call", call.ID,
		"dataset", call.Dataset, "events", len(call.Deliveries), "changed", changed, "outcome", s.Outcome,
		"http", s.HTTPStatus, "code", s.Code, "subcode", s.Subcode, "trace", s.TraceID, "words", s.Words,
		"ms", s.EndedAt.Sub(call.StartedAt).Milliseconds())
}

// of is the counter of a call.
func (st *Stats) of(s Settlement) *atomic.Int64 {
	switch {
	case s.Outcome == Accepted:
		return &st.Accepted
	case s.Outcome == Unknown:
		return &st.Unknown
	case s.Pause != nil && s.Pause.Cause == Throttled:
		return &st.Throttled
	case s.Pause != nil && s.Pause.Cause == AccountWrong:
		return &st.AccountWrong
	case s.Outcome == Refused:
		return &st.Refused
	default:
		return &st.Failed
	}
}

// tell logs a change of the lane's state, once.
func (l *lane) tell(log *slog.Logger, call *Call, s Settlement) {
	now := NoPause
	if s.Pause != nil {
		now = s.Pause.Cause
	}
	if now == l.resting || now == NoPause && s.Outcome != Accepted {
		return
	}
	l.resting = now
	if now == NoPause {
		log.Info("lane sends again", "account", call.Account, "dataset", call.Dataset)
		return
	}
	log.Warn("lane rests", "account", call.Account, "dataset", call.Dataset, "cause", now, "until", s.Pause.Until, "words", s.Pause.Words)
}
