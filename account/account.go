// Package account holds the merchants: which WhatsApp Business Account is whose, where its events go
// and with which secrets. An Account is a merchant, not a login.
package account

import (
	"slices"
	"time"
)

// ClickPolicy says which of several clicks an event is attributed to.
type ClickPolicy string

// The two policies of the setting "click".
const (
	LastClick  ClickPolicy = "last"
	FirstClick ClickPolicy = "first"
)

// UnknownPolicy says what happens to events whose request left and whose answer never came.
type UnknownPolicy string

// The two policies of the setting "unknown".
const (
	Resend UnknownPolicy = "resend" // send the same bytes again; Meta may count twice
	Hold   UnknownPolicy = "hold"   // wait for a person
)

// Account is one merchant. It is read from the settings file and never changed in place: a new
// Registry takes the old one's place.
type Account struct {
	ID             string // ours, short: names the rules folder and stands in every log line
	WABAID         string // Meta's WhatsApp Business Account id, entry[].id of a notification
	PhoneNumberIDs []string
	DatasetID      string
	AccessToken    Secret
	AppSecret      Secret // of the token's app; "" = requests do not prove that we have it
	Country        string // ISO 3166 region that local phone numbers are read in
	Currency       string // ISO 4217; "" = rules must name one
	Locale         string
	Timezone       string
	Click          ClickPolicy
	Unknown        UnknownPolicy
	TestEventCode  string
	TestUntil      time.Time // when the test code ends; see TestCode
	Send           Send
}

// TestCodeFor is how long a test code works: its events count at Meta all the same, so one that was
// forgotten must end by itself (ledger 24).
const TestCodeFor = 24 * time.Hour

// TestCode is the account's test code as long as it works, else "".
func (a Account) TestCode(now time.Time) string {
	if now.Before(a.TestUntil) {
		return a.TestEventCode
	}
	return ""
}

// Send is what goes to Meta beside the account and the click id.
type Send struct {
	Email, Phone, ExternalID bool   // hashed
	LimitedDataUse           bool   // Meta's Limited Data Use
	PageID                   string // for a dataset that is bound to a Page; "" = the WABA
}

// Listens reports whether notifications for a business number are this account's. An account that
// lists no numbers listens to all numbers of its WABA.
func (a Account) Listens(phoneNumberID string) bool {
	return len(a.PhoneNumberIDs) == 0 || slices.Contains(a.PhoneNumberIDs, phoneNumberID)
}

// Registry finds accounts by id and by WABA. It never changes; build a new one instead.
type Registry struct {
	all    []Account
	byID   map[string]int
	byWABA map[string]int
}

// NewRegistry indexes the accounts. Ids and WABA ids are unique: configs checks that.
func NewRegistry(accounts []Account) *Registry {
	r := &Registry{
		all:    slices.Clone(accounts),
		byID:   make(map[string]int, len(accounts)),
		byWABA: make(map[string]int, len(accounts)),
	}
	for i, a := range r.all {
		r.byID[a.ID] = i
		r.byWABA[a.WABAID] = i
	}
	return r
}

// All returns the accounts in the order of the settings file.
func (r *Registry) All() []Account { return slices.Clone(r.all) }

// ByID finds an account by our id.
func (r *Registry) ByID(id string) (Account, bool) { return r.find(r.byID, id) }

// ByWABA finds an account by Meta's WABA id.
func (r *Registry) ByWABA(waba string) (Account, bool) { return r.find(r.byWABA, waba) }

func (r *Registry) find(index map[string]int, key string) (Account, bool) {
	i, ok := index[key]
	if !ok {
		return Account{}, false
	}
	return r.all[i], true
}
