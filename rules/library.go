package rules

import "sync/atomic"

// Library holds the published set of every account. The zero value is an empty library; it is safe
// for concurrent use. What it holds is swapped as a whole and never changed.
type Library struct {
	sets atomic.Pointer[map[string]*Set]
}

// Set returns the account's set, nil if none is published; a nil Set decides nothing.
func (l *Library) Set(account string) *Set {
	if sets := l.sets.Load(); sets != nil {
		return (*sets)[account]
	}
	return nil
}

// Swap publishes sets in one step. The caller no longer touches the map; sets that stay are put into it
// again.
func (l *Library) Swap(sets map[string]*Set) { l.sets.Store(&sets) }
