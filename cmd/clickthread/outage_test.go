package main

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/sandbox"
)

// Promises 5 and 8: for six days Meta is away, in every way that there is, and every hour events are
// queued. When it is back, everything young enough arrives, what is older has expired, and nothing is there
// twice unless it is marked unknown. Time is the test's own.
func TestMetaIsAwayForSixDays(t *testing.T) {
	const away = 6 * 24 * time.Hour
	var passed atomic.Int64
	begin := time.Date(2026, time.January, 7, 12, 0, 0, 0, time.UTC)
	now := func() time.Time { return begin.Add(time.Duration(passed.Load())) }
	rng := rand.New(rand.NewPCG(2026, 1))

	accounts := merchants(3)
	accounts[2].Unknown = account.Hold
	wire := &brokenWire{rng: rng, now: now, nobody: freeAddr(t), clear: datasetPath(accounts[0]), calls: map[string][]time.Time{}}
	o := openOffice(t, officeOptions{accounts: accounts, now: now, transport: wire, timeout: 10 * time.Second})
	wire.graph = o.graph

	// Some webhooks come late: what they cause is old when it is queued.
	ages := []time.Duration{0, time.Minute, 19 * time.Hour, 30 * time.Hour, 5 * 24 * time.Hour, forwarder.SendableFor - time.Second}
	for hour, step := 0, time.Second; now().Before(begin.Add(away)); passed.Add(rng.Int64N(int64(step))) {
		if now().Sub(begin) >= time.Duration(hour)*time.Hour {
			o.queue(now().Add(-ages[hour%len(ages)]), 2, func(i, j int) string { return fmt.Sprintf("Afe-%d-%d-%d", i, hour, j) })
			hour++
		}
		if step = min(2*step, 5*time.Minute); o.once() > 0 { // look closely where calls are made
			step = time.Second
		}
	}
	wire.mended = true
	back := now()
	for now().Before(back.Add(catchUp)) {
		o.once()
		passed.Add(int64(30 * time.Second))
	}

	taken := o.taken()
	for i, a := range accounts {
		arrived := 0
		for _, d := range o.ledger(a.ID) {
			o.endedWell(a, d, len(taken[d.EventID]), back)
			arrived += min(1, len(taken[d.EventID]))
			if i == 0 && d.Unknowns > 0 {
				t.Errorf("%s met only clear outcomes, and is marked unknown", d.ClickID)
			}
		}
		t.Logf("%s: %d calls in six days, %d events arrived", a.ID, len(wire.calls[datasetPath(a)]), arrived)
		keptPace(t, a, wire.calls[datasetPath(a)], begin, back)
	}
}

// catchUp is more than the longest rest of a lane, 10 minutes, and the longest wait of an event, 72
// minutes, together.
const catchUp = 85 * time.Minute

// endedWell compares a delivery with what Meta took, and with what its age allowed.
func (o *office) endedWell(a account.Account, d forwarder.Delivery, taken int, back time.Time) {
	o.Helper()
	tooOld := d.EventAt.Add(forwarder.SendableFor)
	fine := false
	switch d.Status {
	case forwarder.Sent:
		fine = taken >= 1 && taken <= 1+d.Unknowns && tooOld.After(back)
	case forwarder.Expired:
		fine = taken <= d.Unknowns && tooOld.Before(back.Add(catchUp)) && d.Reason == reason.TooOld
	case forwarder.Held:
		fine = taken <= 1 && d.Unknowns == 1 && a.Unknown == account.Hold && d.Reason == reason.UnknownOutcome
	}
	if !fine {
		o.Errorf("%s of %s, too old at %s while Meta was back at %s, is %s (%s), was taken %d times and is marked unknown %d times",
			d.ClickID, a.ID, tooOld, back, d.Status, d.Reason, taken, d.Unknowns)
	}
}

// keptPace: a lane rests when five calls in a row have failed, for 30 s and then twice as long each
// time, until it is 10 minutes. So no minute sees more than the five and the one after the first rest, and
// after a quarter of an hour every ten minutes see one. Nor does a lane ever give up.
func keptPace(t *testing.T, a account.Account, calls []time.Time, begin, back time.Time) {
	t.Helper()
	const (
		inARow, growing = 5, 5 // 5 rests are shorter than the longest: 0.5, 1, 2, 4 and 8 minutes
		longest         = 10 * time.Minute
	)
	during := 0
	for i, at := range calls {
		if i > inARow && at.Sub(calls[i-inARow-1]) < time.Minute && at.Before(back) {
			t.Errorf("%s: more than %d calls in the minute before %s", a.ID, inARow+1, at)
		}
		if at.Before(back) {
			during++
		}
	}
	most, least := inARow+growing+int(back.Sub(begin)/longest), int(back.Sub(begin)/catchUp)
	if during > most || during < least {
		t.Errorf("%s: %d calls while Meta was away, want %d to %d", a.ID, during, least, most)
	}
}

func datasetPath(a account.Account) string { return "/v25.0/" + a.DatasetID + "/events" }

// trouble is one way in which Meta is away.
type trouble struct {
	nobody bool          // listens at Meta's address
	silent bool          // what comes back never arrives: the call times out
	fault  sandbox.Fault // what Meta does, where the call reaches it
}

var (
	// clearTroubles tell that Meta has not taken the events.
	clearTroubles = []trouble{
		{nobody: true},
		{fault: sandbox.Fault{Status: 500}},             // a page in HTML
		{fault: sandbox.Fault{Status: 500, Half: true}}, // half of it
		{fault: sandbox.Fault{Code: 2}},
	}
	// unclearTroubles come before Meta took the events, and after.
	unclearTroubles = []trouble{
		{silent: true, fault: sandbox.Fault{Status: 500}},
		{silent: true, fault: sandbox.Fault{Taken: true}},
		{fault: sandbox.Fault{Drop: true}},
		{fault: sandbox.Fault{Drop: true, Taken: true}},
		{fault: sandbox.Fault{Status: 502}},
		{fault: sandbox.Fault{Status: 504, Taken: true}},
		{fault: sandbox.Fault{Status: 200}},
		{fault: sandbox.Fault{Status: 200, Taken: true}},
		{fault: sandbox.Fault{Received: new(2), Half: true}}, // half of a receipt
		{fault: sandbox.Fault{Half: true, Taken: true}},
	}
)
