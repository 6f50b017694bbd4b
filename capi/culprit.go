package capi

import (
	"encoding/json"
	"regexp"
	"strconv"
)

var (
	// inMessage finds "data[3]" in error.message, which Meta does not translate; custom_data[3] is no event.
	inMessage = regexp.MustCompile(`(?:^|[\s"'(:])data\[(\d{1,4})\]`)
	// inSpec is the same as the beginning of a path: "data[3]" or "data[3][user_data]".
	inSpec = regexp.MustCompile(`^data\[(\d{1,4})\](?:$|[.\[])`)
)

// Event is the place in the batch, from 0, of the event that Meta names as wrong. It is not ok where
// Meta names none, several, or one that was not sent. Texts for users are not looked at: they are
// translated, and numbers in them may be anything.
func (e *Error) Event() (index int, ok bool) {
	named := blamed(e.Data)
	if len(named) == 0 {
		for _, found := range inMessage.FindAllStringSubmatch(e.Message, -1) {
			named = append(named, found[1])
		}
	}
	for i, digits := range named {
		n, err := strconv.Atoi(digits)
		if err != nil || n >= e.Events || i > 0 && n != index {
			return 0, false
		}
		index = n
	}
	return index, len(named) > 0
}

// blamed lists the indexes, as digits, that error_data.blame_field_specs begins its paths with:
// [["data","3","user_data"]] or [["data[3]","user_data"]]. error_data may be a JSON text in a string.
func blamed(data json.RawMessage) []string {
	var text string
	if json.Unmarshal(data, &text) == nil {
		data = json.RawMessage(text)
	}
	var specs struct {
		Paths [][]json.RawMessage `json:"blame_field_specs"`
	}
	if json.Unmarshal(data, &specs) != nil {
		return nil
	}
	var named []string
	for _, path := range specs.Paths {
		if digits := eventOf(path); digits != "" {
			named = append(named, digits)
		}
	}
	return named
}

// eventOf is the index that a path begins with, "" if it begins with none.
func eventOf(path []json.RawMessage) string {
	var steps []string
	for _, raw := range path[:min(2, len(path))] {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw) // a number
		}
		steps = append(steps, text)
	}
	if len(steps) == 2 && steps[0] == "data" && indexOnly.MatchString(steps[1]) {
		return steps[1]
	}
	if len(steps) > 0 {
		if found := inSpec.FindStringSubmatch(steps[0]); found != nil {
			return found[1]
		}
	}
	return ""
}

var indexOnly = regexp.MustCompile(`^\d{1,4}$`)
