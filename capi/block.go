package capi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
)

// someNotBlocked is Meta's code for "some of them failed"; the answer names them.
const someNotBlocked = 139100

var errNoUsers = errors.New("the answer does not say who was blocked or unblocked")

// Person is whom to block or unblock: a phone number or WhatsApp id, or a business-scoped user id.
// Meta takes the phone number where both are given.
type Person struct {
	Phone  string `json:"user,omitempty"`
	UserID string `json:"user_id,omitempty"`
}

// BlockedUser is a person as Meta knows them. WAID or UserID may be missing.
type BlockedUser struct {
	Input  string `json:"input"` // what the request named, "" in a list
	WAID   string `json:"wa_id"`
	UserID string `json:"user_id"`
}

// FailedUser is a person who could not be blocked or unblocked, and why.
type FailedUser struct {
	BlockedUser
	Errors []UserError `json:"errors"`
}

// UserError is one reason. Code 131047: the person did not write within 24 hours; 131021: that is the
// business itself.
type UserError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    struct {
		Details string `json:"details"`
	} `json:"error_data"`
}

// BlockResult says person by person what was done.
type BlockResult struct {
	Done   []BlockedUser
	Failed []FailedUser
}

// BlockUsers blocks up to 1,000 people for a business number. Only who wrote to it within 24 hours can
// be blocked. That some failed is no error: they are in the result (Meta, Cloud API: Block users).
func (c *Client) BlockUsers(ctx context.Context, as Credentials, phoneNumberID string, people []Person) (BlockResult, error) {
	return c.changeBlocked(ctx, "block users", http.MethodPost, as, phoneNumberID, people)
}

// UnblockUsers takes up to 1,000 people off the list of [Client.BlockUsers].
func (c *Client) UnblockUsers(ctx context.Context, as Credentials, phoneNumberID string, people []Person) (BlockResult, error) {
	return c.changeBlocked(ctx, "unblock users", http.MethodDelete, as, phoneNumberID, people)
}

func (c *Client) changeBlocked(ctx context.Context, op, method string, as Credentials, phoneNumberID string, people []Person) (BlockResult, error) {
	body, _ := json.Marshal(map[string]any{"messaging_product": "whatsapp", "block_users": people}) // strings always marshal
	answered, e := c.ask(ctx, op, request{method: method, path: url.PathEscape(phoneNumberID) + "/block_users", body: body, as: as})
	if e != nil && e.Code != someNotBlocked {
		return BlockResult{}, e
	}
	var a struct {
		Users *struct {
			Added   []BlockedUser `json:"added_users"`
			Removed []BlockedUser `json:"removed_users"`
			Failed  []FailedUser  `json:"failed_users"`
		} `json:"block_users"`
	}
	err := json.Unmarshal(answered.body, &a)
	switch {
	case err == nil && a.Users != nil:
		return BlockResult{Done: append(a.Users.Added, a.Users.Removed...), Failed: a.Users.Failed}, nil
	case e != nil:
		return BlockResult{}, e
	default:
		return BlockResult{}, answered.unreadable(op, errNoUsers)
	}
}

// BlockedUsers lists who is blocked for a business number, limit at a time. next is what to give as
// after for the next page, "" at the end.
func (c *Client) BlockedUsers(ctx context.Context, as Credentials, phoneNumberID string, limit int, after string) (users []BlockedUser, next string, err error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if after != "" {
		query.Set("after", after)
	}
	var page struct {
		Data   []BlockedUser `json:"data"`
		Paging paging        `json:"paging"`
	}
	err = c.graph(ctx, "list blocked users", request{
		method: http.MethodGet, path: url.PathEscape(phoneNumberID) + "/block_users", query: query, as: as,
	}, &page)
	if len(page.Data) == 0 { // Meta may give a cursor on the last page too
		return nil, "", err
	}
	return page.Data, page.Paging.Cursors.After, err
}
