package rules

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Owner is an account as rules see it. Currency is an ISO 4217 code, Locale a BCP 47 tag, Timezone an
// IANA name; an empty one means that the account does not say (ledger 31).
type Owner struct {
	ID, WABAID                 string
	PhoneNumberIDs             []string
	Currency, Locale, Timezone string
	FirstClick                 bool // the first click counts, not the last: only Attribute asks for it
}

// Owners returns those of all accounts that the file is for. place is its path in the rules folder,
// with slashes: a file in an account's folder is that account's, one in the root is for those it names
// under "accounts:", or for the only account where there is one (ledger 29). The problems are warnings:
// of a file that is for nobody, and of names that no account has.
func (f *File) Owners(place string, all []Owner) ([]Owner, []Problem) {
	folder := path.Dir(place)
	owner := named(folder, all)
	switch {
	case strings.Contains(folder, "/"):
		return nil, []Problem{notRead(f.Path, wrongPlace)}
	case !isRuleFile(place):
		return nil, []Problem{notRead(f.Path, wrongName)}
	case folder == ".":
		return sharedBy(f.accounts, all), f.sharedWarnings(all)
	case owner == nil:
		return nil, []Problem{nobodys(path.Dir(f.Path), folder, all)}
	case len(f.accounts) > 0 && !f.isFor(owner[0], true):
		return nil, []Problem{f.warning(f.accounts[0], `leave out "accounts:" in an account's own folder`, "the file names other accounts only; it is not used")}
	}
	return owner, nil
}

// sharedWarnings tells what is doubtful about whom a file in the root is for.
func (f *File) sharedWarnings(all []Owner) (warnings []Problem) {
	if len(f.accounts) == 0 && len(all) != 1 {
		warnings = append(warnings, f.warning(entry{line: 1, col: 1}, `add "accounts:", or move it into an account's folder`,
			"the file does not say which account it is for; it is not used"))
	}
	for _, e := range f.accounts {
		if len(sharedBy([]entry{e}, all)) == 0 {
			warnings = append(warnings, f.warning(e, didYouMean(e.text, ids(all)), "no account has the id %q", e.text))
		}
	}
	return warnings
}

func (f *File) warning(at entry, hint, format string, args ...any) Problem {
	return Problem{Path: f.Path, Line: at.line, Col: at.col, Warning: true, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// nobodys warns of a folder, shown as path, that has no account's name.
func nobodys(path, folder string, all []Owner) Problem {
	return Problem{
		Path: path, Warning: true, Hint: didYouMean(folder, ids(all)),
		Message: "no account has this folder's name; its files are not read",
	}
}

// named returns the account with an id, alone, or none.
func named(id string, all []Owner) []Owner {
	i := slices.IndexFunc(all, func(o Owner) bool { return o.ID == id })
	if i < 0 {
		return nil
	}
	return all[i : i+1]
}

// sharedBy returns the accounts that a file in the root is for, given its "accounts:".
func sharedBy(accounts []entry, all []Owner) []Owner {
	only := len(all) == 1
	if len(accounts) == 0 && only {
		return all
	}
	f := &File{accounts: accounts}
	return slices.DeleteFunc(slices.Clone(all), func(o Owner) bool { return !f.isFor(o, only) })
}

func ids(owners []Owner) []string {
	var list []string
	for _, o := range owners {
		list = append(list, o.ID)
	}
	return list
}

// isFor reports whether the file's "accounts:" mean the account. own is for a file that can be no one
// else's: an account that lists no numbers then takes any number as its own.
func (f *File) isFor(o Owner, own bool) bool {
	return slices.ContainsFunc(f.accounts, func(e entry) bool {
		return e.is(o) || e.isNumberOf(o) && (own || len(o.PhoneNumberIDs) > 0)
	})
}

// numbers returns the phone_number_ids the file is limited to within its account; none means all.
func (f *File) numbers(o Owner) []string {
	var numbers []string
	for _, e := range f.accounts {
		switch {
		case e.is(o):
			return nil
		case e.isNumberOf(o):
			numbers = append(numbers, e.text)
		}
	}
	return numbers
}

func (e entry) is(o Owner) bool { return e.text == o.ID || e.text == o.WABAID }

// isNumberOf reports whether the entry is a number of the account, or may be: listing them is optional.
func (e entry) isNumberOf(o Owner) bool {
	if len(o.PhoneNumberIDs) == 0 {
		return strings.Trim(e.text, "0123456789") == ""
	}
	return slices.Contains(o.PhoneNumberIDs, e.text)
}
