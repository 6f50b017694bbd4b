package capi

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// TokenInfo is what Meta says about a token.
type TokenInfo struct {
	AppID       string
	Application string // the app's name
	Type        string // USER, SYSTEM_USER, PAGE, ...
	UserID      string
	Valid       bool
	Problem     string // why it is not valid, in Meta's words
	// ExpiresAt is zero for a token that never expires; so is DataAccessExpiresAt.
	ExpiresAt, DataAccessExpiresAt time.Time
	Scopes                         []string
	GranularScopes                 []GranularScope
}

// GranularScope is a permission for certain objects only; without targets it is for all of them.
type GranularScope struct {
	Scope   string
	Targets []string // ids, of WhatsApp Business Accounts for example
}

// DebugToken asks Meta about a token: whether it is valid, until when, and what it may do. The caller's
// own credentials may be the same token, or an app's APPID|SECRET.
//
// Meta takes the token that is asked about as a query parameter only. No error of this package shows
// a query, and answers are redacted; a proxy on the way may still log it.
func (c *Client) DebugToken(ctx context.Context, as Credentials, token string) (TokenInfo, error) {
	var a struct {
		Data tokenData `json:"data"`
	}
	err := c.graph(ctx, "check the token", request{
		method: http.MethodGet, path: "debug_token", query: url.Values{"input_token": {token}}, as: as, secret: token,
	}, &a)
	if err != nil {
		return TokenInfo{}, err
	}
	return a.Data.info(), nil
}

// tokenData is the answer of debug_token (Meta, Graph API: Debug token); times are unix seconds.
type tokenData struct {
	AppID               graphID  `json:"app_id"`
	Application         string   `json:"application"`
	Type                string   `json:"type"`
	UserID              graphID  `json:"user_id"`
	Valid               bool     `json:"is_valid"`
	ExpiresAt           int64    `json:"expires_at"`
	DataAccessExpiresAt int64    `json:"data_access_expires_at"`
	Scopes              []string `json:"scopes"`
	GranularScopes      []struct {
		Scope   string    `json:"scope"`
		Targets []graphID `json:"target_ids"`
	} `json:"granular_scopes"`
	Error struct {
		Message string `json:"message"`
	} `json:"error"`
}

func (d tokenData) info() TokenInfo {
	info := TokenInfo{
		AppID: string(d.AppID), Application: d.Application, Type: d.Type, UserID: string(d.UserID),
		Valid: d.Valid, Problem: d.Error.Message,
		ExpiresAt: unixOrNever(d.ExpiresAt), DataAccessExpiresAt: unixOrNever(d.DataAccessExpiresAt), Scopes: d.Scopes,
	}
	for _, s := range d.GranularScopes {
		scope := GranularScope{Scope: s.Scope}
		for _, id := range s.Targets {
			scope.Targets = append(scope.Targets, string(id))
		}
		info.GranularScopes = append(info.GranularScopes, scope)
	}
	return info
}

func unixOrNever(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
