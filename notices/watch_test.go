package notices

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// look makes one pass and compares what it tells.
func (m *memory) look(w *Watcher, when string, want ...string) {
	m.Helper()
	n, err := w.Pass(m.Context())
	if err != nil {
		m.Fatal(err)
	}
	got := m.told()
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		m.Errorf("%s (-want +got):\n%s", when, diff)
	}
	if n != len(got) {
		m.Errorf("%s: Pass says %d notices, and %d were written", when, n, len(got))
	}
}

func watcher(m *memory, to ...Receiver) *Watcher {
	if to == nil {
		to = []Receiver{{URL: "https://ops.example.com"}}
	}
	return &Watcher{Ledger: m, Receivers: to, Now: m.clock, NewID: uuid.New}
}

// A token runs out. The forwarder tries a call every 10 minutes, and a person mends it after an hour.
func TestAPausedAccountIsToldOnce(t *testing.T) {
	m := newMemory(t)
	w := watcher(m)
	m.seen.Lanes = []Lane{{Account: "shop"}, {Account: "clinic"}}
	m.look(w, "all is well")

	lane := &m.seen.Lanes[0]
	*lane = Lane{
		Account: "shop", PauseCause: PauseAccount, PauseWords: "Meta refuses the token; make a new one",
		PausedUntil: noon.Add(10 * time.Minute), OldestDue: noon,
	}
	m.look(w, "the token is refused", "account.paused shop account")
	for range 6 {
		m.now = lane.PausedUntil.Add(10 * time.Second)
		m.look(w, "the pause ran out, and one call is tried")
		lane.PausedUntil = m.now.Add(10 * time.Minute)
		m.look(w, "it was refused again")
	}
	m.now = lane.PausedUntil.Add(2 * time.Minute)
	lane.PauseCause = "" // a call was accepted
	m.look(w, "the token was mended, and calls are taken", "account.resumed shop account")
	lane.OldestDue = time.Time{}
	m.look(w, "and that is all")

	lane.PausedUntil, lane.PauseCause = m.now.Add(10*time.Minute), PauseAccount
	m.look(w, "refused another day", "account.paused shop account")
	*lane = Lane{Account: "shop"}
	m.look(w, "a person resumed it", "account.resumed shop account")
}

func TestWhatPausesAnAccount(t *testing.T) {
	for cause, told := range map[string]bool{
		PauseAccount: true, PausePerson: true, PauseRemoved: true, "throttled": false, "breaker": false, "": false,
	} {
		m := newMemory(t)
		m.seen.Lanes = []Lane{{Account: "shop", PauseCause: cause, PausedUntil: noon.Add(time.Hour), OldestDue: noon.Add(-time.Hour)}}
		if _, err := watcher(m).Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := m.told(); (len(got) == 1) != told {
			t.Errorf("a lane that rests for %q tells %v", cause, got)
		}
	}
}

// One cause after another: each is told, but the account does not send in between.
func TestAnotherCauseOfAPause(t *testing.T) {
	m := newMemory(t)
	w := watcher(m)
	m.seen.Lanes = []Lane{{Account: "shop", PauseCause: PauseAccount, PausedUntil: noon.Add(time.Hour)}}
	m.look(w, "refused", "account.paused shop account")
	m.seen.Lanes[0].PauseCause = PausePerson
	m.look(w, "and paused by a person", "account.paused shop person")
	m.seen.Lanes[0] = Lane{Account: "shop"}
	m.look(w, "resumed", "account.resumed shop person")
}

func TestAQueueThatStandsStill(t *testing.T) {
	m := newMemory(t)
	w := watcher(m)
	m.seen.Lanes = []Lane{{Account: "shop", OldestDue: noon}, {Account: "clinic"}}
	m.now = noon.Add(15 * time.Minute)
	m.look(w, "after 15 minutes")
	m.now = m.now.Add(time.Second)
	m.look(w, "and a second", "queue.stuck shop not_tried")
	m.now = m.now.Add(time.Hour)
	m.look(w, "still")
	m.seen.Lanes[0].OldestDue = m.now
	m.look(w, "it moves: nobody has to know")
	m.now = m.now.Add(16 * time.Minute)
	m.look(w, "and stands again", "queue.stuck shop not_tried")
}

// A proxy asks for a login: call after call fails, the breaker lets the lane rest, and each try moves what is due.
func TestAQueueWhoseCallsFail(t *testing.T) {
	m := newMemory(t)
	w := watcher(m)
	lane := Lane{Account: "shop", OldestDue: noon.Add(time.Hour), PauseCause: "breaker", PausedUntil: noon.Add(time.Hour)}
	m.seen.Lanes = []Lane{lane}
	m.look(w, "it has only begun")
	lane.Failing, lane.LastWords = true, "the proxy asks for a login (HTTP 407)."
	m.seen.Lanes[0] = lane
	if n, err := w.Pass(t.Context()); n != 1 || err != nil || !strings.Contains(string(m.rows[0].Body), "the last one: the proxy asks for a login (HTTP 407). No event waits.") {
		t.Fatalf("told %v %v", m.rows, err)
	}
	m.told()
	m.look(w, "still")
	m.seen.Lanes[0].PauseCause = PausePerson
	m.look(w, "somebody pauses it", "account.paused shop person")
	m.seen.Lanes[0].PauseCause = "throttled"
	m.look(w, "and resumes it: the next look has news", "account.resumed shop person")
	m.look(w, "which are the same", "queue.stuck shop failing")
	m.seen.Lanes[0] = Lane{Account: "shop", OldestDue: noon}
	m.look(w, "a call was taken: nobody has to know")
}

// What waited while its lane rested, or its account was paused, did not stand still.
func TestWhatRestedIsNotStuck(t *testing.T) {
	m := newMemory(t)
	w := watcher(m)
	m.seen.Lanes = []Lane{{Account: "shop", OldestDue: noon, PauseCause: "throttled", PausedUntil: noon.Add(time.Hour)}}
	m.now = noon.Add(75 * time.Minute)
	m.look(w, "throttled until 15 minutes ago")
	m.seen.Lanes[0] = Lane{Account: "shop", OldestDue: noon, PauseCause: PausePerson, PausedUntil: noon.Add(24 * time.Hour)}
	m.look(w, "paused", "account.paused shop person")
	m.seen.Lanes[0] = Lane{Account: "shop", OldestDue: noon}
	m.look(w, "resumed, with what is an hour old", "account.resumed shop person")
	m.look(w, "and it does not move", "queue.stuck shop not_tried")
}

func TestEventsThatExpire(t *testing.T) {
	m := newMemory(t)
	w := watcher(m)
	tomorrow := Backlog{Events: 3, SendableUntil: noon.Add(23 * time.Hour)}
	m.seen.Expiring = []Expiring{{"clinic", Waiting, tomorrow}, {"shop", NeedsPerson, tomorrow}}
	m.look(w, "two accounts", "events.expiring clinic queued", "events.expiring shop held")
	m.seen.Expiring = append(m.seen.Expiring, Expiring{"shop", Waiting, tomorrow})
	m.look(w, "and another cause", "events.expiring shop queued")
	m.seen.Expiring[0].Events++
	m.look(w, "more of the same")
	m.seen.Expiring = nil
	m.look(w, "sent, or released, or expired")
}

// One account has so much queued that counting it fails: it is told without, and the others are told too. What
// expires and cannot be counted has not ended.
func TestACountThatFailsKeepsNobodyFromBeingTold(t *testing.T) {
	m := newMemory(t)
	slow := errors.New("canceling statement due to statement timeout")
	m.fails = map[string]error{"clinic": slow}
	m.backlog = Backlog{Events: 2, SendableUntil: noon.Add(time.Hour)}
	for _, account := range []string{"clinic", "shop"} {
		m.seen.Lanes = append(m.seen.Lanes, Lane{Account: account, PauseCause: PausePerson, PausedUntil: noon.Add(time.Hour)})
	}
	expiring := Condition{EventsExpiring, "shop", Waiting}
	m.seen.Open, m.seen.Uncounted = []Condition{expiring}, slow
	n, err := watcher(m).Pass(t.Context())
	if n != 2 || !errors.Is(err, slow) || !strings.Contains(err.Error(), "account clinic") {
		t.Errorf("%d notices %v, want both and the error", n, err)
	}
	for i, words := range []string{"How many events wait could not be counted in time.", "2 events wait"} {
		if body := string(m.rows[i].Body); !strings.Contains(body, words) || strings.Contains(body, `"uncounted":true`) != (i == 0) {
			t.Errorf("notice %d says %s", i, body)
		}
	}
	if !slices.Contains(m.seen.Open, expiring) {
		t.Error("what could not be counted has ended")
	}
}

// Thousands of accounts of one agency lose their token at once: all are told, over several passes.
func TestManyAtOnce(t *testing.T) {
	m := newMemory(t)
	w := watcher(m)
	for i := range 250 {
		m.seen.Lanes = append(m.seen.Lanes, Lane{Account: fmt.Sprint("shop-", i), PauseCause: PauseAccount, PausedUntil: noon.Add(time.Hour)})
	}
	for pass, want := range []int{100, 100, 50, 0} {
		if n, err := w.Pass(t.Context()); n != want || err != nil {
			t.Errorf("pass %d: %d notices %v, want %d", pass, n, err, want)
		}
	}
}

func TestWhoIsTold(t *testing.T) {
	m := newMemory(t)
	all, some, none := Receiver{URL: "https://a.example"}, Receiver{URL: "https://b.example", Events: []Kind{AccountPaused}},
		Receiver{URL: "https://c.example", Events: []Kind{QueueStuck, EventsExpiring}}
	m.seen.Lanes = []Lane{{Account: "shop", PauseCause: PauseAccount, PausedUntil: noon.Add(time.Hour)}}
	if _, err := watcher(m, all, some, none).Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(m.rows) != 2 || m.rows[0].Receiver != all.ID() || m.rows[1].Receiver != some.ID() || m.rows[0].ID == m.rows[1].ID {
		t.Errorf("told %+v, want the first two, each by a notice of its own", m.rows)
	}
	m = newMemory(t)
	m.seen.Lanes = []Lane{{Account: "shop", PauseCause: PauseAccount, PausedUntil: noon.Add(time.Hour)}}
	w := &Watcher{Ledger: m, Now: m.clock, NewID: uuid.New}
	m.look(w, "nobody in the settings")
	w.Receivers = []Receiver{all}
	m.look(w, "who comes later is told what still holds", "account.paused shop account")
}

// The words are for the person who is woken by them.
func TestWhatIsSaid(t *testing.T) {
	waiting := Backlog{Events: 12, SendableUntil: time.Date(2026, 3, 16, 9, 50, 0, 0, time.UTC)}
	lane := Lane{PauseWords: "Meta refuses the token; make a new one", OldestDue: noon}
	for _, c := range []struct {
		turn       turn
		waiting    Backlog
		words, fix string
	}{
		{
			turn{Condition: Condition{AccountPaused, "shop", PauseAccount}, tell: AccountPaused, lane: lane},
			waiting,
			"Account shop is paused: Meta refuses the token; make a new one. 12 events wait; Meta takes the first until 2026-03-16 09:50 UTC.",
			"Mend what Meta refuses, then run: clickthread accounts resume shop (else one call every 10 minutes tries again).",
		},
		{
			turn{Condition: Condition{AccountPaused, "shop", PausePerson}, tell: AccountPaused},
			Backlog{},
			"Account shop is paused. No event waits.", "When it may send again, run: clickthread accounts resume shop",
		},
		{
			turn{Condition: Condition{AccountPaused, "shop", PauseRemoved}, tell: AccountPaused, lane: Lane{PauseWords: "not in the settings"}},
			Backlog{Events: 1, SendableUntil: waiting.SendableUntil},
			"Account shop is paused: not in the settings. 1 event waits; Meta takes it until 2026-03-16 09:50 UTC.",
			"Put the account back into the settings and restart the server.",
		},
		{
			turn{Condition: Condition{AccountPaused, "shop", PauseAccount}, ended: true, tell: AccountResumed},
			waiting,
			"Account shop is no longer paused. 12 events wait; Meta takes the first until 2026-03-16 09:50 UTC.", "Nothing is to be done.",
		},
		{
			turn{Condition: Condition{QueueStuck, "shop", NotTried}, tell: QueueStuck, lane: lane},
			waiting,
			"Events of account shop are due since 2026-03-10 12:00 UTC and were not tried, though it is not paused. " +
				"12 events wait; Meta takes the first until 2026-03-16 09:50 UTC.",
			"Look for this account in the server's log, then restart the server; nothing is lost by that.",
		},
		{
			turn{Condition: Condition{QueueStuck, "shop", Failing}, tell: QueueStuck, lane: Lane{LastWords: "Meta is away"}},
			waiting,
			"No call for account shop was taken for over 15 minutes; the last one: Meta is away. " +
				"12 events wait; Meta takes the first until 2026-03-16 09:50 UTC.",
			"If Meta is away, wait: everything is tried again by itself. If it is not, see what lies between, such as a proxy, a firewall or DNS: " +
				"clickthread accounts check shop",
		},
		{
			turn{Condition: Condition{EventsExpiring, "shop", NeedsPerson}, tell: EventsExpiring},
			waiting,
			"Held events of account shop will soon be too old to send. 12 events wait; Meta takes the first until 2026-03-16 09:50 UTC.",
			"See what each of them lacks: clickthread events ls --account shop --state held",
		},
		{
			turn{Condition: Condition{EventsExpiring, "shop", Waiting}, tell: EventsExpiring},
			waiting,
			"Queued events of account shop will soon be too old to send. 12 events wait; Meta takes the first until 2026-03-16 09:50 UTC.",
			"See in /readyz and in the server's log why they wait; if the account is paused, mend the cause and run: clickthread accounts resume shop",
		},
	} {
		d := c.turn.data(c.waiting)
		if d.Words != c.words || d.Fix != c.fix || d.Events != c.waiting.Events || (d.SendableUntil == nil) != (c.waiting.Events == 0) {
			t.Errorf("%+v\n%s\n%s", c.turn.Condition, d.Words, d.Fix)
		}
	}
}

// The body is the payload of Standard Webhooks: type, timestamp, data.
func TestTheBody(t *testing.T) {
	until := noon.Add(time.Hour)
	list, err := Address([]Receiver{{URL: "https://a.example"}}, QueueStuck, "shop", noon.In(time.FixedZone("BRT", -3*3600)),
		Data{Account: "shop", Cause: "c", Words: "w", Fix: "f", Events: 1, SendableUntil: &until}, uuid.New)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type":"queue.stuck","timestamp":"2026-03-10T12:00:00Z","data":{"account":"shop","cause":"c","words":"w","fix":"f",` +
		`"events":1,"sendable_until":"2026-03-10T13:00:00Z"}}`
	if got := string(list[0].Body); got != want {
		t.Errorf("body %s\nwant %s", got, want)
	}
	if _, err := Address(nil, QueueStuck, "shop", noon, json.RawMessage("{"), uuid.New); err == nil || !strings.Contains(err.Error(), "queue.stuck") {
		t.Errorf("what cannot be written: %v", err)
	}
}
