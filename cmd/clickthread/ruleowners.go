package main

// The accounts and their clicks as package rules sees them.

import (
	"encoding/binary"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/rules"
)

// owners shows the accounts as rules see them.
func owners(accounts *account.Registry) []rules.Owner {
	var list []rules.Owner
	for _, a := range accounts.All() {
		list = append(list, rules.Owner{
			ID: a.ID, WABAID: a.WABAID, PhoneNumberIDs: a.PhoneNumberIDs,
			Currency: a.Currency, Locale: a.Locale, Timezone: a.Timezone, FirstClick: a.Click == account.FirstClick,
		})
	}
	return list
}

// attribute answers the tests in rule files as the server would: with attribution's own Pick. What it
// picks is found again by an id that counts up, as ids do in the order of receipt.
func attribute(owner rules.Owner, clicks []rules.Click, at time.Time) (*rules.Click, reason.Code) {
	seen := make([]attribution.Click, len(clicks))
	for i, c := range clicks {
		seen[i] = attribution.Click{ClickID: c.Key, At: c.At}
		if c.NoClid {
			seen[i].ClickID = ""
		}
		binary.BigEndian.PutUint64(seen[i].ID[8:], uint64(i))
	}
	policy := account.LastClick
	if owner.FirstClick {
		policy = account.FirstClick
	}
	picked, why := attribution.Pick(seen, at, policy)
	if why != reason.None {
		return nil, why
	}
	return &clicks[binary.BigEndian.Uint64(picked.ID[8:])], reason.None
}
