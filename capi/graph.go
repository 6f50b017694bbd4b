package capi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
)

// ask makes a Graph call. The reply is there with a failure too, since some answers hold both a result
// and an error.
func (c *Client) ask(ctx context.Context, op string, r request) (reply, *Error) {
	if proof := r.as.proof(); proof != "" {
		query := url.Values{"appsecret_proof": {proof}}
		maps.Copy(query, r.query)
		r.query = query
	}
	answered, e := c.do(ctx, r)
	if e != nil {
		e.Op = op
		return reply{}, e
	}
	_, e, failed := answered.read()
	e.Op = op
	if failed {
		return answered, e
	}
	return answered, nil
}

// graph makes a Graph call and reads its answer into out. A failure is an [*Error].
func (c *Client) graph(ctx context.Context, op string, r request, out any) error {
	answered, e := c.ask(ctx, op, r)
	if e != nil {
		return e
	}
	if err := json.Unmarshal(answered.body, out); err != nil {
		return answered.unreadable(op, fmt.Errorf("read the answer: %w", err))
	}
	return nil
}

// confirm makes a Graph call whose answer is {"success":true}.
func (c *Client) confirm(ctx context.Context, op string, r request) error {
	answered, e := c.ask(ctx, op, r)
	if e != nil {
		return e
	}
	var done struct {
		Success bool `json:"success"`
	}
	if err := json.Unmarshal(answered.body, &done); err != nil || !done.Success {
		return answered.unreadable(op, errors.New("the answer does not say that it is done"))
	}
	return nil
}

// unreadable is the failure of an answer that looked well and is none.
func (r reply) unreadable(op string, err error) *Error {
	_, e, _ := r.read()
	e.Op, e.Err = op, err
	return e
}

// graphID is an id that some answers write as a string and some as a number.
type graphID string

// UnmarshalJSON implements [json.Unmarshaler].
func (id *graphID) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	*id = graphID(strings.Trim(string(text), `"`))
	return nil
}

// paging is how Graph continues a list. Only the cursor is used: the address of the next page, which
// Meta gives as well, holds the token.
type paging struct {
	Cursors struct {
		After string `json:"after"`
	} `json:"cursors"`
	Next string `json:"next"`
}

// after is the cursor of the next page, "" at the end: Graph gives a cursor on the last page too, but
// no address of a next one.
func (p paging) after() string {
	if p.Next == "" {
		return ""
	}
	return p.Cursors.After
}
