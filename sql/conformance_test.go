package sql

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/internal/pgtest"
)

// The conformance suite: what every database has to do. Each test gets a fresh store.

func TestSQLite(t *testing.T) {
	conformance(t, func(t *testing.T) *Store {
		t.Helper()
		return open(t, filepath.Join(t.TempDir(), "clickthread.db"))
	})
}

func TestPostgres(t *testing.T) {
	cluster := pgtest.Shared(t)
	conformance(t, func(t *testing.T) *Store {
		t.Helper()
		s, err := Open(t.Context(), Options{URL: cluster.Database(t), Node: "test"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	})
}

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{URL: "sqlite:" + path, Node: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func conformance(t *testing.T, fresh func(*testing.T) *Store) {
	for name, test := range map[string]func(*testing.T, *ledger){
		"a message seen before touches nothing":         seenBefore,
		"a claim is taken once":                         claimOnce,
		"rows that break a rule are refused as data":    refusesBadRows,
		"a failing plan leaves nothing":                 failingPlan,
		"people are found, renamed and merged":          renames,
		"merged conversations share clicks and waiting": mergedThreads,
		"clicks are one per click id":                   oneClickPerID,
		"a batch is one dataset and one test code":      oneDataset,
		"a batch limit splits":                          batchLimit,
		"a lane that healed sends whole batches":        healedLane,
		"a claim begins where the last one ended":       claimsAfter,
		"a stopping node gives its lanes back":          givesLanesBack,
		"a late settle changes no row":                  lateSettle,
		"an open call is settled as unknown":            openCallIsUnknown,
		"unknown is held where the account says so":     unknownIsHeld,
		"what was in doubt too often is held":           doubtsHold,
		"a paused lane is not due":                      pausedLane,
		"a probe that is taken ends a wrong account":    probeTaken,
		"an orphan of a paused lane is settled":         orphanOfAPausedLane,
		"nothing in a call expires":                     nothingInACallExpires,
		"what is too old expires and is never claimed":  expires,
		"the quarantine keeps a body once, up to a cap": quarantine,
		"a delivery is found by each name":              foundByName,
		"what fails on replay is put back":              putBack,
		"counters add up":                               counters,
		"a test code begins when it is new":             testCodes,
		"who opts out is known by every name":           optsOut,
		"an opt-out follows the person, not the number": followsThePersonNotTheNumber,
		"every call that carried a delivery is kept":    callHistory,
		"a stranded match is seen":                      stranded,
		"accounts are walls":                            walls,
		"every kind is pruned by its age":               pruneByAge,
		"only what has ended is pruned":                 pruneEnded,
		"pruning goes on where it was stopped":          pruneInBatches,
		"texts are cleared once":                        pruneTexts,
		"what waited is queued in time":                 ripens,
		"what is held is completed once":                completesHeld,
		"what waits is cancelled, what is due is not":   cancelsWaiting,
		"claims are found by key":                       claimsByKey,
		"quotes are told to who asks":                   quotes,
		"a click tells who it was":                      whoClicked,
		"a job is one node's at a time":                 oneNodeAtATime,
		"a rule's last evaluations are kept":            lastEvaluations,
		"a message is read again with what it knew":     readsThePast,
		"a message is found by its bytes":               findsMessages,
		"nodes compare their rules":                     nodesCompareRules,
		"a watcher sees lanes":                          seesLanes,
		"a watcher sees what expires":                   seesExpiring,
		"a watcher sees calls in vain":                  seesFailing,
		"what is open is counted by state":              countsOpen,
		"calls of accounts that left are closed":        closesRemoved,
		"a condition is told once":                      toldOnce,
		"a try of a notice is one node's":               noticeTries,
		"notices are pruned when they ended":            pruneNotices,
		"a retry is due now, with the same bytes":       retries,
		"what cannot be sent is not queued again":       unsendable,
		"a person cancels what is not in a call":        cancels,
		"what is held is released by its reason":        releases,
		"unknown outcomes are resolved by call":         resolvesByCall,
		"many are mended in batches":                    mendsMany,
		"very many are mended page by page":             mendsPageByPage,
		"mending stops at an account's wall":            mendsOneAccount,
		"a person pauses and resumes a lane":            pausesByHand,
		"the past is told again":                        tellsThePast,
	} {
		t.Run(name, func(t *testing.T) {
			test(t, &ledger{T: t, Store: fresh(t), now: time.Now().UTC().Truncate(time.Second)})
		})
	}
}

// ledger is a store under test with its own clock.
type ledger struct {
	*testing.T
	*Store
	now   time.Time
	known []forwarder.Delivery // what the last plan was told of its conversations
}

// message makes an arrival; its text stands for its id.
func (l *ledger) message(id string, from attribution.Identity, at time.Time) *attribution.Arrival {
	return &attribution.Arrival{
		Account: "shop", Number: "700", ID: newID(), Key: l.Key(id), Type: "text", From: from,
		At: at, ReceivedAt: l.now, Body: []byte(id),
	}
}

// record stores messages; each gets the deliveries that the plan makes of its text.
func (l *ledger) record(plan func(*attribution.Snapshot) []forwarder.Delivery, batch ...*attribution.Arrival) (int, []forwarder.Delivery) {
	l.Helper()
	return l.plan(func(s *attribution.Snapshot) (c forwarder.Changes) {
		if plan != nil {
			c.New = plan(s)
		}
		return c
	}, batch...)
}

// plan stores messages, and what the plan makes of them.
func (l *ledger) plan(plan func(*attribution.Snapshot) forwarder.Changes, batch ...*attribution.Arrival) (int, []forwarder.Delivery) {
	l.Helper()
	fresh, deliveries, err := l.Record(l.Context(), l.now, batch, func(s *attribution.Snapshot, known []forwarder.Delivery) (forwarder.Changes, error) {
		l.known = known
		for _, a := range s.Fresh {
			if a.Referral != nil {
				a.Thread.Capture(a)
			}
		}
		return plan(s), nil
	})
	if err != nil {
		l.Fatal(err)
	}
	return fresh, deliveries
}

// queue stores n deliveries that are due.
func (l *ledger) queue(n int, change func(i int, d *forwarder.Delivery)) {
	l.Helper()
	_, stored := l.record(func(s *attribution.Snapshot) []forwarder.Delivery {
		var list []forwarder.Delivery
		for i := range n {
			d := l.delivery(fmt.Sprintf("claim-%s", newID()), s.Fresh[0])
			if change != nil {
				change(i, &d)
			}
			list = append(list, d)
		}
		return list
	}, l.message(newID().String(), ana, l.now))
	if len(stored) != n {
		l.Fatalf("stored %d of %d deliveries", len(stored), n)
	}
}

func (l *ledger) delivery(claim string, a *attribution.Arrival) forwarder.Delivery {
	return forwarder.Delivery{
		Account: a.Account, ID: newID(), Status: forwarder.Queued, EventID: forwarder.EventID(a.Account, claim),
		EventName: "Purchase", EventAt: l.now, Value: capi.Money{Minor: 100, Currency: "BRL"}, Payload: []byte(`{"event_name":"Purchase"}`),
		Claim: claim, Conversation: a.Thread.IDs[0], Trigger: a.ID, Rule: "r", Dataset: "900", Due: l.now,
		CreatedAt: l.now, UpdatedAt: l.now,
	}
}

func (l *ledger) claim(node string) *forwarder.Call {
	l.Helper()
	call, err := l.Claim(l.Context(), forwarder.Claim{
		Account: "shop", Node: node, Now: l.now, Lease: time.Minute, Max: 1000, Unknown: account.Resend,
	})
	if err != nil {
		l.Fatal(err)
	}
	return call
}

func (l *ledger) settle(call *forwarder.Call, s forwarder.Settlement) int {
	l.Helper()
	s.EndedAt = l.now
	n, err := l.Settle(l.Context(), call, s)
	if err != nil {
		l.Fatal(err)
	}
	return n
}

// statuses counts deliveries by "status reason".
func (l *ledger) statuses() map[string]int {
	l.Helper()
	deliveries, err := l.Deliveries(l.Context(), Filter{Limit: 1000})
	if err != nil {
		l.Fatal(err)
	}
	got := map[string]int{}
	for _, d := range deliveries {
		got[strings.TrimSpace(string(d.Status)+" "+string(d.Reason))]++
	}
	return got
}

func (l *ledger) wantStatuses(want map[string]int) {
	l.Helper()
	if diff := cmp.Diff(want, l.statuses()); diff != "" {
		l.Errorf("statuses (-want +got):\n%s", diff)
	}
}

// endLeases makes every lease run out, as time would.
func (l *ledger) endLeases() {
	l.Helper()
	if err := l.freeLanes(l.Context()); err != nil {
		l.Fatal(err)
	}
}

var (
	ana = attribution.Identity{WAID: "5511987650001", UserID: "BR.1"}
	ben = attribution.Identity{WAID: "5511987650002"}
)
