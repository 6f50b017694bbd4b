package sandbox

// Pages of the people whom a number blocks.

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
)

// page finds the people from and up to, without, to.
func (l blockList) page(limit, after, before string) (from, to int, no *refusal) {
	size, err := strconv.Atoi(cmp.Or(limit, strconv.Itoa(blockPage)))
	if err != nil || size < 1 || size > maxBlockPage {
		return 0, 0, invalid("", fmt.Sprintf("limit must be 1 to %d", maxBlockPage))
	}
	switch {
	case after != "":
		from, no = l.position(after)
		from++
	case before != "":
		to, no = l.position(before)
		return max(0, to-size), to, no
	}
	return from, min(from+size, len(l.people)), no
}

// cursor stands for the person at a position, in this state of the list.
func (l blockList) cursor(position int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d,%d", l.changes, position))
}

// position reads a cursor.
func (l blockList) position(cursor string) (int, *refusal) {
	var changes, position int
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		_, err = fmt.Sscanf(string(text), "%d,%d", &changes, &position)
	}
	switch {
	case err != nil || position < 0:
		return 0, invalid("", "the cursor is not one of this list")
	case changes != l.changes || position >= len(l.people):
		return 0, &refusal{status: http.StatusBadRequest, code: 139102, message: "(#139102) The list changed while it was read; begin again"}
	}
	return position, nil
}
