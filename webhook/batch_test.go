package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/rules"
)

// slowStore records batches, each taking a second of the test's own time; a message whose text is in
// fails fails its whole batch.
type slowStore struct {
	mu          sync.Mutex
	batches     []int
	fails       map[string]error
	quarantined []string
	kept        []int // bodies in each transaction of the quarantine
}

func (s *slowStore) Key(string) [16]byte { return [16]byte{} }

func (s *slowStore) Record(_ context.Context, _ time.Time, batch []*attribution.Arrival,
	_ func(*attribution.Snapshot, []forwarder.Delivery) (forwarder.Changes, error),
) (int, []forwarder.Delivery, error) {
	time.Sleep(time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = append(s.batches, len(batch))
	for _, a := range batch {
		for text, err := range s.fails {
			if !strings.Contains(string(a.Body), text) {
				continue
			}
			if err == nil {
				panic("the recorder itself is broken")
			}
			return 0, nil, err
		}
	}
	return len(batch), nil, nil
}

func (s *slowStore) WhoClicked(context.Context, string, string, time.Time) (attribution.Identity, string, bool, error) {
	return attribution.Identity{}, "", false, nil
}

func (s *slowStore) AddCounts(context.Context, time.Time, map[attribution.Count]int) error {
	return nil
}

func (s *slowStore) Quarantine(_ context.Context, list []attribution.Unrecorded) error {
	time.Sleep(time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = append(s.kept, len(list))
	for _, u := range list {
		for text, err := range s.fails {
			if err != nil && strings.Contains(string(u.Body), text) && strings.HasPrefix(text, "never") {
				return err
			}
		}
	}
	for _, u := range list {
		s.quarantined = append(s.quarantined, string(u.Body))
	}
	return nil
}

func (s *slowStore) Replay(context.Context, string, string, func(time.Time, []byte) error) (int, error) {
	return 0, nil
}

func newIntake(store *slowStore) *Intake {
	accounts := account.NewRegistry([]account.Account{{ID: "shop", WABAID: "300"}})
	return &Intake{
		Recorder: store, Quarantine: store, Accounts: accounts, Wake: func() {}, Now: time.Now, NewID: uuid.New,
		Log: slog.New(slog.DiscardHandler), Stats: &Stats{}, Planner: &Planner{Accounts: accounts, Rules: &rules.Library{}},
	}
}

func notification(text string) []byte {
	return fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"300","changes":[{"field":"messages","value":{`+
		`"messages":[{"id":"m","from":"1","timestamp":"1","type":"text","text":{"body":%q}}]}}]}]}`, text)
}

// receiveAll posts notifications: the first alone, the others while it is being recorded.
func receiveAll(in *Intake, texts ...string) []error {
	bodies := make([][]byte, len(texts))
	for i, text := range texts {
		bodies[i] = notification(text)
	}
	return receiveBodies(in, bodies...)
}

func receiveBodies(in *Intake, bodies ...[]byte) []error {
	errs := make([]error, len(bodies))
	var waiting sync.WaitGroup
	for i, body := range bodies {
		waiting.Go(func() { errs[i] = in.Receive(context.Background(), body) })
		synctest.Wait()
	}
	waiting.Wait()
	return errs
}

// What arrives while a commit is in flight is recorded together and answered together.
func TestBatchesFormWhileACommitIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{}
		begin := time.Now()
		errs := receiveAll(newIntake(store), slices.Repeat([]string{"hello"}, 41)...)
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(store.batches, []int{1, 40}) {
			t.Errorf("batches %v, want the first alone at once, then the other 40 together", store.batches)
		}
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("took %s, want two commits' time and no timer", took)
		}
	})
}

func TestABatchHasABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{}
		errs := receiveAll(newIntake(store), slices.Repeat([]string{"hello"}, MaxBatch+21)...)
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(store.batches, []int{1, MaxBatch, 20}) {
			t.Errorf("batches %v", store.batches)
		}
	})
}

// refusesData is what a store says of rows that it will never take.
type refusesData struct{}

func (refusesData) Error() string     { return "value too long" }
func (refusesData) RefusesData() bool { return true }

// One culprit never fails its neighbours: it goes to quarantine, they are recorded.
func TestOneCulpritNeverFailsItsNeighbours(t *testing.T) {
	for name, failure := range map[string]error{
		"its plan fails": errPlan, "the database refuses its data": refusesData{}, "it makes us panic": nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &slowStore{fails: map[string]error{"poison": failure}}
				errs := receiveAll(newIntake(store), "first", "a", "poison", "b")
				if err := errors.Join(errs...); err != nil {
					t.Fatalf("answered %v, want all answered as stored", errs)
				}
				if !slices.Equal(store.batches, []int{1, 3, 1, 1, 1, 1}) {
					t.Errorf("batches %v, want the three together, then one by one, the culprit's message once more", store.batches)
				}
				if len(store.quarantined) != 1 || !strings.Contains(store.quarantined[0], "poison") {
					t.Errorf("in quarantine: %q", store.quarantined)
				}
			})
		})
	}
}

// When the storage is away, everybody who waits hears it at once, not after a try each.
func TestStorageAwayIsSaidToAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{fails: map[string]error{"hello": errors.New("connection refused")}}
		begin := time.Now()
		errs := receiveAll(newIntake(store), slices.Repeat([]string{"hello"}, 30)...)
		for _, err := range errs {
			if err == nil {
				t.Fatal("answered as stored")
			}
		}
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("took %s, want one try for the first and one for all the others", took)
		}
	})
}

// Beyond the bound the sender is told at once to come again.
func TestTheQueueHasABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newIntake(&slowStore{})
		errs := receiveAll(in, slices.Repeat([]string{"hello"}, maxWaiting+3)...)
		busy := 0
		for _, err := range errs {
			if errors.Is(err, ErrBusy) {
				busy++
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if busy != 2 || in.waiting != 0 {
			t.Errorf("%d told to come again, %d still counted as waiting; want 2 and 0", busy, in.waiting)
		}
	})
}

// With two transactions at once, whoever records a batch may have to record another: the first was full
// without its own notification.
func TestEverybodyIsToldWithTwoTransactionsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{}
		in := newIntake(store)
		in.Flushers, in.MaxBatch = 2, 10
		var waiting sync.WaitGroup
		for _, size := range []int{10, 6, 6, 9, 3, 10, 1, 1} {
			p := newPending()
			p.messages = slices.Repeat([]*attribution.Arrival{{}}, size)
			waiting.Go(func() {
				if err := in.record(context.Background(), p); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		waiting.Wait() // in a bubble, a notification that is never told is a deadlock, and fails
		if in.flights != 0 || in.aboard != 0 || in.waiting != 0 {
			t.Errorf("%d transactions with %d messages are still counted, %d messages wait", in.flights, in.aboard, in.waiting)
		}
	})
}
