package sandbox

// Who may call: tokens, what they may do, and the proof that the app itself is calling.

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// The permissions that the calls need (Meta, WhatsApp Business Platform: Permissions).
const (
	manageEvents = "whatsapp_business_manage_events"
	management   = "whatsapp_business_management"
	messaging    = "whatsapp_business_messaging"
)

// The app that all tokens belong to.
const (
	appID   = "260000000000001"
	appName = "Clickthread sandbox"
)

var versions = regexp.MustCompile(`^v\d+\.\d+$`)

// admit checks version and token, and whether the token has a permission; "" is for calls without one.
func (w *world) admit(r *http.Request, scope string) (Grant, *refusal) {
	if !versions.MatchString(r.PathValue("version")) {
		return Grant{}, noSuchPath()
	}
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		token = ""
	}
	grant, no := w.grant(token)
	if no == nil && !grant.allows(scope) {
		no = &refusal{status: http.StatusForbidden, code: 200, message: "(#200) Requires " + scope + " permission to manage the object"}
	}
	return grant, no
}

// grant finds out what a token may do.
func (w *world) grant(token string) (Grant, *refusal) {
	o := w.options
	if i := slices.IndexFunc(o.Grants, func(g Grant) bool { return g.Token == token }); i >= 0 && token != "" {
		if grant := o.Grants[i]; grant.Expires.IsZero() || w.options.Now().Before(grant.Expires) {
			return grant, nil
		}
		return o.Grants[i], badToken(463, "Error validating access token: Session has expired")
	}
	if token == "" || len(o.Tokens) > 0 && !slices.Contains(o.Tokens, token) {
		return Grant{}, badToken(0, "Invalid OAuth access token - Cannot parse access token")
	}
	return Grant{Token: token}, nil
}

func badToken(subcode int, message string) *refusal {
	return &refusal{status: http.StatusUnauthorized, code: 190, subcode: subcode, message: message}
}

func (g Grant) allows(scope string) bool {
	return scope == "" || len(g.Scopes) == 0 || slices.Contains(g.Scopes, scope)
}

// sees tells whether what belongs to the account exists for the token; "" is nobody's.
func (g Grant) sees(account string) bool {
	return account == "" || len(g.Accounts) == 0 || slices.Contains(g.Accounts, account)
}

// prove checks appsecret_proof: the hex HMAC-SHA256 of the token under the app's secret (Meta, Graph
// API: Securing requests).
func (w *world) prove(token, proof string) *refusal {
	if w.options.AppSecret == "" {
		return nil
	}
	mac := hmac.New(sha256.New, []byte(w.options.AppSecret))
	mac.Write([]byte(token))
	if hmac.Equal([]byte(proof), []byte(hex.EncodeToString(mac.Sum(nil)))) {
		return nil
	}
	return &refusal{status: http.StatusBadRequest, code: 104, message: "Invalid appsecret_proof provided in the API argument"}
}

// tokenInfo is what Meta tells about a token (Meta, Graph API: Debug token).
type tokenInfo struct {
	AppID             string          `json:"app_id"`
	Type              string          `json:"type"`
	Application       string          `json:"application"`
	DataAccessExpires int64           `json:"data_access_expires_at"`
	Expires           int64           `json:"expires_at"` // unix seconds; 0 = never
	Valid             bool            `json:"is_valid"`
	Error             *tokenError     `json:"error,omitempty"`
	Scopes            []string        `json:"scopes"`
	GranularScopes    []granularScope `json:"granular_scopes"`
	UserID            string          `json:"user_id"`
}

type tokenError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Subcode int    `json:"subcode,omitempty"`
}

// granularScope is one permission; without targets it holds for everything.
type granularScope struct {
	Scope     string   `json:"scope"`
	TargetIDs []string `json:"target_ids,omitempty"`
}

// debugToken tells about the token in input_token.
func (g *Graph) debugToken(c call) answer {
	token := c.query.Get("input_token")
	if token == "" {
		return invalid("", "input_token is missing").answer()
	}
	grant, no := g.world.grant(token)
	info := tokenInfo{AppID: appID, Type: "SYSTEM_USER", Application: appName, Valid: no == nil, UserID: "122000000000000001"}
	if no != nil {
		info.Error = &tokenError{Code: no.code, Message: no.message, Subcode: no.subcode}
	}
	if !grant.Expires.IsZero() {
		info.Expires = grant.Expires.Unix()
	}
	info.Scopes, info.GranularScopes = []string{}, []granularScope{}
	if grant.Token != "" {
		for _, scope := range []string{management, messaging, manageEvents} {
			if grant.allows(scope) {
				info.Scopes = append(info.Scopes, scope)
				info.GranularScopes = append(info.GranularScopes, granularScope{Scope: scope, TargetIDs: grant.Accounts})
			}
		}
	}
	return answerOK(map[string]tokenInfo{"data": info})
}
