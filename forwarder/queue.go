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
	// Claim leases the lane, writes the call as an intent, and marks its deliveries sending. It
	// returns nil where nothing is due or another node holds the lane.
	Claim(ctx context.Context, c Claim) (*Call, error)
	// Settle writes what became of a call. It returns how many deliveries changed: 0 when the lane
	// was taken over meanwhile.
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
	StartedAt  time.Time
	Deliveries []Delivery
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

	PauseUntil time.Time // the lane rests until then; zero = no pause
	PauseWords string    // why, and what to do
}
