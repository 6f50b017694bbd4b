package forwarder

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/reason"
)

// Queue is where deliveries wait. One node at a time holds an account's lane: its lease is compared
// with the database's clock, and a late Settle under an old epoch changes no row (ledger 21).
type Queue interface {
	// Due lists the accounts with something to send whose lane is neither paused nor another's.
	Due(ctx context.Context, node string, now time.Time) ([]string, error)
	// Claim leases the lane and writes the next call as an intent. It returns nil where nothing is due or
	// another node holds the lane. A call beside an error may have been written: it is not to be sent.
	Claim(ctx context.Context, c Claim) (*Call, error)
	// Settle writes what became of a call. It returns how many deliveries changed: 0 when the lane
	// was taken over meanwhile, or when there is no such call.
	Settle(ctx context.Context, call *Call, s Settlement) (int, error)
	// Expire ends what got too old to send, and returns how many.
	Expire(ctx context.Context, now time.Time) (int, error)
}

// Sender hands one batch to Meta. capi.Client is one.
type Sender interface {
	Send(ctx context.Context, to capi.Dataset, events [][]byte) (capi.Receipt, error)
}

// Claim asks for the next batch of one account.
type Claim struct {
	Account string
	Node    string
	Now     time.Time
	Lease   time.Duration // longer than the request timeout
	Max     int           // most events in a batch
	Unknown account.UnknownPolicy
	Healed  time.Time // limits that deliveries got before this are gone
	After   Place     // only what is due after it; zero = from the oldest on
}

// Place is where a delivery stands among those of its account that are queued.
type Place struct {
	Due time.Time
	ID  uuid.UUID
}

// Call is one HTTP request to Meta, with the deliveries it carried. Its row is written before the
// request leaves, so that a crash leaves a trace.
type Call struct {
	ID         uuid.UUID
	Account    string
	Node       string
	Epoch      int64
	Dataset    string
	TestCode   string
	Revision   int // of every event in it
	StartedAt  time.Time
	Rested     Cause      // why the lane had rested before this call; it goes on if this one is taken
	Deliveries []Delivery // as claimed, this call not counted in them
}

// Lane is an account's sending line as it was leased.
type Lane struct {
	Epoch  int64
	Rested Cause
	Rests  bool // still: nothing is claimed
}

// NewCall makes the call for the oldest of some due deliveries, in the order they are to be sent, with as
// many of the next as may share it (ledger 22).
func NewCall(id uuid.UUID, c Claim, lane Lane, due []Delivery) *Call {
	due = c.whole(due)
	first := due[0]
	return &Call{
		ID: id, Account: c.Account, Node: c.Node, Epoch: lane.Epoch, Rested: lane.Rested, Dataset: first.Dataset, TestCode: first.TestCode,
		Revision: first.Revision, StartedAt: c.Now, Deliveries: together(due, c.Now),
	}
}

// Outcome is what became of a call.
type Outcome string

// The outcomes of a call. Open is the intent before the answer.
const (
	Open     Outcome = "open"
	Accepted Outcome = "accepted" // Meta counted every event
	Failed   Outcome = "failed"   // definitely not taken; to be tried again
	Refused  Outcome = "refused"  // definitely not taken; the events or the account are at fault
	Unknown  Outcome = "unknown"  // the request left, and nobody knows
)

// Settlement is what became of a call and of every delivery in it: a batch is taken or refused as
// a whole.
type Settlement struct {
	Outcome    Outcome
	HTTPStatus int
	Code       int
	Subcode    int
	Words      string // for people: what happened and what to do
	TraceID    string // Meta's fbtrace_id
	Answer     []byte // Meta's answer as received
	EndedAt    time.Time

	To         Status
	Reason     reason.Code
	Due        time.Time // when To is Queued
	BatchLimit int       // new limit when the batch was split; 0 leaves it
	Alone      uuid.UUID // the event that Meta named: it goes alone next; zero = none
	Doubts     int       // of calls with an unknown outcome, this one among them, that hold an event; 0 = no number does
	Revision   int       // new revision of the events' bytes, of Alone's where one is named; 0 leaves it

	Pause *Pause // the lane rests; nil = no pause
}

// Pause is why a lane rests, and until when.
type Pause struct {
	Until time.Time
	Cause Cause
	Words string // why, and what to do
}

// Cause is why a lane rests, from a closed list.
type Cause string

// The causes of a pause.
const (
	NoPause        Cause = ""
	AccountWrong   Cause = "account"         // token, permission or dataset: a person has to act
	Throttled      Cause = "throttled"       // Meta asked to wait
	BreakerOpen    Cause = "breaker"         // call after call failed
	ByHand         Cause = "person"          // a person paused it
	AccountRemoved Cause = "account_removed" // the account left the settings
)

// NeedsPerson reports whether the lane rests until somebody does something.
func (c Cause) NeedsPerson() bool {
	return c == AccountWrong || c == ByHand || c == AccountRemoved
}

// UntilResumed is the end of a pause that only a person ends.
var UntilResumed = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
