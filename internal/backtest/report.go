package backtest

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/reason"
)

// State is what became of a match, as a backtest tells it: whether Meta would have it matters, and not how
// far it is.
type State string

// The states, in the order in which they are told.
const (
	Sent         State = "sent"         // it goes out, or waits for its time
	Held         State = "held"         // for a person or a later message
	Unattributed State = "unattributed" // for its click
	Shadow       State = "shadow"       // of a rule on trial
	Cancelled    State = "cancelled"    // while it waited
	OptedOut     State = "opted_out"    // of a person about whom nothing is sent
)

func states() []State { return []State{Sent, Held, Unattributed, Shadow, Cancelled, OptedOut} }

// Report is what a candidate would change for one account.
type Report struct {
	Seen

	Counts       []Count
	Revenue      []Revenue
	Changed      int    // cases that differ in state, reason or value
	OtherDetails int    // that differ only in what else Meta is told
	OtherRule    int    // that differ only in the rule they come of
	Sample       []Case // of what changed
}

// Seen is how many messages were read, and what for.
type Seen struct {
	Messages    int // all of them
	Judged      int
	WithoutText int // not judged: retention.text is over
	Unreadable  int // not judged: of another version of this program
	TooOld      int // fired nothing, being more than 7 days old when they came (ledger 5)
}

func (s *Seen) add(more Seen) {
	s.Messages += more.Messages
	s.Judged += more.Judged
	s.WithoutText += more.WithoutText
	s.Unreadable += more.Unreadable
	s.TooOld += more.TooOld
}

// Count is how many events of a name end in a state.
type Count struct {
	Event          string
	State          State
	Now, Candidate int
}

// Revenue is what the events of a name that are sent are worth together.
type Revenue struct {
	Event          string
	Now, Candidate capi.Money
}

// Cause is what may become an event: a message, and the event's name.
type Cause struct {
	Message uuid.UUID
	Event   string
}

// Case is a cause whose outcome differs.
type Case struct {
	Cause
	At            time.Time
	Before, After []Outcome // none: nothing comes of it
}

// Outcome is one event, or one match without a click.
type Outcome struct {
	State  State
	Reason reason.Code
	Value  capi.Money
	Rule   string

	at    time.Time
	print uint64
}

func (o Outcome) compare(b Outcome) int {
	return cmp.Or(
		cmp.Compare(slices.Index(states(), o.State), slices.Index(states(), b.State)), cmp.Compare(o.Reason, b.Reason),
		cmp.Compare(o.Value.Currency, b.Value.Currency), cmp.Compare(o.Value.Minor, b.Value.Minor),
		cmp.Compare(o.print, b.print), cmp.Compare(o.Rule, b.Rule),
	)
}

// likeness says how far two lists of outcomes, both sorted, are the same.
type likeness int

const (
	differs likeness = iota
	otherDetails
	otherRule
	same
)

func likenessOf(a, b []Outcome) likeness {
	if len(a) != len(b) {
		return differs
	}
	like := same
	for i := range a {
		switch {
		case a[i].State != b[i].State || a[i].Reason != b[i].Reason || a[i].Value != b[i].Value:
			return differs
		case a[i].print != b[i].print:
			like = otherDetails
		case a[i].Rule != b[i].Rule:
			like = min(like, otherRule)
		}
	}
	return like
}

// compare fills the report with what differs.
func (r *run) compare() {
	before, after := r.inForce.outcomes(), r.candidate.outcomes()
	r.report.count(before, after)
	var changed []Case
	differ := func(cause Cause) {
		a, b := before[cause], after[cause]
		switch likenessOf(a, b) {
		case differs:
			changed = append(changed, Case{cause, slices.Concat(a, b)[0].at, a, b})
		case otherDetails:
			r.report.OtherDetails++
		case otherRule:
			r.report.OtherRule++
		}
	}
	for cause := range before {
		differ(cause)
	}
	for cause := range after {
		if before[cause] == nil {
			differ(cause)
		}
	}
	slices.SortFunc(changed, Case.compare)
	r.report.Changed = len(changed)
	r.report.Sample = sampleOf(changed, r.Sample)
}

func (c Case) compare(b Case) int {
	return cmp.Or(c.At.Compare(b.At), slices.Compare(c.Message[:], b.Message[:]), cmp.Compare(c.Event, b.Event))
}

// count adds up events by name and state, and what is sent of them by currency.
func (r *Report) count(before, after map[Cause][]Outcome) {
	counts, revenue := map[Count]*Count{}, map[Revenue]*Revenue{}
	add := func(all map[Cause][]Outcome, n func(*Count) *int, sum func(*Revenue) *capi.Money) {
		for cause, outcomes := range all {
			for _, o := range outcomes {
				count := Count{Event: cause.Event, State: o.State}
				if counts[count] == nil {
					counts[count] = &Count{Event: cause.Event, State: o.State}
				}
				*n(counts[count])++
				if o.State != Sent || o.Value.IsZero() {
					continue
				}
				zero := capi.Money{Currency: o.Value.Currency}
				worth := Revenue{cause.Event, zero, zero}
				if revenue[worth] == nil {
					revenue[worth] = &Revenue{cause.Event, zero, zero}
				}
				sum(revenue[worth]).Minor += o.Value.Minor
			}
		}
	}
	add(before, func(c *Count) *int { return &c.Now }, func(r *Revenue) *capi.Money { return &r.Now })
	add(after, func(c *Count) *int { return &c.Candidate }, func(r *Revenue) *capi.Money { return &r.Candidate })
	for _, c := range counts {
		r.Counts = append(r.Counts, *c)
	}
	for _, v := range revenue {
		r.Revenue = append(r.Revenue, *v)
	}
	slices.SortFunc(r.Counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Event, b.Event), cmp.Compare(slices.Index(states(), a.State), slices.Index(states(), b.State)))
	})
	slices.SortFunc(r.Revenue, func(a, b Revenue) int {
		return cmp.Or(cmp.Compare(a.Event, b.Event), cmp.Compare(a.Now.Currency, b.Now.Currency))
	})
}

// sampleOf takes some cases, of each kind of change in turn: a rare kind is not lost among many of another.
func sampleOf(changed []Case, most int) (taken []Case) {
	byKind := map[string][]Case{}
	var kinds []string
	for _, c := range changed {
		kind := c.kind()
		if byKind[kind] == nil {
			kinds = append(kinds, kind)
		}
		byKind[kind] = append(byKind[kind], c)
	}
	for len(taken) < min(most, len(changed)) {
		for _, kind := range kinds {
			if len(byKind[kind]) > 0 && len(taken) < most {
				taken, byKind[kind] = append(taken, byKind[kind][0]), byKind[kind][1:]
			}
		}
	}
	slices.SortFunc(taken, Case.compare)
	return taken
}

// kind is what changed, without amounts.
func (c Case) kind() string {
	kind := []string{c.Event}
	for _, side := range [][]Outcome{c.Before, c.After} {
		kind = append(kind, "|")
		for _, o := range side {
			kind = append(kind, string(o.State), string(o.Reason), o.Rule)
		}
	}
	return strings.Join(kind, " ")
}
