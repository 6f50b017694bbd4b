package rules

import (
	"strings"
	"time"
)

// claimKey is the right to fire once, as ledger 14 and 15 spell it. Stored claims decide once-ness for
// 400 days, so these forms are part of an event's identity and never change:
//
//	per_conversation:<rule>:<conversation>
//	per_click:<rule>:<conversation>:<click key>
//	per_day:<rule>:<conversation>:<YYYY-MM-DD of the event time in the rule's timezone>
//	always:<rule>:<trigger>
//	dedupe:<event name>:<the filled-in template, folded; SHA-256 in hex of one that is longer
//	than 256 bytes or holds an e-mail address>
//
// A rule in shadow mode puts "shadow:" before them.
func claimKey(b *bound, f *Facts, conversation string) string {
	key := string(b.Once) + ":" + b.ID + ":"
	switch b.Once {
	case PerConversation:
		key += conversation
	case PerDay:
		key += conversation + ":" + f.At.In(b.zone).Format(time.DateOnly)
	case Always:
		key += f.Trigger
	case PerClick:
		key += conversation + ":" + f.Click.Key
	}
	return b.Mode.key(key)
}

// key keeps the claims of rules that are only tried apart.
func (m Mode) key(key string) string {
	if m == Shadow {
		return "shadow:" + key
	}
	return key
}

// dedupeKey is the key that rules share, empty if the rule has no dedupe. A template that this message
// does not fill in completely would make one event of all that lack the same: once decides then.
func (m *match) dedupeKey() string {
	// A key outlives the message by a year, and what stands in the text may be of a person: it is hashed.
	sum := m.msg.notes.digest(m.whole(m.rule.dedupe))
	if sum == "" {
		return ""
	}
	return m.rule.Mode.key(dedupeMark + m.rule.Event + ":" + sum)
}

// claimed returns the key, and whether it is taken: where it is of a conversation, also by the same
// key of a merged one (ledger 9), which is then the key.
func (m *match) claimed() (key string, state ClaimState) {
	keys := []string{m.dedupeKey()}
	if keys[0] == "" {
		keys = m.onceKeys()
	}
	key = keys[0]
	if m.facts.Claimed == nil {
		return key, Free
	}
	for _, k := range keys {
		switch m.facts.Claimed(k) {
		case Taken:
			return k, Taken
		case HeldForValue:
			key, state = k, HeldForValue
		}
	}
	return key, state
}

// onceKeys are the keys of the present conversation and of those merged into it.
func (m *match) onceKeys() []string {
	if len(m.facts.Conversations) == 0 {
		return []string{claimKey(m.rule, m.facts, "")}
	}
	keys := make([]string, len(m.facts.Conversations))
	for i, conversation := range m.facts.Conversations {
		keys[i] = claimKey(m.rule, m.facts, conversation)
	}
	return keys
}

// IsDedupeKey reports whether a claim's key is one of DedupeKeys, and not of one conversation.
func IsDedupeKey(key string) bool {
	return strings.HasPrefix(strings.TrimPrefix(key, Shadow.key("")), dedupeMark)
}

// dedupeMark begins the keys that rules share.
const dedupeMark = "dedupe:"

// DedupeKeys returns the claim keys that Eval may ask for and that belong to no conversation: a caller
// that reads claims by conversation reads these beside them.
func (s *Set) DedupeKeys(f Facts) []string {
	if !s.Hears().Dedupes {
		return nil
	}
	var keys []string
	matches, _ := s.matches(&f)
	for _, m := range matches {
		if key := m.dedupeKey(); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}
