package notices

import "time"

const (
	// StuckAfter is how long an event may be due and not be tried, or be tried in vain, before that is told.
	StuckAfter = 15 * time.Minute
	// ExpiringWithin is how long before its end an event counts as expiring.
	ExpiringWithin = 24 * time.Hour
)

// Why a condition holds: PauseAccount, PausePerson and PauseRemoved pause an account, Waiting and
// NeedsPerson are why events expire, NotTried and Failing why a queue is stuck.
const (
	PauseAccount = "account"         // Meta refuses the account: token, permission, dataset
	PausePerson  = "person"          // somebody paused it
	PauseRemoved = "account_removed" // it left the settings

	Waiting     = "queued" // not yet with Meta
	NeedsPerson = "held"   // a person has to look at each

	NotTried = "not_tried" // nothing goes out, and nobody knows why
	Failing  = "failing"   // calls go out, and none is taken
)

// Condition is something about an account that a person has to mend. It is told once while it lasts.
type Condition struct {
	Kind    Kind
	Account string
	Cause   string
}

// Lane is an account's sending line as the ledger has it.
type Lane struct {
	Account     string
	PausedUntil time.Time
	PauseCause  string // a Pause..., or a rest that needs nobody
	PauseWords  string
	OldestDue   time.Time // of what is queued; zero = nothing is
	Failing     bool      // something was queued StuckAfter ago or earlier, calls went out since, and none was taken
	LastWords   string    // what came of the last of them
}

// Expiring are the events of one account that end within ExpiringWithin.
type Expiring struct {
	Account string
	Cause   string // Waiting or NeedsPerson
	Backlog
}

// Backlog is how many events wait, and until when the first of them can be sent.
type Backlog struct {
	Events        int
	SendableUntil time.Time
	Uncounted     bool // it is not known how many wait
}

// Observation is what the ledger says at one time.
type Observation struct {
	Lanes     []Lane
	Expiring  []Expiring
	Uncounted error       // why Expiring is not known now; nil = it is
	Open      []Condition // told of before and not ended
}

// turn is a condition that begins or ends, and what is told of it.
type turn struct {
	Condition
	ended    bool
	tell     Kind // empty: nobody is told
	lane     Lane
	expiring Backlog
}

// turns compares what is seen with what was told before. What ended comes first. It is pure.
func (o Observation) turns(now time.Time) []turn {
	open, holds, paused := map[Condition]bool{}, map[Condition]bool{}, map[string]bool{}
	for _, c := range o.Open {
		open[c] = true
	}
	var began []turn
	for _, t := range o.find(now) {
		holds[t.Condition] = true
		paused[t.Account] = paused[t.Account] || t.Kind == AccountPaused
		if !open[t.Condition] {
			began = append(began, t)
		}
	}
	var ended []turn
	for _, c := range o.Open {
		if holds[c] || c.Kind == EventsExpiring && o.Uncounted != nil {
			continue
		}
		t := turn{Condition: c, ended: true}
		if c.Kind == AccountPaused && !paused[c.Account] { // else only the cause of the pause is another
			t.tell = AccountResumed
		}
		ended = append(ended, t)
	}
	return append(ended, began...)
}

// find lists the conditions that hold now.
func (o Observation) find(now time.Time) []turn {
	rested := map[string]bool{} // was paused at the last look
	for _, c := range o.Open {
		rested[c.Account] = rested[c.Account] || c.Kind == AccountPaused
	}
	var list []turn
	hold := func(kind Kind, account, cause string, lane Lane, expiring Backlog) {
		list = append(list, turn{Condition: Condition{kind, account, cause}, tell: kind, lane: lane, expiring: expiring})
	}
	for _, l := range o.Lanes {
		switch {
		case l.paused():
			hold(AccountPaused, l.Account, l.PauseCause, l, Backlog{})
		case rested[l.Account]: // what waited meanwhile has until the next look to move
		case l.Failing: // also while it rests, because Meta asked for that or call after call failed
			hold(QueueStuck, l.Account, Failing, l, Backlog{})
		case l.stuck(now):
			hold(QueueStuck, l.Account, NotTried, l, Backlog{})
		}
	}
	for _, e := range o.Expiring {
		hold(EventsExpiring, e.Account, e.Cause, Lane{}, e.Backlog)
	}
	return list
}

// paused reports whether the account rests until a person has mended something. The cause stands until a
// call is accepted, also while a wrong account is probed.
func (l Lane) paused() bool {
	return l.PauseCause == PauseAccount || l.PauseCause == PausePerson || l.PauseCause == PauseRemoved
}

// stuck reports whether something is left lying since it was due and the lane did not rest.
func (l Lane) stuck(now time.Time) bool {
	since := l.OldestDue
	if l.PausedUntil.After(since) {
		since = l.PausedUntil
	}
	return !l.OldestDue.IsZero() && now.Sub(since) > StuckAfter
}
