package sandbox

// Whom a business number does not want to hear (Meta, WhatsApp Cloud API: Block users).

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

const (
	maxBlocked    = 64_000 // people on the list of one number
	maxBlockUsers = 1_000  // people in one request
	maxBlockPage  = 1_000  // people on one page; Meta's own limit is not known
	blockPage     = 25
)

// A parent id, like US.ENT.1, is for whole companies and cannot be blocked.
var (
	phone  = regexp.MustCompile(`^[1-9]\d{6,14}$`)
	userID = regexp.MustCompile(`^[A-Z]{2}\.[0-9A-Za-z]{1,128}$`)

	// punctuation is what people write between the digits of a phone number.
	punctuation = strings.NewReplacer("+", "", "-", "", "(", "", ")", "", " ", "")
)

// blockList is whom one number blocks, in the order of blocking.
type blockList struct {
	people  []person
	changes int // makes the cursors of an older list recognisable
}

// person is known by phone or by business-scoped user id.
type person struct {
	WAID   string `json:"wa_id,omitempty"`
	UserID string `json:"user_id,omitempty"`
}

// blockedUser is a person on the list, as a page shows them.
type blockedUser struct {
	Product string `json:"messaging_product"`
	person
}

// blockRequest asks to block or unblock; where both names are given, user counts.
type blockRequest struct {
	Product string `json:"messaging_product"`
	Users   []struct {
		User   string `json:"user"`
		UserID string `json:"user_id"`
	} `json:"block_users"`
}

// blockResult is what became of one person: without errors it worked.
type blockResult struct {
	Input string `json:"input"`
	person
	Errors []blockError `json:"errors,omitempty"`
}

type blockError struct {
	Message string `json:"message"`
	Code    int    `json:"code"`
	Data    struct {
		Details string `json:"details"`
	} `json:"error_data"`
}

func (g *Graph) block(c call) answer {
	return g.changeBlocks(c, "added_users", func(l *blockList, who person) (code int, details string) {
		switch {
		case slices.Contains(l.people, who):
		case len(l.people) >= maxBlocked:
			return 139101, "The list of blocked users is full"
		default:
			l.people = append(l.people, who)
		}
		return 0, ""
	})
}

func (g *Graph) unblock(c call) answer {
	return g.changeBlocks(c, "removed_users", func(l *blockList, who person) (int, string) {
		l.people = slices.DeleteFunc(l.people, func(p person) bool { return p == who })
		return 0, ""
	})
}

// changeBlocks does change for everyone in the request. Those for whom it fails do not stop the rest.
func (g *Graph) changeBlocks(c call, done string, change func(*blockList, person) (code int, details string)) answer {
	n, no := g.number(c)
	if no != nil {
		return no.answer()
	}
	var req blockRequest
	if err := json.Unmarshal(c.body, &req); err != nil {
		return invalid("", "the body is not an object: "+err.Error()).answer()
	}
	if req.Product != "whatsapp" || len(req.Users) == 0 || len(req.Users) > maxBlockUsers {
		return invalid("", fmt.Sprintf("messaging_product must be whatsapp, and block_users hold 1 to %d users", maxBlockUsers)).answer()
	}
	g.world.mu.Lock()
	defer g.world.mu.Unlock()
	list := g.world.blocked[n.ID]
	list.people = slices.Clone(list.people)
	list.changes++
	results := map[string][]blockResult{}
	for _, u := range req.Users {
		result, code, details := identify(u.User, u.UserID, n)
		if code == 0 {
			code, details = change(&list, result.person)
		}
		if code == 0 {
			results[done] = append(results[done], result)
			continue
		}
		failed := blockError{Message: "User cannot be changed", Code: code}
		failed.Data.Details = details
		result.Errors = []blockError{failed}
		results["failed_users"] = append(results["failed_users"], result)
	}
	g.world.blocked[n.ID] = list
	return blockAnswer(results)
}

// identify reads who is meant; a code is why they can be neither blocked nor unblocked.
func identify(user, id string, by Number) (result blockResult, code int, details string) {
	result.Input = cmp.Or(user, id)
	digits := punctuation.Replace(user)
	switch {
	case user != "" && phone.MatchString(digits):
		result.WAID = digits
	case user == "" && userID.MatchString(id):
		result.UserID = id
	default:
		return result, 131047, "Not a user who wrote to this number in the last 24 hours"
	}
	if result.WAID != "" && result.WAID == punctuation.Replace(by.Display) {
		return result, 131021, "A number cannot block itself"
	}
	return result, 0, ""
}

// blockAnswer tells who was changed and who not. If anyone was not, it is an error as well; Meta does
// not say with which HTTP status.
func blockAnswer(results map[string][]blockResult) answer {
	body := map[string]any{"messaging_product": "whatsapp", "block_users": results}
	if len(results["failed_users"]) == 0 {
		return answerOK(body)
	}
	no := refusal{code: 139100, message: "(#139100) Failed to change some of the users"}
	body["error"] = no.graphError()
	return answerJSON(http.StatusBadRequest, body)
}

// getBlocked lists a page of those who are blocked. The cursors are those of the page's first and last;
// behind the last page is an empty one without cursors.
func (g *Graph) getBlocked(c call) answer {
	n, no := g.number(c)
	if no != nil {
		return no.answer()
	}
	g.world.mu.RLock()
	list := g.world.blocked[n.ID]
	g.world.mu.RUnlock()
	from, to, no := list.page(c.query.Get("limit"), c.query.Get("after"), c.query.Get("before"))
	if no != nil {
		return no.answer()
	}
	data := []blockedUser{}
	for _, p := range list.people[from:to] {
		data = append(data, blockedUser{Product: "whatsapp", person: p})
	}
	body := map[string]any{"data": data}
	if len(data) > 0 {
		body["paging"] = map[string]any{"cursors": map[string]string{"before": list.cursor(from), "after": list.cursor(to - 1)}}
	}
	return answerOK(body)
}

// number finds the number that a call is about, if it exists for the token.
func (g *Graph) number(c call) (Number, *refusal) {
	n, owner, found := g.world.number(c.id)
	if !found || !c.grant.sees(owner) {
		return n, noSuchObject(c.method, c.id)
	}
	return n, nil
}
