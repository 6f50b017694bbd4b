package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/sql"
)

// eventFilter is how a command is told which events it is about.
type eventFilter struct {
	Account string `help:"Only this account." placeholder:"ID"`
	State   string `help:"Only this state: queued, sent, held, unattributed, rejected, expired ..." placeholder:"STATE"`
	Reason  string `help:"Only this reason, such as no_click_id." placeholder:"REASON"`
	Call    string `help:"Only events that this call was the last to carry; events show names it." placeholder:"CALL"`
	Since   moment `help:"Only what was recorded from then on: a span back from now, such as 24h, a date or a time in UTC." placeholder:"WHEN"`
	Until   moment `help:"Only what was recorded before then." placeholder:"WHEN"`
}

func (e eventFilter) filter() (sql.Filter, error) {
	f := sql.Filter{
		Account: e.Account, Status: forwarder.Status(e.State), Reason: reason.Code(e.Reason), Call: parseID(e.Call),
		Since: e.Since.Time, Until: e.Until.Time,
	}
	switch {
	case e.State != "" && !slices.Contains(forwarder.Statuses(), f.Status):
		return f, fmt.Errorf("there is no state %q; there are %v", e.State, forwarder.Statuses())
	case e.Reason != "" && !f.Reason.Known():
		return f, fmt.Errorf("there is no reason %q; there are %v", e.Reason, reason.All())
	case e.Call != "" && f.Call == uuid.Nil:
		return f, fmt.Errorf("%q is not the id of a call; those begin with call_, and events show names them", e.Call)
	}
	return f, nil
}

// moment is a time on the command line; the zero moment was not given.
type moment struct{ time.Time }

var errNoMoment = errors.New("write a span back from now, such as 24h or 7d, a date such as 2026-03-09, or a time such as 2026-03-09T14:30:00Z")

// UnmarshalText reads it.
func (m *moment) UnmarshalText(text []byte) error {
	var back configs.Duration
	if back.UnmarshalText(text) == nil {
		m.Time = now().Add(-time.Duration(back))
		return nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, string(text)); err == nil {
			m.Time = at.UTC()
			return nil
		}
	}
	return errNoMoment
}
