package sql

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/notices"
	"github.com/clickthread/clickthread/reason"
)

func (l *ledger) observe() notices.Observation {
	l.Helper()
	o, err := l.Observe(l.Context(), l.now)
	if err != nil {
		l.Fatal(err)
	}
	return o
}

// expiring is what ends within a day, as "cause events hours".
func (l *ledger) expiring() []string {
	l.Helper()
	list := []string{}
	for _, e := range l.observe().Expiring {
		list = append(list, fmt.Sprintf("%s %d %s", e.Cause, e.Events, e.SendableUntil.Sub(l.now)))
	}
	return list
}

// seesLanes: a lane is seen with its pause and with what is due the longest.
func seesLanes(t *testing.T, l *ledger) {
	l.queue(2, func(i int, d *forwarder.Delivery) { d.Due = l.now.Add(time.Duration(i-1) * time.Hour) })
	want := []notices.Lane{{Account: "shop", OldestDue: l.now.Add(-time.Hour)}}
	if diff := cmp.Diff(want, l.observe().Lanes); diff != "" {
		t.Errorf("lanes (-want +got):\n%s", diff)
	}
	until := l.now.Add(10 * time.Minute)
	_, err := l.write.NewRaw("UPDATE lanes SET paused_until = ?, pause_words = 'the token; make one', pause_cause = ?",
		micros(until), notices.PauseAccount).Exec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want[0].PausedUntil, want[0].PauseWords, want[0].PauseCause = until, "the token; make one", notices.PauseAccount
	if diff := cmp.Diff(want, l.observe().Lanes); diff != "" {
		t.Errorf("paused lanes (-want +got):\n%s", diff)
	}
	first := l.now.Add(forwarder.SendableFor)
	if b, err := l.Backlog(t.Context(), "shop"); err != nil || b.Events != 2 || !b.SendableUntil.Equal(first) {
		t.Errorf("backlog %+v %v, want 2 until %s", b, err, first)
	}
	if b, err := l.backlogBy(t.Context(), "shop", 1); err != nil || b.Events != 2 || !b.SendableUntil.Equal(first) {
		t.Errorf("backlog page by page %+v %v, want 2 until %s", b, err, first)
	}
	if b, err := l.Backlog(t.Context(), "nobody"); err != nil || b != (notices.Backlog{}) {
		t.Errorf("backlog of nobody %+v %v", b, err)
	}
}

// seesFailing: a proxy refuses every call. Each try moves what is due, so the calls tell it.
func seesFailing(t *testing.T, l *ledger) {
	look := func(when string, want bool) {
		t.Helper()
		lane := l.observe().Lanes[0]
		if lane.Failing != want || want && lane.LastWords != "the proxy asks for a login" {
			t.Errorf("%s: %+v, want failing: %t", when, lane, want)
		}
	}
	after := func(d time.Duration) { l.now = l.now.Add(d) }
	vain := func() {
		t.Helper()
		l.settle(l.claim("a"), forwarder.Settlement{
			Outcome: forwarder.Failed, To: forwarder.Queued, Due: l.now.Add(time.Second), Words: "the proxy asks for a login",
			Pause: &forwarder.Pause{Until: l.now.Add(time.Second), Cause: forwarder.BreakerOpen},
		})
	}
	l.queue(1, nil)
	look("not tried yet", false)
	vain()
	after(notices.StuckAfter - time.Second)
	vain()
	look("not for long", false)
	after(time.Second)
	look("for 15 minutes", true)
	l.queue(1, nil)
	after(time.Hour)
	vain()
	look("still, and another waits", true)
	after(time.Second)
	l.settle(l.claim("a"), accepted)
	look("taken, and nothing is left", false)

	after(time.Hour)
	l.queue(1, nil)
	look("a new one", false)
	after(time.Minute)
	vain()
	l.queue(1, func(_ int, d *forwarder.Delivery) { d.Due = d.Due.Add(time.Hour) })
	after(time.Second)
	l.settle(l.claim("a"), accepted)
	after(notices.StuckAfter)
	look("none of the calls since the last good one was in vain", false)
	after(time.Hour)
	vain()
	after(notices.StuckAfter)
	look("one bad event, recorded before the last good call", false)
	l.queue(1, func(_ int, d *forwarder.Delivery) { d.Due = l.now.Add(time.Hour) })
	after(notices.StuckAfter)
	look("and one recorded after it", true)
	if _, err := l.PauseLane(t.Context(), "shop", "by hand"); err != nil {
		t.Fatal(err)
	}
	look("a person knows", false)
}

// seesExpiring: what is queued or held and ends within a day is counted, and nothing else.
func seesExpiring(t *testing.T, l *ledger) {
	end := l.now.Add(-forwarder.SendableFor)
	at := func(status forwarder.Status, why reason.Code, events ...time.Duration) {
		t.Helper()
		l.queue(len(events), func(i int, d *forwarder.Delivery) {
			d.Status, d.Reason, d.EventAt = status, why, end.Add(events[i])
		})
	}
	if got := l.expiring(); len(got) != 0 {
		t.Errorf("an empty ledger has %v", got)
	}
	at(forwarder.Queued, "", -time.Minute, 0, 2*time.Hour, 24*time.Hour, 24*time.Hour+time.Second)
	at(forwarder.Held, reason.ValueMissing, 0, 5*time.Hour, 6*time.Hour, 7*time.Hour, 25*time.Hour)
	at(forwarder.Held, reason.MetaDetected, 3*time.Hour)
	for _, status := range []forwarder.Status{forwarder.Waiting, forwarder.Sent, forwarder.Rejected, forwarder.Expired, forwarder.Cancelled, forwarder.Skipped} {
		at(status, "", 3*time.Hour)
	}
	if diff := cmp.Diff([]string{"held 3 5h0m0s", "queued 2 2h0m0s"}, l.expiring()); diff != "" {
		t.Errorf("expiring (-want +got):\n%s", diff)
	}
	whole, err := l.observeExpiring(t.Context(), l.now, countPage)
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []int{1, 2, 3} {
		paged, err := l.observeExpiring(t.Context(), l.now, page)
		if diff := cmp.Diff(whole, paged); diff != "" || err != nil {
			t.Errorf("expiring, %d at a time (-whole +paged):\n%s %v", page, diff, err)
		}
	}
}

// notice makes a notice as a watcher does.
func (l *ledger) notice(receiver notices.Receiver) notices.Notice {
	l.Helper()
	list, err := notices.Address([]notices.Receiver{receiver}, notices.AccountPaused, "shop", l.now, map[string]string{"account": "shop"}, newID)
	if err != nil {
		l.Fatal(err)
	}
	return list[0]
}

func (l *ledger) change(c notices.Change, want bool) {
	l.Helper()
	c.At = l.now
	if got, err := l.RecordChange(l.Context(), c); got != want || err != nil {
		l.Errorf("change of %v recorded: %t %v, want %t", c.Condition, got, err, want)
	}
}

var ops, pager = notices.Receiver{URL: "https://ops.example.com"}, notices.Receiver{URL: "https://pager.example.com"}

// toldOnce: of two nodes that see the same, one writes it, with its notices, or neither of them.
func toldOnce(t *testing.T, l *ledger) {
	paused := notices.Condition{Kind: notices.AccountPaused, Account: "shop", Cause: notices.PauseAccount}
	byHand := paused
	byHand.Cause = notices.PausePerson
	n := l.notice(ops)
	l.change(notices.Change{Condition: paused, Notices: []notices.Notice{n, l.notice(pager)}}, true)
	l.change(notices.Change{Condition: paused, Notices: []notices.Notice{l.notice(ops)}}, false)
	l.change(notices.Change{Condition: byHand}, true)
	if diff := cmp.Diff([]notices.Condition{paused, byHand}, l.observe().Open); diff != "" {
		t.Errorf("open (-want +got):\n%s", diff)
	}
	if _, err := l.RecordChange(t.Context(), notices.Change{Condition: paused, Ended: true, Notices: []notices.Notice{n}}); err == nil {
		t.Error("a notice that is there already was written again")
	}
	if len(l.observe().Open) != 2 {
		t.Error("what could not be told ended all the same")
	}
	l.change(notices.Change{Condition: paused, Ended: true, Notices: []notices.Notice{l.notice(ops)}}, true)
	l.change(notices.Change{Condition: paused, Ended: true, Notices: []notices.Notice{l.notice(ops)}}, false)
	l.change(notices.Change{Condition: byHand, Ended: true}, true)
	list, err := l.Notices(t.Context(), "", 100)
	if err != nil || len(list) != 3 || len(l.observe().Open) != 0 {
		t.Fatalf("%d notices %v, want 3; open %v", len(list), err, l.observe().Open)
	}
	if diff := cmp.Diff(n, list[2]); diff != "" {
		t.Errorf("a notice comes back as another (-want +got):\n%s", diff)
	}
}

// noticeTries: a try is one node's, and what it settles late changes nothing.
func noticeTries(t *testing.T, l *ledger) {
	first, second, other := l.notice(ops), l.notice(ops), l.notice(pager)
	first.Due, second.Due = l.now, l.now.Add(-time.Minute)
	l.change(notices.Change{
		Condition: notices.Condition{Kind: notices.QueueStuck, Account: "shop", Cause: notices.NotTried},
		Notices:   []notices.Notice{first, second, other},
	}, true)
	due := func(want ...notices.Notice) []notices.Notice {
		t.Helper()
		list, err := l.DueNotices(t.Context(), ops.ID(), l.now, 10)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(list, want, func(a, b notices.Notice) bool { return a.ID == b.ID }) {
			t.Errorf("due %+v\nwant %+v", list, want)
		}
		return list
	}
	take := func(n notices.Notice, want bool) {
		t.Helper()
		if got, err := l.TakeNotice(t.Context(), n, l.now.Add(time.Minute)); got != want || err != nil {
			t.Errorf("taken: %t %v, want %t", got, err, want)
		}
	}
	read := due(second, first)[0]
	take(read, true)
	take(read, false) // another node, which read the same
	due(first)
	l.now = l.now.Add(time.Minute) // the node died over it
	again := due(first, second)[1]
	take(again, true)
	read.Attempts, read.State, read.EndedAt = 1, notices.Failed, l.now
	if err := l.SettleNotice(t.Context(), read); err != nil { // or it only slept, and wakes up
		t.Fatal(err)
	}
	again.Attempts, again.State, again.HTTPStatus, again.Words, again.EndedAt = 2, notices.Sent, 204, "", l.now
	if err := l.SettleNotice(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	take(again, false)
	due(first)
	list, err := l.Notices(t.Context(), notices.Sent, 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d sent notices %v", len(list), err)
	}
	if diff := cmp.Diff(again, list[0]); diff != "" {
		t.Errorf("settled (-want +got):\n%s", diff)
	}
}

// pruneNotices: what ended goes by its age, and what nobody will receive any more.
func pruneNotices(t *testing.T, l *ledger) {
	kept := map[string]bool{}
	keep := func(name string, at time.Time, state notices.State, due time.Time, stays bool) {
		t.Helper()
		if err := putRow(l, noticeRow{AccountID: "shop", ID: recordedAt(at), Receiver: name, Body: []byte("{}"), State: string(state), DueAt: micros(due)}); err != nil {
			t.Fatal(err)
		}
		if stays {
			kept[name] = true
		}
	}
	old := l.now.Add(-40 * day)
	keep("sent long ago", old, notices.Sent, old, false)
	keep("failed long ago", old, notices.Failed, old, false)
	keep("its receiver left the settings", old, notices.Queued, old, false)
	keep("still tried", old, notices.Queued, l.now, true)
	keep("sent lately", l.now.Add(-day), notices.Sent, l.now.Add(-day), true)
	if got := l.prune(Retention{Notices: l.now.Add(-30 * day)}); got["notices"] != 3 {
		t.Errorf("pruned %v", got)
	}
	list, err := l.Notices(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range list {
		if !kept[n.Receiver] {
			t.Errorf("%s is kept", n.Receiver)
		}
	}
	if len(list) != len(kept) {
		t.Errorf("%d are kept, want %d", len(list), len(kept))
	}
}
