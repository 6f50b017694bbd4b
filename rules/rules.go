// Package rules turns a merchant's rule file and the Facts of what happened in a chat into decisions.
//
// It is pure: it reads no clock, no database and no network, so the same file and the same facts
// give the same decisions in a test, in "rules explain" and in the server. ParseFile reads one file,
// Load reads a folder into one Set per account, Set.Eval decides and Set.Explain says why, Cancels
// judges what still waits, File.RunTests runs the tests that stand in the file, and Schema is the
// format for editors. The numbers "ledger 14" in comments point to the ledger of semantics.
package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Limits of what one merchant may ask of the engine.
const (
	maxFile    = 1 << 20  // bytes of one rule file
	maxText    = 16 << 10 // bytes of a message that are matched: 4,096 of any characters
	maxRules   = 1000     // rules of one account
	maxRegex   = 1024     // characters of one regular expression
	maxPhrases = 50000    // phrases of one account
	maxPhrase  = 200      // words and holes of one phrase

	// A file that goes far beyond what its account may have is not read to its end.
	maxFilePhrases = 2 * maxPhrases

	// No chat message says more than this; texts made to be slow do. Money read from one is held.
	maxWords   = 8000  // words and marks of a message that are matched
	maxWord    = 256   // bytes of one of them
	maxNumbers = 100   // numbers of a message that are looked at
	maxSpans   = 100   // places of one phrase in a message
	maxFills   = 1000  // places of a message at which holes are tried
	maxFinds   = 5000  // times that words of a message lead to a phrase
	maxTries   = 20000 // times that phrases which begin with a hole are tried on a message
	maxAnswers = 1000  // elements of one answer that are looked at
)

// Mode says whether what a rule yields is sent.
type Mode string

// The modes of a rule.
const (
	Live   Mode = "live"
	Shadow Mode = "shadow" // recorded, never sent
	Off    Mode = "off"
)

// Once says how often a rule may fire.
type Once string

// What "once" may say. The words are part of claim keys (see claimKey) and never change.
const (
	PerClick        Once = "per_click"
	PerConversation Once = "per_conversation"
	PerDay          Once = "per_day"
	Always          Once = "always"
)

// Rule is one compiled rule of a file; it never changes after parsing and may belong to several sets.
type Rule struct {
	ID    string // kebab-case, unique within an account, part of every claim
	Name  string // for people; may be empty
	Mode  Mode
	Event string // a name that Meta takes, see capi.CheckEventName
	Once  Once
	Path  string // of the file
	Line  int    // of the rule's first key

	like            likeness
	when            condition
	guard           guard
	value           *value
	contentIDs      []template
	email, external template
	eventID, dedupe template
	wait            time.Duration
	cancelIf        []byte
	cancels         []condition // cancelIf, compiled
}

// File is one parsed rule file without errors.
type File struct {
	Path string

	src      []byte
	accounts []entry
	locale   string // BCP 47, empty if the file does not say
	timezone *time.Location
	currency string // of defaults, empty if the file does not say
	rules    []*Rule
	tests    []*scenario
}

// entry is one text of a file with its place, for what can only be judged later.
type entry struct {
	text      string
	line, col int
}

// Accounts returns what the file declares under "accounts": account ids, WABA ids or phone number ids.
func (f *File) Accounts() []string {
	ids := make([]string, len(f.accounts))
	for i, e := range f.accounts {
		ids[i] = e.text
	}
	return ids
}

// Rules returns the file's rules in the order they stand.
func (f *File) Rules() []*Rule { return slices.Clone(f.rules) }

// Source is one file that a set was made from, as it was read.
type Source struct {
	Path  string
	Bytes []byte
}

// Set is all rules of one account, ready to decide. It never changes and may be used by many
// goroutines at once. A nil Set has no rules.
type Set struct {
	rules   []*bound // by path, then position
	sources []Source // by path
	hash    string
	index   index
	hears   Hears
}

// bound is a rule with the settings that its file and its account give it.
type bound struct {
	*Rule
	numbers  []string // phone_number_ids the file is for; empty means all of the account
	currency string
	grouping rune // the locale's grouping mark
	zone     *time.Location
}

// NewSet binds files to their account. The Set is nil if there is an error among the problems: an id
// that two rules share, too many rules or phrases, or settings of the account that cannot be read.
func NewSet(owner Owner, files ...*File) (*Set, []Problem) {
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b *File) int { return strings.Compare(a.Path, b.Path) })

	var problems []Problem
	fail := func(path string, line int, format string, args ...any) {
		problems = append(problems, Problem{
			Path: path, Line: line, Message: fmt.Sprintf(format, args...), Accounts: []string{owner.ID},
		})
	}
	defaults, err := ownerSettings(owner)
	if err != nil {
		fail("", 0, "account %q: %v", owner.ID, err)
	}
	s := &Set{}
	seen := map[string]*Rule{}
	for _, f := range files {
		s.sources = append(s.sources, Source{Path: f.Path, Bytes: f.src})
		settings := defaults.under(f)
		settings.numbers = f.numbers(owner)
		for _, rule := range f.rules {
			if first, taken := seen[rule.ID]; taken {
				fail(rule.Path, rule.Line, "rule id %q is taken by %s:%d", rule.ID, first.Path, first.Line)
				continue
			}
			seen[rule.ID] = rule
			b := settings
			b.Rule = rule
			s.rules = append(s.rules, &b)
		}
	}
	if len(s.rules) > maxRules {
		fail("", 0, "account %q has %d rules; %d is the limit", owner.ID, len(s.rules), maxRules)
	}
	if phrases := countPhrases(s.rules); phrases > maxPhrases {
		fail("", 0, "account %q listens for %d phrases in all; %d is the limit", owner.ID, phrases, maxPhrases)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	s.hash = hash(owner, s.sources)
	s.index = newIndex(s.rules)
	s.hears = hears(s.rules)
	return s, twicePurchased(s.rules)
}

// ownerSettings reads the account's own settings, with UTC, en and no currency where it says nothing.
func ownerSettings(owner Owner) (bound, error) {
	b := bound{currency: owner.Currency, grouping: groupingMark("en"), zone: time.UTC}
	if owner.Locale != "" {
		if b.grouping = groupingMark(owner.Locale); b.grouping == 0 {
			return b, fmt.Errorf("locale %q is not a language tag such as pt-BR", owner.Locale)
		}
	}
	if owner.Timezone != "" {
		zone, err := loadZone(owner.Timezone)
		if err != nil {
			return b, err
		}
		b.zone = zone
	}
	return b, nil
}

// under lays the file's own settings over the account's.
func (b bound) under(f *File) bound {
	if f.currency != "" {
		b.currency = f.currency
	}
	if f.locale != "" {
		b.grouping = groupingMark(f.locale)
	}
	if f.timezone != nil {
		b.zone = f.timezone
	}
	return b
}

// loadZone refuses the two names that time.LoadLocation takes from the machine instead of the name.
func loadZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, fmt.Errorf("timezone %q is not an IANA name such as America/Sao_Paulo", name)
	}
	return zone, nil
}

// Hash identifies what the set decides: hex SHA-256 of the account's settings and of all paths and
// bytes. Nodes compare it (ledger 30). A nil Set has the empty hash.
func (s *Set) Hash() string {
	if s == nil {
		return ""
	}
	return s.hash
}

// hash writes every text with its length, so that no two sets of texts run into one another.
func hash(owner Owner, sources []Source) string {
	h := sha256.New()
	write := func(text string) { _, _ = fmt.Fprintf(h, "%d:%s", len(text), text) }
	for _, text := range []string{owner.ID, owner.WABAID, owner.Currency, owner.Locale, owner.Timezone} {
		write(text)
	}
	write(strings.Join(owner.PhoneNumberIDs, ","))
	for _, source := range sources {
		write(source.Path)
		write(string(source.Bytes))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Sources returns the files the set was made from, by path: what a database keeps as the last good
// set (ledger 30), and what ParseFile and NewSet make the same set of again.
func (s *Set) Sources() []Source {
	if s == nil {
		return nil
	}
	return slices.Clone(s.sources)
}

// Rules returns the set's rules in the order in which they win (path, then position).
func (s *Set) Rules() []*Rule {
	if s == nil {
		return nil
	}
	rules := make([]*Rule, len(s.rules))
	for i, b := range s.rules {
		rules[i] = b.Rule
	}
	return rules
}

// Len is the number of rules, those that are off included.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	return len(s.rules)
}
