package sql

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/internal/pgtest"
	"github.com/clickthread/clickthread/reason"
)

// mend does to the account's events what a person does who confirms all that was found. It returns how
// often each thing was said of those that were left; "" are the changed ones.
func (l *ledger) mend(r Remedy, f Filter, datasets ...string) map[string]int {
	l.Helper()
	m := Mend{Remedy: r, Filter: f, Now: l.now}
	for _, d := range datasets {
		m.Datasets = map[string]string{"shop": d}
	}
	found, err := mendable(l, l.Store, m)
	if err != nil {
		l.Fatal(err)
	}
	ids := make([]uuid.UUID, len(found))
	for i, e := range found {
		ids[i] = e.ID
	}
	done, err := l.Mend(l.Context(), m, "shop", ids)
	if err != nil {
		l.Fatal(err)
	}
	was, is := countLeft(found), countLeft(done)
	if diff := cmp.Diff(was, is); diff != "" {
		l.Errorf("what was announced and what was done differ (-announced +done):\n%s", diff)
	}
	return is
}

func countLeft(events []Mendable) map[string]int {
	left := map[string]int{}
	for _, e := range events {
		left[e.Left]++
	}
	return left
}

func wantLeft(t *testing.T, got, want map[string]int) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

// rejected is Meta's word that an event is wrong.
var rejected = forwarder.Settlement{
	Outcome: forwarder.Refused, HTTPStatus: 400, To: forwarder.Rejected, Reason: reason.MetaRefused, Words: "Meta does not know this click id",
}

// retries: what waits for its next try goes now, and what Meta rejected goes again as it was frozen, to the
// dataset that the account has by now.
func retries(t *testing.T, l *ledger) {
	l.queue(1, nil)
	first := l.claim("a")
	l.settle(first, rejected)
	l.queue(2, func(i int, d *forwarder.Delivery) { d.Due = l.now.Add(time.Duration(i) * time.Hour) })
	wantLeft(t, l.mend(Retry, Filter{Account: "shop"}), map[string]int{"": 2, "it is due already, and goes as soon as its account sends": 1})
	call := l.claim("a")
	if call == nil || len(call.Deliveries) != 3 {
		t.Fatalf("claimed %+v, want all three", call)
	}
	l.settle(call, forwarder.Settlement{Outcome: forwarder.Failed, To: forwarder.Queued, Due: l.now})
	wantLeft(t, l.mend(Retry, Filter{Status: forwarder.Queued}, "901"), map[string]int{"": 3})
	call = l.claim("a")
	if call == nil || call.Dataset != "901" || len(call.Deliveries) != 3 {
		t.Fatalf("claimed %+v, want all three for 901", call)
	}
	again := l.stored(first.Deliveries[0].ID)
	if string(again.Payload) != string(first.Deliveries[0].Payload) || again.Attempts != 2 || again.Reason != reason.None {
		t.Errorf("it is sent again as %+v", again)
	}
	if calls, err := l.Calls(t.Context(), again); len(calls) != 2 || err != nil || calls[0].Words != rejected.Words {
		t.Errorf("the first call is kept: %+v %v", calls, err)
	}
}

func unsendable(t *testing.T, l *ledger) {
	l.queue(1, nil)
	l.settle(l.claim("a"), rejected)
	l.queue(1, func(_ int, d *forwarder.Delivery) {
		d.Status, d.Reason, d.Payload = forwarder.Held, reason.ValueAmbiguous, nil
	})
	never := "it was never completed, so there is nothing to send: mend the rule for the next message, and cancel this one"
	wantLeft(t, l.mend(Release, Filter{Reason: reason.ValueAmbiguous}), map[string]int{never: 1})
	l.now = l.now.Add(forwarder.ClaimableFor)
	wantLeft(t, l.mend(Retry, Filter{Status: forwarder.Rejected}), map[string]int{reason.TooOld.Words(): 1})
	l.wantStatuses(map[string]int{"rejected meta_refused": 1, "held value_ambiguous": 1})
}

// cancels: what is in a call may be at Meta already, so it stays; so does what has ended.
func cancels(t *testing.T, l *ledger) {
	l.queue(2, nil)
	call := l.claim("a")
	l.queue(1, func(_ int, d *forwarder.Delivery) { d.Status, d.Reason = forwarder.Held, reason.MetaUnknown })
	l.queue(1, func(_ int, d *forwarder.Delivery) { d.Status = forwarder.Waiting })
	l.queue(3, nil)
	inCall := "it is in a call to Meta, whose outcome is not written yet"
	wantLeft(t, l.mend(Cancel, Filter{}), map[string]int{"": 5, inCall: 2})
	if n := l.settle(call, accepted); n != 2 {
		t.Errorf("the call settles %d of its 2 events", n)
	}
	l.wantStatuses(map[string]int{"sent": 2, "cancelled by_hand": 5})
	details := map[string]int{}
	all, err := l.Deliveries(t.Context(), Filter{Status: forwarder.Cancelled})
	for _, d := range all {
		details[d.Detail]++
	}
	if diff := cmp.Diff(map[string]int{"was queued": 3, "was waiting": 1, "was held: meta_unknown": 1}, details); diff != "" || err != nil {
		t.Errorf("details (-want +got):\n%s %v", diff, err)
	}
	done, err := l.Mend(t.Context(), Mend{Remedy: Cancel, Now: l.now}, "shop", []uuid.UUID{call.Deliveries[0].ID, all[0].ID, newID()})
	if err != nil {
		t.Fatal(err)
	}
	wantLeft(t, countLeft(done), map[string]int{"it is sent": 1, "it is cancelled": 1})
}

func releases(t *testing.T, l *ledger) {
	l.queue(2, func(i int, d *forwarder.Delivery) {
		d.Status, d.Reason = forwarder.Held, []reason.Code{reason.MetaUnknown, reason.MetaDetected}[i]
	})
	wantLeft(t, l.mend(Release, Filter{Reason: reason.MetaUnknown}), map[string]int{"": 1})
	l.wantStatuses(map[string]int{"queued": 1, "held meta_detected": 1})
	all, err := l.Deliveries(t.Context(), Filter{Status: forwarder.Held})
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	done, err := l.Mend(t.Context(), Mend{Remedy: Release, Filter: Filter{Reason: reason.MetaUnknown}, Now: l.now}, "shop", []uuid.UUID{all[0].ID})
	if err != nil {
		t.Fatal(err)
	}
	wantLeft(t, countLeft(done), map[string]int{`its reason is "meta_detected"`: 1})
	if call := l.claim("a"); call == nil || len(call.Deliveries) != 1 {
		t.Errorf("claimed %+v, want the released one", call)
	}
}

// resolvesByCall: ledger 22. A person looked at what Meta shows: one call arrived, another did not.
func resolvesByCall(t *testing.T, l *ledger) {
	var calls []*forwarder.Call
	for _, n := range []int{2, 3} {
		l.queue(n, nil)
		call := l.claim("a")
		l.settle(call, forwarder.Settlement{Outcome: forwarder.Unknown, To: forwarder.Held, Reason: reason.UnknownOutcome})
		calls = append(calls, call)
	}
	wantLeft(t, l.mend(Cancel, Filter{Reason: reason.UnknownOutcome, Call: calls[0].ID}), map[string]int{"": 2})
	wantLeft(t, l.mend(Release, Filter{Reason: reason.UnknownOutcome, Call: calls[1].ID}), map[string]int{"": 3})
	l.wantStatuses(map[string]int{"cancelled by_hand": 2, "queued": 3})
	if d := l.stored(calls[0].Deliveries[0].ID); !strings.Contains(d.Detail, "taken to have reached Meta") {
		t.Errorf("its detail is %q", d.Detail)
	}
}

func mendsMany(t *testing.T, l *ledger) {
	n := mendBatch + 3
	l.queue(n, func(_ int, d *forwarder.Delivery) { d.Status, d.Reason = forwarder.Held, reason.MetaUnknown })
	wantLeft(t, l.mend(Release, Filter{Reason: reason.MetaUnknown}), map[string]int{"": n})
	l.wantStatuses(map[string]int{"queued": n})
}

func mendsOneAccount(t *testing.T, l *ledger) {
	l.queue(2, func(i int, d *forwarder.Delivery) { d.Account = []string{"shop", "clinic"}[i] })
	m := Mend{Remedy: Cancel, Now: l.now}
	found, err := mendable(l, l.Store, m)
	if err != nil || len(found) != 2 || found[0].Account != "clinic" {
		t.Fatalf("found %+v %v, want one of each account", found, err)
	}
	if done, err := l.Mend(t.Context(), m, "shop", []uuid.UUID{found[0].ID}); len(done) != 0 || err != nil {
		t.Errorf("shop changed %+v of clinic %v", done, err)
	}
	wantLeft(t, l.mend(Cancel, Filter{Account: "shop"}), map[string]int{"": 1})
	l.wantStatuses(map[string]int{"queued": 1, "cancelled by_hand": 1})
}

// pausesByHand: a person's pause lasts until a person ends it, whatever Meta answers meanwhile. It may come
// before the account's first event.
func pausesByHand(t *testing.T, l *ledger) {
	lane := func(act func() (Lane, error)) Lane {
		t.Helper()
		lane, err := act()
		if err != nil {
			t.Fatal(err)
		}
		return lane
	}
	pause := func() (Lane, error) { return l.PauseLane(t.Context(), "shop", "stock is being counted") }
	resume := func() (Lane, error) { return l.ResumeLane(t.Context(), "shop") }
	want := Lane{Account: "shop", PausedUntil: forwarder.UntilResumed, PauseCause: forwarder.ByHand, PauseWords: "stock is being counted"}
	if diff := cmp.Diff(want, lane(pause)); diff != "" {
		t.Errorf("paused (-want +got):\n%s", diff)
	}
	l.queue(1, nil)
	if call := l.claim("a"); call != nil {
		t.Error("a paused lane was claimed")
	}
	if got := lane(resume); got.PauseCause != forwarder.NoPause || !got.PausedUntil.IsZero() || got.PauseWords != "" {
		t.Errorf("resumed: %+v", got)
	}
	call := l.claim("a")
	lane(pause)
	l.settle(call, accepted)
	if lanes, err := l.Lanes(t.Context()); err != nil || len(lanes) != 1 || lanes[0].PauseCause != forwarder.ByHand {
		t.Errorf("the call that was under way ended the pause: %+v %v", lanes, err)
	}
	keep := func(accounts ...string) {
		t.Helper()
		if _, err := l.KeepLanes(t.Context(), accounts); err != nil {
			t.Fatal(err)
		}
	}
	keep()
	keep("shop")
	if lanes, err := l.Lanes(t.Context()); err != nil || lanes[0].PauseCause != forwarder.ByHand {
		t.Errorf("leaving the settings and coming back ended the pause: %+v %v", lanes, err)
	}
	lane(resume)
	keep()
	if got := lane(resume); got.PauseCause != forwarder.AccountRemoved {
		t.Errorf("an account that left the settings is resumed: %+v", got)
	}
	if got := lane(pause); got.PauseCause != forwarder.AccountRemoved {
		t.Errorf("an account that left the settings is paused by hand: %+v", got)
	}
}

// Who cancels while a batch is being claimed waits for the claim, and leaves what got into the call. The
// interleaving is forced: the claim is held open until somebody waits.
func TestCancelNeverReachesIntoACall(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	l := &ledger{T: t, Store: node(t, url), now: time.Now().UTC().Truncate(time.Second)}
	other := node(t, url)
	l.queue(3, nil)
	m := Mend{Remedy: Cancel, Now: l.now}
	found, err := mendable(l, other, m)
	if err != nil || len(found) != 3 {
		t.Fatalf("found %v %v", found, err)
	}
	ids := []uuid.UUID{found[0].ID, found[1].ID, found[2].ID}

	inside, goOn := make(chan bool), make(chan bool)
	l.write = l.write.WithQueryHook(pausing{after: "EXECUTE due_deliveries", inside: inside, goOn: goOn})
	claimed := make(chan *forwarder.Call)
	go func() {
		call, err := l.Claim(t.Context(), forwarder.Claim{Account: "shop", Node: "a", Now: l.now, Lease: time.Minute, Max: 1})
		if err != nil {
			t.Error(err)
		}
		claimed <- call
	}()
	<-inside
	done := make(chan []Mendable)
	go func() {
		events, err := other.Mend(t.Context(), m, "shop", ids)
		if err != nil {
			t.Error(err)
		}
		done <- events
	}()
	l.untilSomebodyWaits()
	close(goOn)
	call := <-claimed
	wantLeft(t, countLeft(<-done), map[string]int{"": 2, "it is in a call to Meta, whose outcome is not written yet": 1})
	if n := l.settle(call, accepted); n != 1 {
		t.Errorf("the call settles %d events, want 1", n)
	}
	l.wantStatuses(map[string]int{"sent": 1, "cancelled by_hand": 2})
}

// pausing holds whoever has just run a statement until the test goes on.
type pausing struct {
	after        string
	inside, goOn chan bool
}

func (pausing) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (p pausing) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	if strings.Contains(e.Query, p.after) {
		close(p.inside)
		<-p.goOn
	}
}
