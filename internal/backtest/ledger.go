package backtest

import (
	"bytes"
	"hash/fnv"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/rules"
)

// ledger is what a replay has recorded so far, in memory.
type ledger struct {
	from    time.Time // when the span begins
	claims  map[string]*kept
	events  map[eventID]bool
	threads map[uuid.UUID][]*kept // by conversation
	told    map[uuid.UUID]bool    // ids of the deliveries that stand and are known
	later   []*kept               // those of them whose time has not come, by time
	asOf    []forwarder.Delivery  // what known returned last: a plan copies it, and it is large
}

type eventID struct{ name, id string }

// kept is one delivery.
type kept struct {
	forwarder.Delivery
	mine  bool   // of the replay's making; else it stands
	print uint64 // of what Meta would be told
}

// newKept is a delivery of the replay's making. Its bytes are as many as everything else of it together, and
// are not looked at again.
func newKept(d forwarder.Delivery) *kept {
	k := &kept{Delivery: d, mine: true, print: fingerprint(d)}
	k.Payload = nil
	return k
}

func newLedger(from time.Time) *ledger {
	return &ledger{
		from: from, claims: map[string]*kept{}, events: map[eventID]bool{}, threads: map[uuid.UUID][]*kept{}, told: map[uuid.UUID]bool{},
	}
}

// remember learns of deliveries that stand. Each takes its claim when its time has come, see until.
func (l *ledger) remember(standing []forwarder.Delivery) {
	known := len(l.later)
	for _, d := range standing {
		if !l.told[d.ID] {
			l.told[d.ID] = true
			l.later = append(l.later, &kept{Delivery: asItWas(d, l.from)})
		}
	}
	if len(l.later) > known {
		slices.SortStableFunc(l.later, func(a, b *kept) int { return a.CreatedAt.Compare(b.CreatedAt) })
	}
}

// until enters what stands up to a time.
func (l *ledger) until(now time.Time) {
	for len(l.later) > 0 && !l.later[0].CreatedAt.After(now) {
		l.enter(l.later[0])
		l.later = l.later[1:]
	}
}

// enter records a delivery, unless its claim or its event's id is taken: the first one has it (ledger 14).
func (l *ledger) enter(k *kept) {
	event := eventID{k.EventName, k.EventID}
	if l.claims[k.Claim] != nil || l.events[event] {
		return
	}
	l.claims[k.Claim], l.events[event] = k, true
	l.threads[k.Conversation] = append(l.threads[k.Conversation], k)
}

// known are the deliveries of threads, and those of some claims, as of a time: what waited until then is
// queued. It holds until the next call.
func (l *ledger) known(threads []*attribution.Thread, keys []string, now time.Time) []forwarder.Delivery {
	l.asOf = l.asOf[:0]
	tell := func(k *kept) {
		if k.Status == forwarder.Waiting && !k.Due.After(now) {
			k.Status = forwarder.Queued
		}
		l.asOf = append(l.asOf, k.Delivery)
	}
	for _, t := range threads {
		for _, id := range t.IDs {
			for _, k := range l.threads[id] {
				tell(k)
			}
		}
	}
	for _, key := range keys {
		if k := l.claims[key]; k != nil {
			tell(k)
		}
	}
	return l.asOf
}

// complete gives a held delivery what it lacked; it is at home where that was said (ledger 17).
func (l *ledger) complete(d forwarder.Delivery) {
	k := l.claims[d.Claim]
	if k.Conversation != d.Conversation {
		same := func(other *kept) bool { return other == k }
		l.threads[k.Conversation] = slices.DeleteFunc(l.threads[k.Conversation], same)
		l.threads[d.Conversation] = append(l.threads[d.Conversation], k)
	}
	*k = *newKept(d)
}

func (l *ledger) cancel(d forwarder.Delivery) {
	k := l.claims[d.Claim]
	k.Status, k.Reason = d.Status, d.Reason
}

// outcome is what people see of a delivery.
func (k *kept) outcome() Outcome {
	o := Outcome{Reason: k.Reason, Value: k.Value, Rule: k.Rule, at: k.EventAt, print: k.print}
	switch {
	case k.GoesOut():
		o.State = Sent
	case k.Status == forwarder.Held:
		o.State = Held
	case k.Status == forwarder.Cancelled:
		o.State = Cancelled
	case k.Reason == reason.OptedOut:
		o.State = OptedOut
	default:
		o.State = Shadow
	}
	return o
}

// fingerprint tells apart what Meta would be told, whatever id the event has: it follows from the rule's.
func fingerprint(d forwarder.Delivery) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(bytes.Replace(d.Payload, []byte(`"event_id":"`+d.EventID+`"`), nil, 1)) // never fails
	return h.Sum64()
}

// asItWas is a delivery that stands as it was when the span began, or when it was recorded in it: what
// happened to it in the span will happen again, or not.
func asItWas(d forwarder.Delivery, from time.Time) forwarder.Delivery {
	then := d.CreatedAt
	if then.Before(from) {
		then = from
	}
	listened := len(d.CancelIf) > 0 || rules.IsAutomatic(d.Rule)
	ended := d.Reason == reason.CancelIf || d.Reason == reason.ToldByRule
	switch {
	case d.CreatedAt.Before(from) && !recordedAt(d.Trigger).Before(from): // the message that completed it
		d.Status, d.Reason = forwarder.Held, reason.ValueMissing
	case listened && d.Due.After(then) && d.UpdatedAt.After(then) && (d.GoesOut() || d.Status == forwarder.Cancelled && ended):
		d.Status, d.Reason = forwarder.Waiting, reason.None
	}
	return d
}

// recordedAt is when something was recorded, of which the id tells (UUIDv7).
func recordedAt(id uuid.UUID) time.Time { return time.Unix(id.Time().UnixTime()).UTC() }
