package sql

import (
	"testing"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/internal/pgtest"
	"github.com/clickthread/clickthread/reason"
)

// Ledger 1: two nodes that handle one conversation at once are serialised by its row, so a click and
// the message that needs it can never miss each other. The interleaving is forced: the first node is
// held inside its transaction, after it has read, until the second has begun and waits.
func TestAClickAndItsMessageNeverMissEachOther(t *testing.T) {
	cluster := pgtest.Shared(t)
	for name, c := range map[string]struct {
		known      bool // the conversation existed before
		clickFirst bool
	}{
		"known person, click commits first":   {known: true, clickFirst: true},
		"known person, message commits first": {known: true},
		"new person, click commits first":     {clickFirst: true},
		"new person, message commits first":   {},
	} {
		t.Run(name, func(t *testing.T) {
			url := cluster.Database(t)
			l := &ledger{T: t, Store: node(t, url), now: time.Now().UTC().Truncate(time.Second)}
			other := &ledger{T: t, Store: node(t, url), now: l.now}
			if c.known {
				l.record(nil, l.message("before", ana, l.now.Add(-time.Hour)))
			}
			click := l.message("click", ana, l.now.Add(-2*time.Minute))
			click.Referral = &attribution.Click{ClickID: "Clid1"}
			message := l.message("message", ana, l.now.Add(-time.Minute))
			first, second := click, message
			if !c.clickFirst {
				first, second = message, click
			}

			inside, goOn, done := make(chan bool), make(chan bool), make(chan bool)
			go func() {
				defer close(done)
				l.record(func(s *attribution.Snapshot) []forwarder.Delivery {
					close(inside)
					<-goOn
					return decideLikeThePlan(l, s)
				}, first)
			}()
			<-inside
			waits := make(chan bool)
			go func() {
				defer close(waits)
				other.record(func(s *attribution.Snapshot) []forwarder.Delivery { return decideLikeThePlan(other, s) }, second)
			}()
			l.untilSomebodyWaits()
			close(goOn)
			<-done
			<-waits
			l.wantStatuses(map[string]int{"queued": 1})
			if n, err := l.Stranded(t.Context()); n != 0 || err != nil {
				t.Errorf("%d matches stand beside a click that counts (%v)", n, err)
			}
			counts, err := l.RowCounts(t.Context())
			if err != nil || counts["unattributed"] != 0 || counts["contacts"] != 1 || counts["conversations"] != 1 {
				t.Errorf("rows %v %v", counts, err)
			}
		})
	}
}

// Ledger 9: a node that waits for a person's conversation while another merges that person with somebody it
// has not read starts over, and sees the click of the other.
func TestAMergeMeanwhileIsSeen(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	l := &ledger{T: t, Store: node(t, url), now: time.Now().UTC().Truncate(time.Second)}
	other := &ledger{T: t, Store: node(t, url), now: l.now}
	byPhone, byUser := attribution.Identity{WAID: "5511987650001"}, attribution.Identity{UserID: "BR.1234"}
	byBoth := attribution.Identity{WAID: byPhone.WAID, UserID: byUser.UserID}
	said := func(l *ledger, id string, who attribution.Identity, ago time.Duration, click *attribution.Click) *attribution.Arrival {
		a := l.message(id, who, l.now.Add(-ago))
		a.Referral = click
		return a
	}
	l.record(nil, said(l, "status ad", byPhone, 3*time.Hour, &attribution.Click{}))
	l.record(nil, said(l, "click", byUser, 2*time.Hour, &attribution.Click{ClickID: "Clid1"}))

	inside, goOn, done, waits := make(chan bool), make(chan bool), make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		l.record(func(s *attribution.Snapshot) []forwarder.Delivery {
			close(inside)
			<-goOn
			return decideLikeThePlan(l, s)
		}, said(l, "both names", byBoth, time.Minute, nil))
	}()
	<-inside
	go func() {
		defer close(waits)
		other.record(func(s *attribution.Snapshot) []forwarder.Delivery { return decideLikeThePlan(other, s) }, said(other, "phone", byPhone, time.Second, nil))
	}()
	l.untilSomebodyWaits()
	close(goOn)
	<-done
	<-waits
	l.wantStatuses(map[string]int{"queued": 2})
}

func node(t testing.TB, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{URL: url, Node: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// decideLikeThePlan has one rule that every message without a referral matches: it is queued where a
// click counts, and waits where none does.
func decideLikeThePlan(l *ledger, s *attribution.Snapshot) []forwarder.Delivery {
	var deliveries []forwarder.Delivery
	for _, t := range s.Threads {
		for _, w := range t.Revivable(account.LastClick) {
			d := l.delivery("claim-"+w.Trigger.String(), &attribution.Arrival{Account: t.Account, ID: w.Trigger, Thread: t})
			deliveries = append(deliveries, d)
		}
	}
	for _, a := range s.Fresh {
		if a.Referral != nil {
			continue
		}
		if _, why := attribution.Pick(a.Thread.Clicks, a.At, account.LastClick); why != reason.None {
			a.Thread.Wait(attribution.Waiting{Trigger: a.ID, Rule: "r", Event: "Purchase", Reason: why, At: a.At, ReceivedAt: l.now, Body: a.Body})
			continue
		}
		deliveries = append(deliveries, l.delivery("claim-"+a.ID.String(), a))
	}
	return deliveries
}

// untilSomebodyWaits returns when a connection of the database waits for another's lock.
func (l *ledger) untilSomebodyWaits() {
	l.Helper()
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		var n int
		err := l.read.NewRaw(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(l.Context(), &n)
		if err != nil {
			l.Fatal(err)
		}
		if n > 0 {
			return
		}
	}
	l.Fatal("nobody waits: the two transactions did not meet, and the test proves nothing")
}

// Three nodes start at once on an empty database: one makes the tables, the others find them.
func TestThreeNodesStartAtOnce(t *testing.T) {
	cluster := pgtest.Shared(t)
	for range 3 {
		url := cluster.Database(t)
		started := make(chan error, 3)
		var salts [3][16]byte
		for i := range 3 {
			go func() {
				s, err := Open(t.Context(), Options{URL: url})
				if err == nil {
					salts[i] = s.Key("wamid.1")
					err = s.Close()
				}
				started <- err
			}()
		}
		for range 3 {
			if err := <-started; err != nil {
				t.Error(err)
			}
		}
		if salts[0] != salts[1] || salts[1] != salts[2] {
			t.Error("the nodes disagree about dedupe keys")
		}
	}
}
