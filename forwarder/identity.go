package forwarder

import (
	"errors"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/reason"
)

// outlived is what can be done for an event whose bytes name what the settings named once.
const outlived = "; the event was made when the account's settings named another WhatsApp Business Account or Page, and keeps it for good: " +
	"connect that one to this dataset in Events Manager and run: clickthread events retry ID, or leave it"

// spare keeps an account from being paused by events that its settings have outlived. Meta refuses what an
// event names as its sender, and that stands in the frozen bytes: it is the account's fault only if the settings
// still say the same. Batches of both kinds are taken apart, so that each shows what it is.
func (s *Settlement) spare(call *Call, err error, a account.Account) {
	refusal, refused := errors.AsType[*capi.Error](err)
	if !refused || refusal.Retry() != capi.Pause || !refusal.SenderRefused() {
		return
	}
	now := capi.Sender{WABAID: a.WABAID, PageID: a.Send.PageID}.Named()
	senders := map[capi.Sender]bool{}
	for _, d := range call.Deliveries {
		senders[capi.SenderOf(d.Payload)] = true
	}
	switch {
	case len(senders) == 1 && senders[now]:
		return // the pause stands
	case len(senders) == 1:
		what, _ := refusal.Words()
		s.To, s.Reason, s.Words = Rejected, reason.MetaRefused, what+outlived
	default:
		s.refuse(call, refusal, reason.MetaRefused, Rejected)
	}
	s.Pause = nil
}
