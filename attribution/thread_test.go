package attribution

// What one conversation keeps: its clicks, and the matches that wait for one.

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/reason"
)

var present, merged = uuid.UUID{0: 0xC0, 15: 1}, uuid.UUID{0: 0xC0, 15: 2}

// message is an arrival with a referral: the n-th that we received, some time before the event.
func message(n byte, clickID string, before time.Duration) *Arrival {
	return &Arrival{
		ID: uuid.UUID{15: n}, At: event.Add(-before), ReceivedAt: event,
		Referral: &Click{ClickID: clickID, AdID: "120210000000000001", SourceType: "ad"},
	}
}

// kept prints clicks as "conversation/id clid age".
func kept(clicks []Click) (lines []string) {
	for _, c := range clicks {
		lines = append(lines, fmt.Sprintf("%d/%d %q -%s", c.Conversation[15], c.ID[15], c.ClickID, event.Sub(c.At)))
	}
	return lines
}

func TestCapture(t *testing.T) {
	known := Click{ID: uuid.UUID{15: 9}, Conversation: merged, ClickID: "a", At: event.Add(-2 * time.Hour)}
	for _, c := range []struct {
		name         string
		before       []Click
		messages     []*Arrival
		want, writes []string
	}{
		{
			"a new click belongs to the present conversation", nil,
			[]*Arrival{message(1, "a", time.Hour)},
			[]string{`1/1 "a" -1h0m0s`},
			[]string{`1/1 "a" -1h0m0s`},
		},
		{
			"ledger 11: one click id is one click, at its earliest message", nil,
			[]*Arrival{message(1, "a", 2*time.Hour), message(2, "a", 3*time.Hour), message(3, "a", time.Hour)},
			[]string{`1/1 "a" -3h0m0s`},
			[]string{`1/1 "a" -3h0m0s`},
		},
		{
			"clicks without an id are one for each message", nil,
			[]*Arrival{message(1, "", time.Hour), message(2, "", time.Hour)},
			[]string{`1/1 "" -1h0m0s`, `1/2 "" -1h0m0s`},
			[]string{`1/1 "" -1h0m0s`, `1/2 "" -1h0m0s`},
		},
		{
			"a click of a merged conversation moves back in its own place",
			[]Click{known},
			[]*Arrival{message(1, "a", 3*time.Hour)},
			[]string{`2/9 "a" -3h0m0s`},
			[]string{`2/9 "a" -3h0m0s`},
		},
		{
			"a click of a merged conversation is not stored again",
			[]Click{known},
			[]*Arrival{message(1, "a", time.Hour)},
			[]string{`2/9 "a" -2h0m0s`},
			nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			th := &Thread{IDs: []uuid.UUID{present, merged}, Clicks: c.before}
			for _, m := range c.messages {
				th.Capture(m)
			}
			if diff := cmp.Diff(c.want, kept(th.Clicks)); diff != "" {
				t.Errorf("clicks differ (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.writes, kept(th.Captured)); diff != "" {
				t.Errorf("clicks to write differ (-want +got):\n%s", diff)
			}
			if th.Touched != (c.writes != nil) {
				t.Errorf("Touched = %t: waiting triggers are looked at again exactly when a click is written", th.Touched)
			}
		})
	}
}

// match is the n-th trigger's match with a rule, some time before the event.
func match(n byte, rule string, before time.Duration) Waiting {
	return Waiting{Trigger: uuid.UUID{15: n}, Rule: rule, At: event.Add(-before), Reason: reason.NoClickID}
}

// waiting prints matches as "trigger rule".
func waiting(matches []Waiting) (lines []string) {
	for _, w := range matches {
		lines = append(lines, fmt.Sprintf("%d %s", w.Trigger[15], w.Rule))
	}
	return lines
}

// TestWaitKeepsTheNewest is ledger 13: a conversation keeps 50 matches, and says which it let go.
func TestWaitKeepsTheNewest(t *testing.T) {
	th := &Thread{IDs: []uuid.UUID{present, merged}}
	for n := byte(1); n <= MaxWaiting; n++ {
		stored := match(n, "paid", time.Hour-time.Duration(n)*time.Minute)
		stored.Conversation = merged
		th.Waiting = append(th.Waiting, stored)
	}
	for _, step := range []struct {
		w    Waiting
		lets string
	}{
		{match(60, "paid", 0), "1 paid"},            // the newest: the oldest goes
		{match(61, "paid", 2*time.Hour), "61 paid"}, // older than all: it goes itself
		{match(62, "paid", time.Second), "2 paid"},
	} {
		if diff := cmp.Diff([]string{step.lets}, waiting(th.Wait(step.w))); diff != "" {
			t.Errorf("let go differs (-want +got):\n%s", diff)
		}
	}
	if len(th.Waiting) != MaxWaiting {
		t.Errorf("%d matches wait, want %d", len(th.Waiting), MaxWaiting)
	}
	if diff := cmp.Diff([]string{"60 paid", "62 paid"}, waiting(th.Added)); diff != "" {
		t.Errorf("rows to insert differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"1 paid", "2 paid"}, waiting(th.Dropped)); diff != "" {
		t.Errorf("rows to delete differ (-want +got):\n%s", diff)
	}
	if th.Dropped[0].Conversation != merged || th.Added[0].Conversation != present {
		t.Error("an old row is deleted where it was stored, a new one is stored in the present conversation")
	}
}

// TestRevivable is ledger 13: a click brings back whole triggers, so that shadowing between their
// rules holds, and only those that it counts for.
func TestRevivable(t *testing.T) {
	th := &Thread{IDs: []uuid.UUID{present}, Waiting: []Waiting{
		match(3, "receipt", time.Hour), match(3, "paid", time.Hour), match(2, "lead", 2*time.Hour), match(1, "lead", 5*time.Hour),
	}}
	th.Wait(match(4, "paid", time.Minute))
	if got := th.Revivable(account.LastClick); got != nil {
		t.Fatalf("without a click %v would be evaluated again", waiting(got))
	}

	th.Capture(message(9, "", 6*time.Hour))
	if got := th.Revivable(account.LastClick); got != nil || th.Touched {
		t.Fatalf("a status ad brought back %v; touched: %t", waiting(got), th.Touched)
	}

	th.Capture(message(10, "a", 3*time.Hour))
	got := th.Revivable(account.LastClick)
	if diff := cmp.Diff([]string{"2 lead", "3 paid", "4 paid"}, waiting(got)); diff != "" {
		t.Errorf("triggers differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"1 lead"}, waiting(th.Waiting)); diff != "" {
		t.Errorf("what still waits differs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"2 lead", "3 paid", "3 receipt"}, waiting(th.Dropped)); diff != "" {
		t.Errorf("rows to delete differ (-want +got):\n%s", diff)
	}
	if len(th.Added) > 0 {
		t.Errorf("rows to insert = %v; one that was added and revived in a transaction is never written", waiting(th.Added))
	}
}

// TestOldMessagesFireNothing is ledger 5.
func TestOldMessagesFireNothing(t *testing.T) {
	for before, old := range map[time.Duration]bool{0: false, Window: false, Window + time.Microsecond: true} {
		if got := message(1, "a", before).Old(); got != old {
			t.Errorf("a message that is %s old on arrival: Old = %t", before, got)
		}
	}
}

func TestSnapshotCounts(t *testing.T) {
	var s Snapshot
	for range 2 {
		s.Add("shop", "blocked")
	}
	s.Add("other", "blocked")
	want := map[Count]int{{"shop", "blocked"}: 2, {"other", "blocked"}: 1}
	if diff := cmp.Diff(want, s.Counts); diff != "" {
		t.Errorf("counts differ (-want +got):\n%s", diff)
	}
}
