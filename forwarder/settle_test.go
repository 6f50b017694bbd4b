package forwarder

// What Meta's answers become in the ledger.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/reason"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// Meta's refusals, one for each verdict of capi.Error.
var (
	serviceDown  = &capi.Error{HTTPStatus: 503, Code: 2}
	tooManyCalls = &capi.Error{HTTPStatus: 403, Code: 80004}
	tokenInvalid = &capi.Error{HTTPStatus: 401, Code: 190}
	eventWrong   = &capi.Error{HTTPStatus: 400, Code: 100, Subcode: 2804066}
	neverSeen    = &capi.Error{HTTPStatus: 400, Code: 31337}
	noAnswer     = &capi.Error{Sent: true, Err: context.DeadlineExceeded}

	errStorage = errors.New("storage is away")
)

func TestDecide(t *testing.T) {
	const wait = firstWait // due after the first backoff, give or take its jitter
	again := Settlement{Outcome: Failed, To: Queued, Due: noon.Add(wait)}
	for _, c := range []struct {
		name   string
		events int
		err    error
		policy account.UnknownPolicy
		want   Settlement
	}{
		{"taken", 3, nil, account.Resend, Settlement{Outcome: Accepted, To: Sent}},
		{"again: Meta is down", 3, serviceDown, account.Resend, again},
		{"again: not an answer of Meta's at all", 3, errStorage, account.Resend, again},
		{"throttled: the lane rests a minute", 3, tooManyCalls, account.Resend, Settlement{
			Outcome: Failed, To: Queued, Due: noon, Pause: &Pause{Until: noon.Add(throttleWait), Cause: Throttled},
		}},
		{"ledger 23: pause keeps the events queued", 3, tokenInvalid, account.Resend, Settlement{
			Outcome: Refused, To: Queued, Due: noon, Pause: &Pause{Until: noon.Add(probeWait), Cause: AccountWrong},
		}},
		{"refused: a batch is split", 3, eventWrong, account.Resend, Settlement{Outcome: Refused, To: Queued, Due: noon, BatchLimit: 2}},
		{"refused: a single event ends", 1, eventWrong, account.Resend, Settlement{
			Outcome: Refused, To: Rejected, Reason: reason.MetaRefused, Due: noon.Add(wait),
		}},
		{"unclear: a batch is split", 1000, neverSeen, account.Resend, Settlement{Outcome: Refused, To: Queued, Due: noon, BatchLimit: 500}},
		{"ledger 23: unclear, a single event is held", 1, neverSeen, account.Resend, Settlement{
			Outcome: Refused, To: Held, Reason: reason.MetaUnknown, Due: noon.Add(wait),
		}},
		{"unknown: sent again by policy", 3, noAnswer, account.Resend, Settlement{Outcome: Unknown, To: Queued, Due: noon.Add(wait)}},
		{"unknown: held by policy", 3, noAnswer, account.Hold, Settlement{
			Outcome: Unknown, To: Held, Reason: reason.UnknownOutcome, Due: noon.Add(wait),
		}},
		{"an error that is wrapped is the same", 3, fmt.Errorf("send: %w", noAnswer), account.Resend, Settlement{
			Outcome: Unknown, To: Queued, Due: noon.Add(wait),
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := decide(&Call{Deliveries: make([]Delivery, c.events)}, capi.Receipt{}, c.err, c.policy, noon)
			diff := cmp.Diff(c.want, got, cmpopts.EquateApproxTime(wait/5),
				cmpopts.IgnoreFields(Settlement{}, "HTTPStatus", "Code", "Subcode", "Words", "EndedAt"), cmpopts.IgnoreFields(Pause{}, "Words"))
			if diff != "" {
				t.Errorf("settlement differs (-want +got):\n%s", diff)
			}
			if !got.EndedAt.Equal(noon) || (got.Words == "") != (c.err == nil) || got.Pause != nil && got.Pause.Words == "" {
				t.Errorf("ended at %s in the words %q, pause %+v", got.EndedAt, got.Words, got.Pause)
			}
		})
	}
}

// TestAnAnswerIsKeptAsItCame: what Meta said can be read later, taken or not.
func TestAnAnswerIsKeptAsItCame(t *testing.T) {
	call := &Call{Deliveries: make([]Delivery, 1)}
	taken := decide(call, capi.Receipt{HTTPStatus: 200, TraceID: "AbC", Body: []byte(`{"events_received":1}`)}, nil, account.Resend, noon)
	if taken.HTTPStatus != 200 || taken.TraceID != "AbC" || string(taken.Answer) != `{"events_received":1}` {
		t.Errorf("taken: %+v", taken)
	}
	refused := decide(call, capi.Receipt{}, &capi.Error{
		HTTPStatus: 400, Code: 100, Subcode: 2804066, TraceID: "DeF", Body: []byte(`{"error":{}}`),
	}, account.Resend, noon)
	long := decide(call, capi.Receipt{}, &capi.Error{HTTPStatus: 502, Body: bytes.Repeat([]byte("page"), 1<<18)}, account.Resend, noon)
	if len(long.Answer) != 16<<10 {
		t.Errorf("%d bytes of a page of 1 MiB are kept", len(long.Answer))
	}
	if refused.HTTPStatus != 400 || refused.Code != 100 || refused.Subcode != 2804066 || refused.TraceID != "DeF" || string(refused.Answer) != `{"error":{}}` {
		t.Errorf("refused: %+v", refused)
	}
}

// TestWhyMetaCouldNotBeReachedIsSaid: a person who reads the call's words knows what to mend.
func TestWhyMetaCouldNotBeReachedIsSaid(t *testing.T) {
	for want, err := range map[string]error{
		"could not be reached (x509: certificate has expired); check": &capi.Error{Err: errors.New("x509: certificate has expired")},
		"another number of events than were sent (counted 9 of 10);":  &capi.Error{HTTPStatus: 200, Sent: true, Err: capi.ShortCount{Counted: 9, Sent: 10}},
	} {
		s := decide(&Call{Deliveries: make([]Delivery, 10)}, capi.Receipt{}, err, account.Resend, noon)
		if !strings.Contains(s.Words, want) {
			t.Errorf("words %q, want %q in them", s.Words, want)
		}
	}
}

// TestBackoff: 2 s, doubling to an hour, a fifth of jitter either way, however often it was tried.
func TestBackoff(t *testing.T) {
	middle := firstWait
	for attempt := 1; attempt < 100; attempt++ {
		for range 100 {
			if got := backoff(attempt); got < middle*4/5 || got > middle*6/5 {
				t.Fatalf("wait after attempt %d = %s, want %s give or take a fifth", attempt, got, middle)
			}
		}
		middle = min(2*middle, longWait)
	}
	tired := &Call{Deliveries: []Delivery{{Attempts: 1}, {Attempts: 40}, {}}}
	if s := decide(tired, capi.Receipt{}, serviceDown, account.Resend, noon); s.Due.Sub(noon) < longWait*4/5 {
		t.Errorf("a batch waits %s, want as long as its most tried event: about %s", s.Due.Sub(noon), longWait)
	}
}

// TestOneBadEventBlocksNobody is promise 6: the bad event of a batch is found in at most
// 2*ceil(log2 n)+1 calls, and by then all the others are with Meta.
func TestOneBadEventBlocksNobody(t *testing.T) {
	for _, n := range []int{2, 50, capi.MaxBatch} {
		for _, bad := range []int{0, n / 3, n / 2, n - 1} {
			t.Run(fmt.Sprintf("number %d of %d", bad+1, n), func(t *testing.T) {
				calls := 0
				wrong := fmt.Appendf(nil, `{"event_id":"%d"}`, bad)
				f, queue := loop(t, func(_ capi.Dataset, events [][]byte) error {
					calls++
					for _, e := range events {
						if bytes.Equal(e, wrong) {
							return eventWrong
						}
					}
					return nil
				}, func(o *Options) { o.Clock = steady(func() time.Time { return noon }) })
				queue.queue("bakery", n, noon)
				for queue.count("", Queued) > 0 {
					if _, err := f.Once(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if most := 2*bits.Len(uint(n-1)) + 1; calls > most {
					t.Errorf("%d calls, want at most %d", calls, most)
				}
				if queue.deliveries[bad].Status != Rejected || queue.count("", Sent) != n-1 {
					t.Errorf("the bad event is %s, and %d of %d others are sent", queue.deliveries[bad].Status, queue.count("", Sent), n-1)
				}
			})
		}
	}
}

// TestAWrongNameMisleadsOnce: where Meta names a good event as the bad one, halving finds the bad one.
func TestAWrongNameMisleadsOnce(t *testing.T) {
	const n, bad = 50, 31
	calls, wrong := 0, fmt.Appendf(nil, `{"event_id":"%d"}`, bad)
	f, queue := loop(t, func(_ capi.Dataset, events [][]byte) error {
		calls++
		if !slices.ContainsFunc(events, func(e []byte) bool { return bytes.Equal(e, wrong) }) {
			return nil
		}
		return &capi.Error{HTTPStatus: 400, Code: 100, Subcode: 2804087, Sent: true, Events: len(events), Message: "data[0]"}
	}, nil)
	queue.queue("bakery", n, time.Now())
	for queue.count("", Queued) > 0 {
		once(t, f)
	}
	if most := 2*bits.Len(n-1) + 3; calls > most || queue.deliveries[bad].Status != Rejected || queue.count("", Sent) != n-1 {
		t.Errorf("%d calls, want at most %d; the bad event is %s", calls, most, queue.deliveries[bad].Status)
	}
}

// TestALastChance: an hour's backoff does not carry an event past its end; it is tried once more before.
func TestALastChance(t *testing.T) {
	tired := &Call{Deliveries: []Delivery{{Attempts: 40, EventAt: noon.Add(10*time.Minute - ClaimableFor)}}}
	if s := decide(tired, capi.Receipt{}, serviceDown, account.Resend, noon); !s.Due.Equal(noon.Add(8 * time.Minute)) {
		t.Errorf("ten minutes before the end it is due in %s", s.Due.Sub(noon))
	}
	tired.Deliveries[0].EventAt = noon.Add(time.Minute - ClaimableFor)
	if s := decide(tired, capi.Receipt{}, serviceDown, account.Resend, noon); s.Due.Sub(noon) < longWait/2 {
		t.Error("after the last chance there is no storm")
	}
}
