package attribution

import (
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/reason"
)

// MaxEvaluations is how many evaluations of a rule are kept; the oldest go first (ledger 16).
const MaxEvaluations = 20

// Evaluation is what became of one rule for one trigger that fitted it, also where nothing was recorded
// for it. It holds no words of the customer's.
type Evaluation struct {
	Account string
	Rule    string
	Event   string    // event name that the rule sends
	Trigger uuid.UUID // id of the stored message
	At      time.Time // the message's own time
	Decided time.Time // when it was evaluated: a message that waited for its click is evaluated again
	Outcome string    // one of package rules' outcomes
	Reason  reason.Code
	Why     string // a sentence without a full stop
}
