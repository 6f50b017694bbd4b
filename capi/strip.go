package capi

import (
	"bytes"
	"encoding/json"
)

// ExtrasRefused reports whether Meta refused an event for what it says about the person.
func (e *Error) ExtrasRefused() bool { return e.Code == 100 && e.Subcode == 2804064 }

// StripExtras takes em, ph and external_id out of a frozen event: Meta refuses an event for what it
// may not carry (code 100, subcode 2804064), and takes it bare. All other bytes stay as they were,
// spaces between the members of user_data excepted. Without such a member, or where payload is no
// event, it gives payload back and false.
func StripExtras(payload []byte) (bare []byte, changed bool) {
	event, ok := membersOf(payload)
	if !ok {
		return payload, false
	}
	for _, m := range event {
		if m.name != "user_data" {
			continue
		}
		if person, fewer := withoutExtras(payload[m.value:m.end]); fewer {
			return bytes.Join([][]byte{payload[:m.value], person, payload[m.end:]}, nil), true
		}
	}
	return payload, false
}

func withoutExtras(userData []byte) (kept []byte, changed bool) {
	all, ok := membersOf(userData)
	if !ok {
		return userData, false
	}
	var rest [][]byte
	for _, m := range all {
		switch m.name {
		case "em", "ph", "external_id":
		default:
			rest = append(rest, userData[m.start:m.end])
		}
	}
	if len(rest) == len(all) {
		return userData, false
	}
	return append(append([]byte("{"), bytes.Join(rest, []byte(","))...), '}'), true
}

// member is where `"name": value` stands in a JSON object: start at the name's quote, value and end
// around the value.
type member struct {
	name              string
	start, value, end int64
}

// membersOf finds the members of an object; it is not ok for what is no JSON object.
func membersOf(object []byte) (members []member, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(object))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	for dec.More() {
		start := dec.InputOffset()
		start += int64(bytes.IndexByte(object[start:], '"')) // after the comma and spaces
		name, err := dec.Token()
		if err != nil {
			return nil, false
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return nil, false
		}
		end := dec.InputOffset()
		members = append(members, member{name: name.(string), start: start, value: end - int64(len(value)), end: end})
	}
	_, err := dec.Token()
	return members, err == nil
}
