package webhook

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/rules"
)

// Evaluations keeps the last evaluations of every rule.
type Evaluations interface {
	KeepEvaluations(ctx context.Context, list []attribution.Evaluation) error
}

// maxWhy is how many bytes of an evaluation's sentence are kept: a rule file's phrases have no limit of
// their own.
const maxWhy = 500

// ring is the last evaluations of every rule since they were written. Its zero value is empty. It is told
// of a whole batch under one lock, and holds nothing once that is written.
type ring struct {
	mu    sync.Mutex
	rules map[ringKey]*lastOf
}

type ringKey struct{ account, rule string }

// lastOf is the last evaluations of one rule; once it is full, the next takes the place of the oldest.
type lastOf struct {
	list []attribution.Evaluation
	next int
}

func (l *lastOf) add(e attribution.Evaluation) {
	if len(l.list) < attribution.MaxEvaluations {
		l.list = append(l.list, e)
		return
	}
	l.list[l.next] = e
	l.next = (l.next + 1) % len(l.list)
}

// inOrder is the oldest first.
func (l *lastOf) inOrder() []attribution.Evaluation {
	return slices.Concat(l.list[l.next:], l.list[:l.next])
}

// add keeps evaluations in the order in which they were made.
func (r *ring) add(list []attribution.Evaluation) {
	if len(list) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rules == nil {
		r.rules = map[ringKey]*lastOf{}
	}
	for _, e := range list {
		e.Why = shortened(e.Why)
		k := ringKey{e.Account, e.Rule}
		if r.rules[k] == nil {
			r.rules[k] = &lastOf{}
		}
		r.rules[k].add(e)
	}
}

// take empties the ring.
func (r *ring) take() (list []attribution.Evaluation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, last := range r.rules {
		list = append(list, last.inOrder()...)
	}
	r.rules = nil
	return list
}

// restore puts back what could not be written, before what came meanwhile.
func (r *ring) restore(list []attribution.Evaluation) {
	meanwhile := r.take()
	r.add(list)
	r.add(meanwhile)
}

// shortened cuts a long sentence between two characters.
func shortened(why string) string {
	if len(why) <= maxWhy {
		return why
	}
	end := maxWhy
	for !utf8.RuneStart(why[end]) {
		end--
	}
	return why[:end] + "..."
}

// committed tells the ring of a batch that is on disk. What lost its claim to another transaction was
// planned in vain: it counts as blocked, as a match that once blocks.
func (r *ring) committed(snap *attribution.Snapshot, planned forwarder.Changes, recorded []forwarder.Delivery) {
	if len(recorded) < len(planned.New)+len(planned.Completed) {
		for _, d := range planned.New {
			if !slices.ContainsFunc(recorded, func(r forwarder.Delivery) bool { return r.ID == d.ID }) {
				block(snap.Evaluations, d)
			}
		}
	}
	r.add(snap.Evaluations)
}

// block marks the evaluation that led to a delivery.
func block(list []attribution.Evaluation, d forwarder.Delivery) {
	for i, e := range list {
		if e.Account == d.Account && e.Trigger == d.Trigger && e.Rule == d.Rule {
			list[i].Outcome, list[i].Reason = string(rules.Blocked), reason.OnceClaimed
			list[i].Why = d.Why + ", but " + reason.OnceClaimed.Words()
		}
	}
}

// FlushEvaluations writes the last evaluations of every rule, and returns how many those were.
func (in *Intake) FlushEvaluations(ctx context.Context) (int, error) {
	list := in.ring.take()
	if err := in.Evaluations.KeepEvaluations(ctx, list); err != nil {
		in.ring.restore(list)
		return 0, fmt.Errorf("flush evaluations: %w", err)
	}
	return len(list), nil
}
