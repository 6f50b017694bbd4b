package sql

import (
	"testing"
	"time"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
)

// Who opts out by phone is known by every other name as well, now and later; what waits for them is
// cancelled, what is in a call is not.
func optsOut(t *testing.T, l *ledger) {
	byPhone := OptOut{Account: "shop", Kind: attribution.WAID, Value: ana.WAID, Since: l.now}
	l.queue(2, nil) // of ana
	call := l.claim("a")
	l.queue(1, func(_ int, d *forwarder.Delivery) { d.Status = forwarder.Held })
	if err := l.AddOptOuts(t.Context(), []OptOut{byPhone}); err != nil {
		t.Fatal(err)
	}
	if n, err := l.CancelOptedOut(t.Context(), l.now); n != 1 || err != nil {
		t.Errorf("cancelled %d %v, want the held one", n, err)
	}
	if n := l.settle(call, accepted); n != 2 {
		t.Errorf("%d of the call settled", n)
	}
	l.wantStatuses(map[string]int{"sent": 2, "cancelled opted_out": 1})
	l.wantOptOuts(ana.WAID, ana.UserID)

	renamed := l.message("renamed", ana, l.now.Add(time.Minute))
	renamed.Becomes = attribution.Identity{WAID: "5511900000009"}
	l.record(nil, renamed)
	if n, err := l.FollowOptOuts(t.Context()); n != 1 || err != nil {
		t.Errorf("followed %d names %v", n, err)
	}
	if n, err := l.RemoveOptOuts(t.Context(), []OptOut{{Account: "shop", Kind: attribution.UserID, Value: ana.UserID}}); n != 3 || err != nil {
		t.Errorf("removed %d names %v, want all of hers", n, err)
	}
	l.wantOptOuts()
}

// A number that was given up is another's: who opted out under it before is followed, who has it now is not
// taken for them.
func followsThePersonNotTheNumber(t *testing.T, l *ledger) {
	number := attribution.Identity{WAID: ana.WAID}
	l.record(nil, l.message("first", number, l.now.Add(-time.Hour)))
	byPhone := OptOut{Account: "shop", Kind: attribution.WAID, Value: ana.WAID, Since: l.now}
	if err := l.AddOptOuts(t.Context(), []OptOut{byPhone}); err != nil {
		t.Fatal(err)
	}
	moved := l.message("moved", number, l.now.Add(time.Minute))
	moved.Becomes = attribution.Identity{WAID: "5511900000009"}
	l.record(nil, moved)
	l.record(nil, l.message("another", number, l.now.Add(time.Hour)))
	if _, err := l.FollowOptOuts(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.wantOptOuts(ana.WAID, "5511900000009")
}

func (l *ledger) wantOptOuts(names ...string) {
	l.Helper()
	list, err := l.OptOuts(l.Context(), "shop")
	if err != nil || len(list) != len(names) {
		l.Fatalf("on the list: %+v %v", list, err)
	}
	for _, name := range names {
		found := false
		for _, o := range list {
			found = found || o.Value == name
		}
		if !found {
			l.Errorf("%s is not on the list", name)
		}
	}
}
