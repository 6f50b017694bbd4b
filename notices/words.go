package notices

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Data is what a notice about a condition says of it: "data" in the body.
type Data struct {
	Account       string     `json:"account"`
	Cause         string     `json:"cause"`
	Words         string     `json:"words"` // what happened, for people
	Fix           string     `json:"fix"`   // what to do about it
	Events        int        `json:"events"`
	Uncounted     bool       `json:"uncounted,omitempty"`      // how many those are could not be found out
	SendableUntil *time.Time `json:"sendable_until,omitempty"` // of the first of these events
}

// data describes what is told, with the events that wait.
func (t turn) data(waiting Backlog) Data {
	d := Data{
		Account: t.Account, Cause: t.Cause, Events: waiting.Events, Uncounted: waiting.Uncounted,
		Words: t.happened() + " " + waiting.words(), Fix: t.fix(),
	}
	if waiting.Events > 0 {
		d.SendableUntil = &waiting.SendableUntil
	}
	return d
}

// happened says in a sentence what began or ended.
func (t turn) happened() string {
	switch {
	case t.tell == AccountResumed:
		return fmt.Sprintf("Account %s is no longer paused.", t.Account)
	case t.Kind == AccountPaused && t.lane.PauseWords == "":
		return fmt.Sprintf("Account %s is paused.", t.Account)
	case t.Kind == AccountPaused:
		return fmt.Sprintf("Account %s is paused: %s.", t.Account, t.lane.PauseWords)
	case t.Kind == QueueStuck && t.Cause == Failing:
		return fmt.Sprintf("No call for account %s was taken for over %.0f minutes; the last one: %s.", t.Account, StuckAfter.Minutes(),
			strings.TrimRight(cmp.Or(t.lane.LastWords, "no answer"), "."))
	case t.Kind == QueueStuck:
		return fmt.Sprintf("Events of account %s are due since %s and were not tried, though it is not paused.", t.Account, clock(t.lane.OldestDue))
	case t.Cause == NeedsPerson:
		return fmt.Sprintf("Held events of account %s will soon be too old to send.", t.Account)
	default:
		return fmt.Sprintf("Queued events of account %s will soon be too old to send.", t.Account)
	}
}

// fix says what a person does about it.
func (t turn) fix() string {
	resume := "clickthread accounts resume " + t.Account
	switch {
	case t.tell == AccountResumed:
		return "Nothing is to be done."
	case t.Kind == QueueStuck && t.Cause == Failing:
		return "If Meta is away, wait: everything is tried again by itself. If it is not, see what lies between, such as a proxy, a firewall or DNS: clickthread accounts check " + t.Account
	case t.Kind == QueueStuck:
		return "Look for this account in the server's log, then restart the server; nothing is lost by that."
	case t.Kind == EventsExpiring && t.Cause == NeedsPerson:
		return "See what each of them lacks: clickthread events ls --account " + t.Account + " --state held"
	case t.Kind == EventsExpiring:
		return "See in /readyz and in the server's log why they wait; if the account is paused, mend the cause and run: " + resume
	case t.Cause == PauseRemoved:
		return "Put the account back into the settings and restart the server."
	case t.Cause == PausePerson:
		return "When it may send again, run: " + resume
	default:
		return "Mend what Meta refuses, then run: " + resume + " (else one call every 10 minutes tries again)."
	}
}

// words says how many events wait, and how long that may last.
func (b Backlog) words() string {
	switch {
	case b.Uncounted:
		return "How many events wait could not be counted in time."
	case b.Events == 0:
		return "No event waits."
	case b.Events == 1:
		return fmt.Sprintf("1 event waits; Meta takes it until %s.", clock(b.SendableUntil))
	}
	return fmt.Sprintf("%d events wait; Meta takes the first until %s.", b.Events, clock(b.SendableUntil))
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
