package attribution

// OptOuts are the people about whom nothing is sent to Meta, by account and name. It never changes; a nil
// OptOuts is empty.
type OptOuts struct {
	names map[optOut]bool
}

type optOut struct {
	account string
	kind    AliasKind
	value   string
}

// NewOptOuts returns an empty list, to be filled with Add before it is shared.
func NewOptOuts() *OptOuts { return &OptOuts{names: map[optOut]bool{}} }

// Add puts one name on the list.
func (o *OptOuts) Add(account string, kind AliasKind, value string) {
	o.names[optOut{account, kind, value}] = true
}

// Has reports whether a person is on an account's list by any of their names.
func (o *OptOuts) Has(account string, who Identity) bool {
	if o == nil || len(o.names) == 0 {
		return false
	}
	return who.WAID != "" && o.names[optOut{account, WAID, who.WAID}] ||
		who.UserID != "" && o.names[optOut{account, UserID, who.UserID}]
}
