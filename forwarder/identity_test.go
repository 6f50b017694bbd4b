package forwarder

import (
	"bytes"
	"fmt"
	"math/bits"
	"strings"
	"testing"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/capi"
)

// lead is an event of the bakery that names a Page, or its WhatsApp account.
func lead(page string) []byte {
	return capi.Event{Name: "LeadSubmitted", Time: noon, WABAID: "300100", PageID: page, ClickID: "Afe"}.JSON()
}

// TestAnOldPageDoesNotPauseAnAccount: the settings named a Page for a while. Events from then are refused for
// good; the account, which is well by now, goes on, and each of them says why.
func TestAnOldPageDoesNotPauseAnAccount(t *testing.T) {
	for _, n := range []int{1, 2, 50, capi.MaxBatch} {
		for _, old := range []int{1, 5} {
			t.Run(fmt.Sprintf("%d of %d", min(old, n), n), func(t *testing.T) {
				calls, time0 := 0, &watch{noon, noon}
				f, queue := loop(t, func(_ capi.Dataset, events [][]byte) error {
					calls++
					time0.pass(time.Second)
					if bytes.Contains(bytes.Join(events, nil), []byte(`"page_id":"400100"`)) {
						return &capi.Error{HTTPStatus: 400, Code: 100, Subcode: 2804065, Sent: true}
					}
					return nil
				}, func(o *Options) { o.Clock = time0.clock() })
				queue.queue("bakery", n, noon)
				for i := range queue.deliveries {
					queue.deliveries[i].Payload = lead("")
				}
				old := min(old, n)
				for i := range old {
					queue.deliveries[i*n/old].Payload = lead("400100")
				}
				for i := 0; queue.count("", Queued) > 0 && i < 3*n+3; i++ {
					once(t, f)
				}
				if queue.count("", Rejected) != old || queue.count("", Sent) != n-old || queue.causes["bakery"] != NoPause {
					t.Errorf("%d rejected, %d sent, the lane rests for %q", queue.count("", Rejected), queue.count("", Sent), queue.causes["bakery"])
				}
				if most := old*2*bits.Len(uint(n-1)) + 1; calls > most {
					t.Errorf("%d calls, want %d at most", calls, most)
				}
			})
		}
	}
	call := &Call{Deliveries: []Delivery{{Payload: lead("400100")}, {Payload: lead("400100")}}}
	refusal := &capi.Error{HTTPStatus: 400, Code: 100, Subcode: 2804131}
	s := decide(call, capi.Receipt{}, refusal, account.Resend, noon)
	s.spare(call, refusal, account.Account{WABAID: "300100"})
	if s.To != Rejected || s.Pause != nil || !strings.Contains(s.Words, "no Page is linked") || !strings.Contains(s.Words, "events retry") {
		t.Errorf("a batch of the old Page's alone: %+v", s)
	}
}

// TestASenderThatTheSettingsNamePausesTheAccount: then nothing it sends can succeed, and all of it waits.
func TestASenderThatTheSettingsNamePausesTheAccount(t *testing.T) {
	for name, c := range map[string]struct {
		subcode int
		page    string
	}{
		"its WhatsApp account": {2804132, ""},
		"its Page":             {2804131, "400100"},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			f, queue := loop(t, func(capi.Dataset, [][]byte) error {
				calls++
				return &capi.Error{HTTPStatus: 400, Code: 100, Subcode: c.subcode, Sent: true}
			}, func(o *Options) {
				o.Clock = steady(func() time.Time { return noon })
				o.Accounts = account.NewRegistry([]account.Account{{ID: "bakery", WABAID: "300100", Send: account.Send{PageID: c.page}}})
			})
			queue.queue("bakery", 50, noon)
			for i := range queue.deliveries {
				queue.deliveries[i].Payload = lead(c.page)
			}
			once(t, f)
			if calls != 1 || queue.causes["bakery"] != AccountWrong || queue.count("", Queued) != 50 {
				t.Errorf("%d calls, the lane rests for %q, %d wait", calls, queue.causes["bakery"], queue.count("", Queued))
			}
		})
	}
}
