// Package capi speaks Meta's Conversions API for business messaging: it writes an event as Meta
// wants it, hands a batch over, and says what Meta's answer means and whether to try again.
//
// The client never retries and never follows a redirect. Whether a send is repeated is decided by
// [Error.Retry] and obeyed by the caller, which keeps each try on record.
package capi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// MaxBatch is how many events one request may carry; Meta refuses the whole of a larger one
// (Meta, Conversions API: Using the API).
const MaxBatch = 1000

// maxAnswer is how much of an answer is read. Meta's are below 1 KiB; what is longer is not Meta's.
const maxAnswer = 1 << 20

var errLongAnswer = errors.New("the answer is longer than 1 MiB")

// Options says where Meta is and how long to wait for it.
type Options struct {
	// BaseURL is the Graph API without a version. Default https://graph.facebook.com.
	BaseURL string
	// Version is the Graph API version. Default v25.0.
	Version string
	// Timeout bounds one call from dialling to the answer's last byte. Default 10s.
	Timeout time.Duration
}

// Client sends batches of events to Meta. It is made by [New] and safe for concurrent use.
type Client struct {
	Options
	HTTP *http.Client
}

// New returns a client with its own connection pool, sized for many accounts sending to one host.
func New(o Options) *Client {
	if o.BaseURL == "" {
		o.BaseURL = "https://graph.facebook.com"
	}
	if o.Version == "" {
		o.Version = "v25.0"
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	return &Client{Options: o, HTTP: &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    64,
			IdleConnTimeout:        90 * time.Second,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
		// A followed 302 turns the POST into a GET, and its 200 would look like success.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Send hands 1 to [MaxBatch] events to a dataset in one request. Each event is the bytes of
// [Event.JSON] and goes out unchanged. Meta takes all of a batch or nothing of it.
//
// A nil error means that Meta counted every event. Any other outcome is an [*Error].
func (c *Client) Send(ctx context.Context, to Dataset, events [][]byte) (Receipt, error) {
	var sent atomic.Bool
	ctx, cancel := context.WithTimeout(noteSent(ctx, &sent), c.Timeout)
	defer cancel()
	req, err := c.request(ctx, to, events)
	if err != nil {
		return Receipt{}, &Error{Err: err}
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return Receipt{}, &Error{Sent: sent.Load(), Err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := readAnswer(resp.Body)
	return judge(resp.StatusCode, to.redact(body), err, len(events))
}

// request builds the call (Meta, Conversions API for Business Messaging: POST /{dataset}/events).
// The token goes into a header, because addresses end up in logs.
func (c *Client) request(ctx context.Context, to Dataset, events [][]byte) (*http.Request, error) {
	address := c.BaseURL + "/" + c.Version + "/" + url.PathEscape(to.ID) + "/events"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(batch(to, events)))
	if err != nil {
		return nil, fmt.Errorf("build the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+to.Token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept-Encoding", "identity") // no compressed answer, so no bomb in one either
	return req, nil
}

// batch is the request's body. It is put together by hand, because marshalling a json.RawMessage
// rewrites its bytes, and an event must reach Meta as it was frozen.
func batch(to Dataset, events [][]byte) []byte {
	var b bytes.Buffer
	b.WriteString(`{"data":[`)
	b.Write(bytes.Join(events, []byte(",")))
	b.WriteString(`]`)
	if code := strings.TrimSpace(to.TestEventCode); code != "" {
		quoted, _ := json.Marshal(code) // a string always marshals
		b.WriteString(`,"test_event_code":`)
		b.Write(quoted)
	}
	b.WriteString(`}`)
	return b.Bytes()
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
