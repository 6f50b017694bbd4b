package sandbox

// This file judges a request as Meta does: same codes, same HTTP status, and one bad event refuses the
// whole request.

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clickthread/clickthread/capi"
)

const (
	maxAge  = 7 * 24 * 60 * 60 // seconds; "Event Timestamp Too Old" beyond
	maxSkew = 60               // seconds that an event may lie in the future
)

var eventNames = capi.EventNames()

// judgement is what a walk over a request's body finds out.
type judgement struct {
	events        [][]byte // as they stand in the body
	testEventCode string
	proof         string   // appsecret_proof
	objection     *refusal // the first to any event
	misfit        string   // what at the root has the wrong type
}

// judge reads the body and gives Meta's first objection to any event in it, or nil.
func (w *world) judge(body []byte, now time.Time) (judgement, *refusal) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var j judgement
	in := walker{json: body}
	element := func() error {
		e, err := readEvent(&in)
		if err == nil && j.objection == nil {
			j.objection = w.judgeEvent(&e, len(j.events), now.Unix())
		}
		j.events = append(j.events, e.json)
		return err
	}
	err := in.object(func(key []byte) error { return j.readMember(&in, key, element) })
	if err == nil {
		err = in.end()
	}
	switch {
	case err != nil:
		return j, invalid("", "the body is not a request: "+err.Error())
	case j.misfit != "":
		return j, invalid("", j.misfit)
	case len(j.events) == 0 || len(j.events) > capi.MaxBatch:
		return j, invalid("data", fmt.Sprintf("data must hold 1 to %d events, not %d", capi.MaxBatch, len(j.events)))
	}
	return j, j.objection
}

// readMember reads one member of the request; element reads one of its events.
func (j *judgement) readMember(in *walker, key []byte, element func() error) (err error) {
	var text []byte
	switch string(key) {
	case "data":
		if in.kind() == '[' {
			return in.list(element)
		}
		j.misfit = "data is not a list"
		_, err = in.skip()
	case "test_event_code":
		text, err = in.text(&j.misfit, key)
		j.testEventCode = string(text)
	case "appsecret_proof":
		text, err = in.text(&j.misfit, key)
		j.proof = string(text)
	default:
		_, err = in.skip()
	}
	return err
}

// judgeEvent gives Meta's objection to the event that stands at index, or nil.
func (w *world) judgeEvent(e *event, index int, now int64) *refusal {
	no := e.refusedForm()
	if no == nil {
		no = w.refusedPerson(e)
	}
	if no == nil {
		no = e.refusedFacts(now)
	}
	if no == nil {
		return nil
	}
	no.words = fmt.Sprintf("event %d: %s", index, no.words)
	if w.options.NameEvents {
		no.blame = []string{"data", strconv.Itoa(index)}
		if no.field != "" {
			no.blame = append(no.blame, strings.Split(no.field, ".")...)
		}
	}
	return no
}

// refusedForm judges what kind of event it is.
func (e *event) refusedForm() *refusal {
	switch {
	case e.misfit != "":
		return invalid("", e.misfit)
	case !slices.Contains(eventNames, string(e.name)):
		return refuse(2804066, "event_name", "Messaging Event Invalid Event Type", fmt.Sprintf("%q is not an event name for messaging", e.name))
	case len(e.channel) == 0:
		return refuse(2804063, "messaging_channel", "Missing Messaging Channel", "messaging_channel is missing")
	case string(e.channel) != "whatsapp" || string(e.source) != "business_messaging":
		return invalid("", "action_source must be business_messaging and messaging_channel whatsapp")
	}
	return nil
}

// refusedPerson judges what the event says about the person.
func (w *world) refusedPerson(e *event) *refusal {
	strange := e.strange
	if len(strange) == 0 && w.options.RefuseExtras {
		strange = e.extra
	}
	switch {
	case len(strange) > 0:
		return refuse(2804064, "user_data."+string(strange), "Messaging Event Invalid Argument",
			fmt.Sprintf("user_data.%s does not belong in a messaging event", strange))
	case !e.owned:
		return invalid("user_data", "user_data needs whatsapp_business_account_id or page_id")
	case !w.knowsClick(e.clickID):
		return refuse(2804087, "user_data.ctwa_clid", "Messaging Event Invalid Ctwa Clid", "ctwa_clid is missing, or no click on a connected ad has it")
	}
	return nil
}

// refusedFacts judges when it happened and what it was worth.
func (e *event) refusedFacts(now int64) *refusal {
	switch {
	case !e.timed:
		return invalid("event_time", "event_time is missing")
	case e.time > now+maxSkew:
		return invalid("event_time", "event_time is in the future")
	case e.time < now-maxAge:
		return refuse(2804003, "event_time", "Event Timestamp Too Old", "event_time is more than 7 days ago")
	case string(e.name) == "Purchase" && (!e.valued || !e.priced):
		return refuse(2804009, "custom_data", "Missing Value for Purchase Event", "a Purchase needs custom_data.value and custom_data.currency")
	}
	return nil
}
