package sql

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/clickthread/clickthread/forwarder"
)

const day = 24 * time.Hour

// recordedAt is an id that was made at a time.
func recordedAt(at time.Time) []byte {
	id, random := idAt(at), newID()
	copy(id[6:], random[6:])
	return id[:]
}

// keepOld stores one row of every kind as if it had been recorded at a time: a message with a click, a
// match that waits, a body in quarantine, and a delivery that two calls carried.
func (l *ledger) keepOld(account string, at time.Time, status forwarder.Status) {
	l.Helper()
	message, delivery, first, last := recordedAt(at), recordedAt(at), recordedAt(at), recordedAt(at)
	claim, us := fmt.Sprintf("%x", delivery), micros(at)
	outcome := forwarder.Accepted
	if status == forwarder.Sending {
		outcome = forwarder.Open
	}
	call := callRow{AccountID: account, ID: first, Outcome: string(forwarder.Failed), StartedAt: us, EndedAt: us}
	again := callRow{AccountID: account, ID: last, Outcome: string(outcome), StartedAt: us}
	for _, err := range []error{
		putRow(l, messageKeyRow{AccountID: account, Key: message, ReceivedAt: us}),
		putRow(l, messageRow{AccountID: account, ID: message, ConversationID: message, Type: "text", SentAt: us, ReceivedAt: us, Body: []byte("oi")}),
		putRow(l, clickRow{AccountID: account, ConversationID: message, ID: message, Clid: claim, AdID: "120", ClickedAt: us, ReceivedAt: us}),
		putRow(l, waitingRow{AccountID: account, ConversationID: message, TriggerID: message, Rule: "r", ReceivedAt: us, Body: []byte("oi")}),
		putRow(l, evaluationRow{AccountID: account, Rule: "r", DecidedAt: us, TriggerID: message}),
		putRow(l, quarantineRow{Digest: message, ReceivedAt: us, Body: []byte("?")}),
		putRow(l, deliveryRow{
			AccountID: account, ID: delivery, Status: string(status), EventID: claim, ClaimKey: claim, ConversationID: message,
			TriggerID: message, CallID: last, CreatedAt: us, UpdatedAt: us,
		}),
		putRow(l, claimRow{
			AccountID: account, Key: claim, EventID: claim, ConversationID: message, TriggerID: message, DeliveryID: delivery, CreatedAt: us,
		}),
		putRow(l, call), putRow(l, again),
		insert(l.Context(), l.write, []laneRow{{AccountID: account}}, "CONFLICT DO NOTHING"),
		putRow(l, attemptRow{AccountID: account, DeliveryID: delivery, CallID: first}),
	} {
		if err != nil {
			l.Fatal(err)
		}
	}
}

func putRow[T any](l *ledger, row T) error { return insert(l.Context(), l.write, []T{row}, "") }

// prune prunes, and checks that Prunable foretold it.
func (l *ledger) prune(r Retention) map[string]int {
	l.Helper()
	foretold, err := l.Prunable(l.Context(), r)
	if err != nil {
		l.Fatal(err)
	}
	pruned, err := l.Prune(l.Context(), r)
	if err != nil {
		l.Fatal(err)
	}
	if diff := cmp.Diff(foretold, pruned); diff != "" {
		l.Errorf("foretold and pruned (-foretold +pruned):\n%s", diff)
	}
	rows := map[string]int{}
	for _, k := range pruned {
		if k.Rows > 0 {
			rows[k.Kind] = k.Rows
		}
	}
	return rows
}

func (l *ledger) wantRows(want map[string]int) {
	l.Helper()
	counts, err := l.RowCounts(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	for table, n := range want {
		if counts[table] != n {
			l.Errorf("%d rows in %s, want %d", counts[table], table, n)
		}
	}
}

// pruneByAge: every kind goes by its own setting, also that of an account that left the settings.
func pruneByAge(t *testing.T, l *ledger) {
	for _, days := range []int{1, 10, 20, 40} {
		l.keepOld("shop", l.now.Add(-time.Duration(days)*day), forwarder.Sent)
	}
	l.keepOld("gone", l.now.Add(-20*day), forwarder.Sent)
	ago := func(days int) time.Time { return l.now.Add(-time.Duration(days) * day) }
	r := Retention{
		Clicks: ago(14), Messages: ago(30), Texts: ago(7), Keys: ago(30), Unattributed: ago(8), Quarantine: ago(15),
		Calls: ago(30), Ledger: ago(35),
	}
	want := map[string]int{
		"clicks": 3, "messages": 1, "texts": 3, "message_keys": 1, "evaluations": 1, "unattributed": 4, "quarantine": 3, "calls": 2, "ledger": 1,
	}
	if diff := cmp.Diff(want, l.prune(r)); diff != "" {
		t.Errorf("pruned (-want +got):\n%s", diff)
	}
	l.wantRows(map[string]int{
		"clicks": 2, "click_days": 3, "messages": 4, "message_keys": 4, "unattributed": 1, "quarantine": 2, "calls": 8, "attempts": 4,
		"deliveries": 4, "claims": 4, "rule_evaluations": 4,
	})
	if diff := cmp.Diff(map[string]int{}, l.prune(r)); diff != "" {
		t.Errorf("a second time (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{}, l.prune(Retention{})); diff != "" {
		t.Errorf("without any limit (-want +got):\n%s", diff)
	}
}

// pruneEnded: the ledger keeps everything that may still happen, and a claim as long as its delivery.
func pruneEnded(t *testing.T, l *ledger) {
	old := l.now.Add(-500 * day)
	for _, status := range forwarder.Statuses() {
		if status != forwarder.Unattributed {
			l.keepOld("shop", old, status)
		}
	}
	changed := micros(l.now)
	if _, err := l.write.NewRaw("UPDATE deliveries SET updated_at = ? WHERE status = 'rejected'", changed).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The claim of the cancelled one was freed and taken by a younger delivery.
	young := newID()
	_, err := l.write.NewRaw("UPDATE claims SET delivery_id = ? WHERE delivery_id = (SELECT id FROM deliveries WHERE status = 'cancelled')",
		young[:]).Exec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := l.prune(Retention{Ledger: l.now.Add(-400 * day)}); got["ledger"] != 5 {
		t.Errorf("pruned %v, want sent, held, expired, cancelled, skipped", got)
	}
	l.wantStatuses(map[string]int{"queued": 1, "sending": 1, "waiting": 1, "rejected": 1})
	l.wantRows(map[string]int{"claims": 5, "attempts": 4, "calls": 18})

	if got := l.prune(Retention{Calls: l.now.Add(-30 * day)}); got["calls"] != 17 {
		t.Errorf("pruned %v, want all calls but the open one", got)
	}
	l.wantRows(map[string]int{"attempts": 0, "calls": 1})
}

// pruneInBatches: more than one transaction's worth, and a pruning that is stopped and done again.
func pruneInBatches(t *testing.T, l *ledger) {
	const n = 1100
	old := l.now.Add(-40 * day).Truncate(day).Add(time.Hour)
	var clicks []clickRow
	var messages []messageRow
	for i := range n {
		id, clid := recordedAt(old), ""
		if i%2 == 0 {
			clid = fmt.Sprint(i)
		}
		clicks = append(clicks, clickRow{
			AccountID: "shop", ConversationID: id, ID: id, Clid: clid, AdID: "120", ClickedAt: micros(old.Add(time.Duration(i/700) * time.Second)),
		})
		messages = append(messages, messageRow{AccountID: []string{"a", "b"}[i/600], ID: id, ConversationID: id, Body: []byte("oi")})
	}
	if err := errors.Join(insert(t.Context(), l.write, clicks, ""), insert(t.Context(), l.write, messages, "")); err != nil {
		t.Fatal(err)
	}
	before := l.now.Add(-30 * day)
	ctx, stop := context.WithCancel(t.Context())
	_, err := l.Prune(ctx, Retention{Clicks: before, Messages: before, Progress: func(PrunedKind) { stop() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	l.wantRows(map[string]int{"clicks": 0, "click_days": 1, "messages": n})
	var day clickDayRow
	if err := l.read.NewSelect().Model(&day).Scan(t.Context()); err != nil || day.Clicks != n || day.WithoutClid != n/2 {
		t.Errorf("folded into %+v %v", day, err)
	}
	if got := l.prune(Retention{Clicks: before, Messages: before}); got["messages"] != n {
		t.Errorf("done again: %v", got)
	}
}

// pruneTexts: what was cleared is not looked through again, and what comes late is not missed.
func pruneTexts(t *testing.T, l *ledger) {
	keep := func(at time.Time) {
		id := recordedAt(at)
		if err := putRow(l, messageRow{AccountID: "shop", ID: id, ConversationID: id, Body: []byte("oi")}); err != nil {
			t.Fatal(err)
		}
	}
	week := l.now.Add(-7 * day)
	keep(week.Add(-time.Minute))
	keep(week.Add(time.Minute))
	if got := l.prune(Retention{Texts: week}); got["texts"] != 1 {
		t.Errorf("cleared %v, want the one of over a week", got)
	}
	keep(week.Add(-2 * time.Minute)) // committed late, by a node whose clock is behind
	if got := l.prune(Retention{Texts: week.Add(2 * time.Minute)}); got["texts"] != 2 {
		t.Errorf("cleared %v, want the late one and the next", got)
	}
	var kept int
	if err := l.read.NewRaw("SELECT count(*) FROM messages WHERE body IS NOT NULL").Scan(t.Context(), &kept); err != nil || kept != 0 {
		t.Errorf("%d texts are left %v", kept, err)
	}
	l.wantRows(map[string]int{"messages": 3})
}

func TestIDsTellTheTime(t *testing.T) {
	begin := time.Now().Truncate(time.Millisecond)
	id := newID()
	end := time.Now().Add(time.Millisecond)
	for _, c := range []struct{ earlier, later uuid.UUID }{
		{idAt(begin), id}, {id, idAt(end)}, {idAt(time.Time{}), idAt(time.Unix(1, 0))},
	} {
		if bytes.Compare(c.earlier[:], c.later[:]) >= 0 {
			t.Errorf("%v is not before %v", c.earlier, c.later)
		}
	}
}
