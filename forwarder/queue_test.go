package forwarder

// A Queue and a Sender without a database and a Meta, for the tests of the loop.

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/capi"
)

// memory is a Queue in memory. It knows no leases: one node is alone with it.
type memory struct {
	mu            sync.Mutex
	deliveries    []Delivery
	paused        map[string]time.Time
	causes        map[string]Cause
	looks, claims int
	after         int // claims that began at a place

	afterDue    func() // runs when Due has read and not yet answered
	afterClaim  func() // the same for Claim
	claimFails  error
	commitFails error // the claim was written, and nobody said so
	settleFail  int   // how many more times Settle fails
	settleTakes time.Duration
}

// queue adds n deliveries of an account, due at once, and gives them ids in a row, none of them zero.
func (m *memory) queue(id string, n int, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for range n {
		i := len(m.deliveries)
		m.deliveries = append(m.deliveries, Delivery{
			Account: id, ID: uuid.UUID{0: 1, 14: byte(i >> 8), 15: byte(i)}, Status: Queued, EventAt: now, Due: now,
			Payload: fmt.Appendf(nil, `{"event_id":"%d"}`, i), Dataset: "900100", TestCode: "TEST1",
		})
	}
}

func (m *memory) Due(_ context.Context, _ string, now time.Time) ([]string, error) {
	m.mu.Lock()
	m.looks++
	var due []string
	for i := range m.deliveries {
		if d := &m.deliveries[i]; m.isDue(d, now) && !slices.Contains(due, d.Account) {
			due = append(due, d.Account)
		}
	}
	m.mu.Unlock()
	run(m.afterDue)
	return due, nil
}

// stands reports whether a delivery is due after a place.
func stands(d *Delivery, after Place) bool {
	return cmp.Or(d.Due.Compare(after.Due), bytes.Compare(d.ID[:], after.ID[:])) > 0
}

func (m *memory) isDue(d *Delivery, now time.Time) bool {
	return d.Status == Queued && !d.Due.After(now) && !m.paused[d.Account].After(now)
}

// Claim gives the oldest due deliveries that may share a call, as package sql does.
func (m *memory) Claim(_ context.Context, c Claim) (*Call, error) {
	defer run(m.afterClaim)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.claims++
	if c.After != (Place{}) {
		m.after++
	}
	if m.claimFails != nil {
		return nil, m.claimFails
	}
	var due []*Delivery
	for i := range m.deliveries {
		if d := &m.deliveries[i]; d.Account == c.Account && m.isDue(d, c.Now) && stands(d, c.After) {
			due = append(due, d)
		}
	}
	if len(due) == 0 {
		return nil, nil
	}
	slices.SortFunc(due, func(a, b *Delivery) int { return cmp.Or(a.Due.Compare(b.Due), bytes.Compare(a.ID[:], b.ID[:])) })
	list := make([]Delivery, 0, c.Max)
	for _, d := range due[:min(len(due), c.Max)] {
		list = append(list, *d)
	}
	call := NewCall(uuid.New(), c, Lane{Rested: m.causes[c.Account]}, list)
	carried := map[uuid.UUID]bool{}
	for _, d := range call.Deliveries {
		carried[d.ID] = true
	}
	for _, d := range due {
		if carried[d.ID] {
			d.Status, d.Call = Sending, call.ID
		}
	}
	return call, m.commitFails
}

func (m *memory) Settle(ctx context.Context, call *Call, s Settlement) (n int, err error) {
	time.Sleep(m.settleTakes)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if m.settleFail > 0 {
		m.settleFail--
		return 0, errStorage
	}
	if s.Pause != nil {
		m.paused[call.Account], m.causes[call.Account] = s.Pause.Until, s.Pause.Cause
	} else if s.Outcome == Accepted {
		delete(m.causes, call.Account)
	}
	becomes := map[uuid.UUID]Settlement{}
	for _, part := range s.Parts(call) {
		for _, d := range part.Deliveries {
			becomes[d.ID] = part.Settlement
		}
	}
	for i := range m.deliveries {
		if d := &m.deliveries[i]; d.Status == Sending && d.Call == call.ID {
			s := becomes[d.ID]
			d.Status, d.Reason, d.Due, d.UpdatedAt = s.To, s.Reason, s.Due, s.EndedAt
			d.BatchLimit, d.Revision = cmp.Or(s.BatchLimit, d.BatchLimit), cmp.Or(s.Revision, d.Revision)
			d.Attempts++
			if s.Outcome == Unknown {
				d.Unknowns++
			}
			n++
		}
	}
	return n, nil
}

func (m *memory) Expire(_ context.Context, now time.Time) (n int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.deliveries {
		if d := &m.deliveries[i]; d.Status == Queued && now.Sub(d.EventAt) >= SendableFor {
			d.Status = Expired
			n++
		}
	}
	return n, nil
}

// count tells how many deliveries of an account are in a state; of all accounts for "".
func (m *memory) count(id string, in Status) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.deliveries {
		if d.Status == in && (id == "" || d.Account == id) {
			n++
		}
	}
	return n
}

func run(f func()) {
	if f != nil {
		f()
	}
}

// meta answers a call; a nil error is 200. A call that is given up has no answer.
type meta func(to capi.Dataset, events [][]byte) error

func (m meta) Send(ctx context.Context, to capi.Dataset, events [][]byte) (capi.Receipt, error) {
	if err := m(to, events); err != nil {
		return capi.Receipt{}, err
	}
	if err := ctx.Err(); err != nil {
		return capi.Receipt{}, &capi.Error{Sent: true, Err: err}
	}
	return capi.Receipt{HTTPStatus: 200, TraceID: "AbC"}, nil
}

func takesAll(capi.Dataset, [][]byte) error { return nil }

// steady is a clock that never jumps, and that Meta agrees with.
func steady(now func() time.Time) *Clock {
	begin := now()
	c := NewClock(now, func() time.Duration { return now().Sub(begin) })
	c.Hear(begin)
	return c
}

// loop is a Forwarder over an empty queue, for the accounts "bakery" and "florist".
func loop(t *testing.T, sender meta, change func(*Options)) (*Forwarder, *memory) {
	t.Helper()
	queue := &memory{paused: map[string]time.Time{}, causes: map[string]Cause{}}
	o := Options{
		Queue: queue, Sender: sender, Node: "n1", Lease: 30 * time.Second, Timeout: 10 * time.Second,
		Clock: steady(time.Now), Log: slog.New(slog.DiscardHandler),
		Accounts: account.NewRegistry([]account.Account{
			{ID: "bakery", WABAID: "300100", AccessToken: "token of the bakery"},
			{ID: "florist", WABAID: "300200", AccessToken: "token of the florist"},
		}),
	}
	if change != nil {
		change(&o)
	}
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return f, queue
}
