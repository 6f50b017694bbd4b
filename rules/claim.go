package rules

import "time"

// claimKey is the right to fire once, as ledger 14 spells it. Stored claims decide once-ness for 400
// days, so these forms are part of an event's identity and never change:
//
//	per_conversation:<rule>:<conversation>
//	per_click:<rule>:<conversation>:<click key>
//	per_day:<rule>:<conversation>:<YYYY-MM-DD of the event time in the rule's timezone>
//	always:<rule>:<trigger>
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
	if b.Mode == Shadow {
		return "shadow:" + key
	}
	return key
}

// claim returns the key for the present conversation, and whether it or the same key of a merged
// conversation is taken (ledger 9).
func claim(b *bound, f *Facts) (key string, taken bool) {
	conversations := f.Conversations
	if len(conversations) == 0 {
		conversations = []string{""}
	}
	for _, conversation := range conversations {
		if f.Claimed != nil && f.Claimed(claimKey(b, f, conversation)) {
			taken = true
		}
	}
	return claimKey(b, f, conversations[0]), taken
}
