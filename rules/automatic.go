package rules

import (
	"strings"
	"sync"
	"time"
)

// automaticWait is how long a conversion that Meta found by itself waits for a rule's own (ledger 18).
const automaticWait = time.Hour

// automatic begins the ids of the rules of Automatic; no rule of a file can have such an id.
const automatic = "automatic:"

// Automatic is the set that hands back to Meta what Meta detected by itself, for every account. What it
// decides is to be told from what the account's own rules decide by IsAutomatic.
var Automatic = sync.OnceValue(func() *Set {
	s := &Set{}
	for _, event := range detectables {
		rule := &Rule{
			ID: automatic + event, Name: "Meta detected it by itself", Mode: Live, Event: event, Once: Always,
			when: &detects{event}, wait: automaticWait,
		}
		if event == "Purchase" {
			rule.value = &value{origins: []origin{{from: "message"}}}
		}
		s.rules = append(s.rules, &bound{Rule: rule, zone: time.UTC})
	}
	s.index = newIndex(s.rules)
	return s
})

// IsAutomatic reports whether a rule's id is one of Automatic's.
func IsAutomatic(id string) bool { return strings.HasPrefix(id, automatic) }
