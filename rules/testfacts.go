package rules

import (
	"slices"
	"time"

	"github.com/clickthread/clickthread/reason"
)

// facts tells the rules what a step says and what is known about the chat.
func (st *stage) facts(s step) Facts {
	f := Facts{
		Trigger: st.trigger, Conversations: []string{"chat"}, Number: st.number, At: st.now,
		Text: s.text, Ours: s.kind == "we", Tap: s.tap.at(st.now), Cart: s.cart, Template: s.template.at(st.now),
		NoClick: reason.NoClickID, Quoted: st.quoted,
		Claimed: func(key string) ClaimState { return st.claims[key] },
	}
	if s.kind == "status" {
		reached := *st.template.Template
		reached.Status = s.status
		f.Template, f.Trigger, f.Ours = &reached, st.template.Trigger, true
	} else if f.Template != nil {
		st.template = &f
	}
	if st.attribute != nil {
		f.Click, f.NoClick = st.attribute(st.owner, slices.Clone(st.clicks), st.now)
	}
	for _, k := range st.kept {
		if k.Outcome == Fire {
			f.Sent = append(f.Sent, k.Event)
		}
	}
	return f
}

// testCustomer is the telephone number that "@customer" stands for in tests.
const testCustomer = "15550001234"

// fill puts the customer's number and the time where a test names them.
func fill(text string, now time.Time) string {
	switch text {
	case "@customer":
		return testCustomer
	case "@now":
		return now.Format(time.RFC3339)
	}
	return text
}

// at is the tap as it is made at a time.
func (t *Tap) at(now time.Time) *Tap {
	if t == nil || t.Answers == nil {
		return t
	}
	filled := *t
	filled.Answers = map[string]any{}
	for field, answer := range t.Answers {
		switch given := answer.(type) {
		case string:
			answer = fill(given, now)
		case []any:
			list := make([]any, len(given))
			for i, element := range given {
				text, _ := element.(string)
				list[i] = fill(text, now)
			}
			answer = list
		}
		filled.Answers[field] = answer
	}
	return &filled
}

// at is the template as it is sent at a time.
func (t *Template) at(now time.Time) *Template {
	if t == nil {
		return nil
	}
	filled := *t
	filled.Parameters = map[string]string{}
	for name, text := range t.Parameters {
		filled.Parameters[name] = fill(text, now)
	}
	return &filled
}
