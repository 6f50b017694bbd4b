package sandbox

import (
	"bytes"
	"slices"
	"strconv"
	"sync"
	"time"
)

// world is what there is: the options, and what calls have added. It is safe for concurrent use.
type world struct {
	options Options

	mu       sync.RWMutex
	clicks   map[string]bool
	datasets map[string]string // the account's id, by the dataset's
	apps     map[string]subscription
	blocked  map[string]blockList // by the number's id
}

func newWorld(o Options) *world {
	w := &world{
		options:  o,
		clicks:   make(map[string]bool, len(o.Clicks)),
		datasets: map[string]string{},
		apps:     map[string]subscription{},
		blocked:  map[string]blockList{},
	}
	if w.options.Now == nil {
		w.options.Now = time.Now
	}
	for _, clid := range o.Clicks {
		w.clicks[clid] = true
	}
	for _, a := range o.Accounts {
		if a.Dataset != "" {
			w.datasets[a.Dataset] = a.ID
		}
	}
	return w
}

// account finds an account; where none is listed, any numeric id is one without a name.
func (w *world) account(id string) (Account, bool) {
	if len(w.options.Accounts) == 0 {
		return Account{ID: id}, numeric(id)
	}
	i := slices.IndexFunc(w.options.Accounts, func(a Account) bool { return a.ID == id })
	if i < 0 {
		return Account{}, false
	}
	return w.options.Accounts[i], true
}

// number finds a number and the account it belongs to.
func (w *world) number(id string) (n Number, account string, found bool) {
	for _, a := range w.options.Accounts {
		if i := slices.IndexFunc(a.Numbers, func(n Number) bool { return n.ID == id }); i >= 0 {
			return a.Numbers[i], a.ID, true
		}
	}
	return Number{ID: id}, "", len(w.options.Accounts) == 0 && numeric(id)
}

// dataset tells whether there is such a dataset, and whose it is; "" means nobody's in particular.
func (w *world) dataset(id string) (account string, found bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if account, found = w.datasets[id]; found {
		return account, true
	}
	return "", numeric(id) && (len(w.options.Datasets) == 0 || slices.Contains(w.options.Datasets, id))
}

// knowsClick is called with mu held: it is asked once per event.
func (w *world) knowsClick(clid []byte) bool {
	if len(clid) == 0 || w.options.Poison != "" && bytes.Contains(clid, []byte(w.options.Poison)) {
		return false
	}
	return len(w.clicks) == 0 || w.clicks[string(clid)]
}

// numeric is the look of the ids of accounts, numbers and datasets.
func numeric(id string) bool {
	_, err := strconv.ParseUint(id, 10, 64)
	return err == nil
}
