package bench

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/capi"
)

// call is a request as capi writes it, with events of these amounts.
func call(cents ...int64) []byte {
	events := make([][]byte, len(cents))
	for i, n := range cents {
		events[i] = capi.Event{
			Name: "Purchase", Time: time.Unix(1_790_000_000, 0), ID: "e", WABAID: "3", ClickID: "c", Value: capi.Money{Minor: n, Currency: "BRL"},
		}.JSON()
	}
	return fmt.Appendf(nil, `{"data":[%s]}`, bytes.Join(events, []byte(",")))
}

// Of a backlog of 3 one event comes twice and one never does; of two new sales one is missing.
func TestTallyKnowsWhatIsMissingAndDoubled(t *testing.T) {
	meta := newTally(3)
	at := time.Date(2026, time.January, 7, 12, 0, 0, 0, time.UTC)
	for i, body := range [][]byte{call(1, 2), call(1000), call(2)} {
		if n := meta.take(body, at.Add(time.Duration(i)*time.Second)); n != bytes.Count(body, []byte("event_name")) {
			t.Errorf("call %d: counted %d events", i, n)
		}
	}
	var f Figures
	f.addTally(meta, []soldAt{{cents: 1000, answered: at.Add(700 * time.Millisecond)}, {cents: 1001, answered: at}})
	want := Figures{Backlog: 3, BacklogCalls: 1, BacklogBatch: 2, Missing: 2, Doubled: 1, DelayP50: 300, DelayP99: 300, DelayMax: 300}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The time of a backlog is from its first call to its last; those of others do not count.
func TestTallyTimesTheBacklog(t *testing.T) {
	meta := newTally(4)
	begin := time.Date(2026, time.January, 7, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		second int
		body   []byte
	}{{0, call(9)}, {1, call(1, 2)}, {3, call(3, 4)}, {7, call(10)}} {
		meta.take(c.body, begin.Add(time.Duration(c.second)*time.Second))
	}
	var f Figures
	f.addTally(meta, nil)
	if f.BacklogSeconds != 2 || f.BacklogRate != 2 || f.BacklogCalls != 2 {
		t.Errorf("figures: %+v", f)
	}
}

// Whatever is posted, looking for amounts ends, and finds what capi wrote into it.
func FuzzAmounts(f *testing.F) {
	f.Add([]byte(`{"value":}`))
	f.Add([]byte(`"value":-1,"value":9999999999999999999999,"value":1.2.3`))
	f.Add([]byte(`"value":9223372036854775809`)) // more than an int64 holds
	f.Add(call(1, 250))
	f.Fuzz(func(t *testing.T, noise []byte) {
		meta := newTally(10)
		meta.take(noise, time.Now())
		before := len(amountsIn(noise))
		if got := amountsIn(slices.Concat(noise, []byte("\n"), call(7))); len(got) != before+1 || got[before] != 7 {
			t.Errorf("behind %q: %v", noise, got)
		}
	})
}

// What is queued as a backlog is what a Meta that judges takes.
func TestQueuedPaymentsAreTaken(t *testing.T) {
	s := shops(1)[0]
	clicked := &attribution.Arrival{
		ID: uuid.Must(uuid.NewV7()), Thread: &attribution.Thread{IDs: []uuid.UUID{uuid.New()}},
		Referral: &attribution.Click{ClickID: "clid"},
	}
	var events []string
	for _, cents := range []int64{1, 99, 100, 123_456} {
		events = append(events, string(queuedPayment(s, now(), clicked, cents).Payload))
	}
	body := `{"data":[` + strings.Join(events, ",") + `]}`
	if got := amountsIn([]byte(body)); !slices.Equal(got, []int64{1, 99, 100, 123_456}) {
		t.Errorf("amounts: %v", got)
	}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v25.0/"+s.dataset+"/events", strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+shopToken)
	answer := httptest.NewRecorder()
	newGraph(false).ServeHTTP(answer, request)
	if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), `"events_received":4`) {
		t.Errorf("Meta answers %d %s", answer.Code, answer.Body)
	}
}

// What was recorded some time ago has an id of that time, in the same order.
func TestEarlierIDs(t *testing.T) {
	const ago = 40 * 24 * time.Hour
	a, b := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	sec, nsec := earlier(a, ago).Time().UnixTime()
	was, wasNsec := a.Time().UnixTime()
	if got := time.Unix(was, wasNsec).Sub(time.Unix(sec, nsec)); got != ago {
		t.Errorf("the id is %s older", got)
	}
	if x, y := earlier(a, ago), earlier(b, ago); bytes.Compare(x[:], y[:]) >= 0 || x.Version() != 7 {
		t.Errorf("%s, then %s", x, y)
	}
}

// A paced webhook's time counts from when it was due, also when its sender comes late.
func TestPacedTurnsDoNotWaitForTheServer(t *testing.T) {
	l := &load{pace: time.Millisecond, begin: time.Now().Add(-time.Second)}
	for i := range 3 {
		if due := l.turn(t.Context()); !due.Equal(l.begin.Add(time.Duration(i) * time.Millisecond)) {
			t.Errorf("turn %d is due %s after the beginning", i, due.Sub(l.begin))
		}
	}
	over, stop := context.WithCancel(t.Context())
	stop()
	l.begin = time.Now().Add(time.Hour)
	if due := l.turn(over); time.Until(due) < 30*time.Minute {
		t.Errorf("a turn in an hour is due in %s", time.Until(due))
	}
}
