package sandbox

// This file judges a request as Meta does: same codes, same HTTP status, and one bad event refuses the
// whole request.

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/clickthread/clickthread/capi"
)

const (
	maxAge  = 7 * 24 * 60 * 60 // seconds; "Event Timestamp Too Old" beyond
	maxSkew = 60               // seconds that an event may lie in the future
)

var (
	versions = regexp.MustCompile(`^v\d+\.\d+$`)
	numeric  = regexp.MustCompile(`^\d+$`)

	// personKeys are the user_data keys that messaging events are known to carry. The keys of web events,
	// like client_ip_address, are refused with 2804064.
	personKeys = []string{"whatsapp_business_account_id", "ctwa_clid", "page_id", "em", "ph", "external_id", "fn", "ln"}
)

// eventsRequest is the body of Meta's call.
type eventsRequest struct {
	Data          []json.RawMessage `json:"data"`
	TestEventCode string            `json:"test_event_code"`
}

// event is what has to be right in an event.
type event struct {
	Name       string                     `json:"event_name"`
	Time       *int64                     `json:"event_time"`
	Source     string                     `json:"action_source"`
	Channel    string                     `json:"messaging_channel"`
	UserData   map[string]json.RawMessage `json:"user_data"`
	CustomData struct {
		Value    *json.Number `json:"value"`
		Currency string       `json:"currency"`
	} `json:"custom_data"`
}

// admit checks what comes before the body: path and token.
func (g *Graph) admit(version, dataset, authorization string) *refusal {
	token, bearer := strings.CutPrefix(authorization, "Bearer ")
	switch {
	case !versions.MatchString(version):
		return noSuchPath()
	case !bearer || token == "", len(g.tokens) > 0 && !slices.Contains(g.tokens, token):
		return &refusal{status: http.StatusUnauthorized, code: 190, message: "Invalid OAuth access token - Cannot parse access token"}
	case !numeric.MatchString(dataset), len(g.datasets) > 0 && !slices.Contains(g.datasets, dataset):
		return &refusal{status: http.StatusBadRequest, code: 100, subcode: 33, kind: "GraphMethodException", message: fmt.Sprintf(
			"Unsupported post request. Object with ID '%s' does not exist, cannot be loaded due to missing permissions, or does not support this operation", dataset)}
	}
	return nil
}

// judge reads the body and gives Meta's first objection to any event in it, or nil.
func (g *Graph) judge(body []byte, now time.Time) (eventsRequest, *refusal) {
	var req eventsRequest
	if err := json.Unmarshal(body, &req); err != nil {
		return req, invalid("the body is not a request: " + err.Error())
	}
	if len(req.Data) == 0 || len(req.Data) > capi.MaxBatch {
		return req, invalid(fmt.Sprintf("data must hold 1 to %d events, not %d", capi.MaxBatch, len(req.Data)))
	}
	for i, raw := range req.Data {
		if no := g.judgeEvent(raw, now.Unix()); no != nil {
			no.words = fmt.Sprintf("event %d: %s", i, no.words)
			return req, no
		}
	}
	return req, nil
}

// judgeEvent gives Meta's objection to one event, or nil; now is in unix seconds.
func (g *Graph) judgeEvent(raw json.RawMessage, now int64) *refusal {
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		return invalid(err.Error())
	}
	switch {
	case !slices.Contains(capi.EventNames(), e.Name):
		return refuse(2804066, "Messaging Event Invalid Event Type", fmt.Sprintf("%q is not an event name for messaging", e.Name))
	case e.Channel == "":
		return refuse(2804063, "Missing Messaging Channel", "messaging_channel is missing")
	case e.Channel != "whatsapp" || e.Source != "business_messaging":
		return invalid("action_source must be business_messaging and messaging_channel whatsapp")
	case e.strangeKey() != "":
		return refuse(2804064, "Messaging Event Invalid Argument", fmt.Sprintf("user_data.%s does not belong in a messaging event", e.strangeKey()))
	case !g.knowsClick(e.clickID()):
		return refuse(2804087, "Messaging Event Invalid Ctwa Clid", "ctwa_clid is missing, or no click on a connected ad has it")
	case e.Time == nil:
		return invalid("event_time is missing")
	case *e.Time > now+maxSkew:
		return invalid("event_time is in the future")
	case *e.Time < now-maxAge:
		return refuse(2804003, "Event Timestamp Too Old", "event_time is more than 7 days ago")
	case e.Name == "Purchase" && (e.CustomData.Value == nil || e.CustomData.Currency == ""):
		return refuse(2804009, "Missing Value for Purchase Event", "a Purchase needs custom_data.value and custom_data.currency")
	}
	return nil
}

// strangeKey is the first key in user_data, by name, that messaging events do not carry.
func (e event) strangeKey() string {
	first := ""
	for key := range e.UserData {
		if !slices.Contains(personKeys, key) && (first == "" || key < first) {
			first = key
		}
	}
	return first
}

// clickID is "" where the key is missing or not a string.
func (e event) clickID() string {
	var clid string
	if json.Unmarshal(e.UserData["ctwa_clid"], &clid) != nil {
		return ""
	}
	return clid
}

func (g *Graph) knowsClick(clid string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return clid != "" && (len(g.clicks) == 0 || g.clicks[clid])
}

// refusal is Meta's no to a whole request (Meta, Graph API: Handling errors).
type refusal struct {
	status        int
	code, subcode int
	kind          string // error.type; "" means OAuthException
	message       string
	title, words  string // error_user_title and error_user_msg
}

// refuse is the no to an event, where subcode says why.
func refuse(subcode int, title, words string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: 100, subcode: subcode, message: "Invalid parameter", title: title, words: words}
}

// invalid is the no that has no subcode of its own.
func invalid(words string) *refusal { return refuse(0, "Invalid parameter", words) }

func noSuchPath() *refusal {
	return &refusal{status: http.StatusNotFound, code: 2500, message: "Unknown path components"}
}

// graphError is the shape of every error of the Graph API.
type graphError struct {
	Message   string `json:"message"`
	Type      string `json:"type"`
	Code      int    `json:"code"`
	Subcode   int    `json:"error_subcode,omitempty"`
	Transient bool   `json:"is_transient"`
	UserTitle string `json:"error_user_title,omitempty"`
	UserWords string `json:"error_user_msg,omitempty"`
	TraceID   string `json:"fbtrace_id"`
}

func (no *refusal) write(w http.ResponseWriter) {
	kind := no.kind
	if kind == "" {
		kind = "OAuthException"
	}
	writeJSON(w, no.status, map[string]graphError{"error": {
		Message:   no.message,
		Type:      kind,
		Code:      no.code,
		Subcode:   no.subcode,
		Transient: no.code == 1 || no.code == 2,
		UserTitle: no.title,
		UserWords: no.words,
		TraceID:   newTraceID(),
	}})
}

// newTraceID looks like Meta's fbtrace_id.
func newTraceID() string { return "A" + rand.Text()[:21] }
