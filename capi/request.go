package capi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
)

// request is one call of the Graph API.
type request struct {
	method string
	path   string // below the version, escaped
	query  url.Values
	body   []byte // JSON; nil sends none
	as     Credentials
	secret string // one more secret in it, which is not shown either
}

// reply is what came back, with secrets blanked; err says why body is incomplete.
type reply struct {
	status int
	header http.Header
	body   []byte
	err    error
}

// do makes one call. An error means that no answer came.
func (c *Client) do(ctx context.Context, r request) (reply, *Error) {
	var sent atomic.Bool
	ctx, cancel := context.WithTimeout(noteSent(ctx, &sent), c.Timeout)
	defer cancel()
	hidden := secrets{r.as.Token, r.as.AppSecret, r.secret}
	req, err := c.build(ctx, r)
	if err != nil {
		return reply{}, &Error{Err: hidden.redactError(err)}
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return reply{}, &Error{Sent: sent.Load(), Err: hidden.redactError(withoutQuery(err))}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := readAnswer(resp.Body)
	return reply{status: resp.StatusCode, header: resp.Header, body: hidden.redact(body), err: err}, nil
}

// build puts the token into a header, because addresses end up in logs.
func (c *Client) build(ctx context.Context, r request) (*http.Request, error) {
	address := c.BaseURL + "/" + c.Version + "/" + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("build the request: %w", withoutQuery(err))
	}
	req.Header.Set("Authorization", "Bearer "+r.as.Token)
	req.Header.Set("Accept-Encoding", "identity") // no compressed answer, so no bomb in one either
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// withoutQuery takes the query out of an error of the transport, which repeats the whole address.
func withoutQuery(err error) error {
	var failure *url.Error
	if !errors.As(err, &failure) {
		return err
	}
	address, _, _ := strings.Cut(failure.URL, "?")
	return &url.Error{Op: failure.Op, URL: address, Err: failure.Err}
}

// noteSent sets sent as soon as the request has a connection to be written to. Waiting for the first
// written byte would be too late: a timeout can return while another goroutine still writes. The
// transport itself starts over only when nothing was written, so a new search for one clears it.
func noteSent(ctx context.Context, sent *atomic.Bool) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { sent.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { sent.Store(true) },
	})
}

// readAnswer reads at most maxAnswer bytes; with an error it returns what came before it.
func readAnswer(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		return body[:maxAnswer], errLongAnswer
	}
	return body, err
}
