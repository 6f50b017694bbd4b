// Package capi speaks Meta's Conversions API for business messaging, and the few Graph calls around
// it: it writes an event as Meta wants it, hands a batch over, and says what Meta's answer means and
// whether to try again.
//
// The client never retries and never follows a redirect. Whether a send is repeated is decided by
// [Error.Retry] and obeyed by the caller, which keeps each try on record.
package capi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// MaxBatch is how many events one request may carry; Meta refuses the whole of a larger one
// (Meta, Conversions API: Using the API).
const MaxBatch = 1000

// MaxBatchBytes is how large a request may be: 4 MiB. Meta names no limit; a thousand usual events are
// below 1 MiB. A larger batch is not sent, and its [Error] says [Refused], which a sender answers with halves.
const MaxBatchBytes = 4 << 20

// maxAnswer is how much of an answer is read. Meta's are below 1 KiB; what is longer is not Meta's.
const maxAnswer = 1 << 20

var (
	errLongAnswer = errors.New("the answer is longer than 1 MiB")
	errTooLarge   = errors.New("the request would be larger than 4 MiB")
)

// Options says where Meta is and how long to wait for it.
type Options struct {
	// BaseURL is the Graph API without a version. Default https://graph.facebook.com.
	BaseURL string
	// Version is the Graph API version. Default v25.0.
	Version string
	// Timeout bounds one call from dialling to the answer's last byte. Default 10s.
	Timeout time.Duration
}

// Client speaks to Meta. It is made by [New] and safe for concurrent use.
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

// Send hands 1 to [MaxBatch] events to a dataset in one request of at most [MaxBatchBytes]. Each event
// is the bytes of [Event.JSON] and goes out unchanged. Meta takes all of a batch or nothing of it (Meta,
// Conversions API for Business Messaging: POST /{dataset}/events).
//
// A nil error means that Meta counted every event. Any other outcome is an [*Error].
func (c *Client) Send(ctx context.Context, to Dataset, events [][]byte) (Receipt, error) {
	body := batch(to, events)
	if len(body) > MaxBatchBytes {
		return Receipt{}, &Error{Err: errTooLarge, Events: len(events)}
	}
	r, err := c.do(ctx, request{
		method: http.MethodPost, path: url.PathEscape(to.ID) + "/events", body: body, as: to.credentials(),
	})
	if err != nil {
		err.Events = len(events)
		return Receipt{}, err
	}
	return judge(r, len(events))
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
	if proof := to.credentials().proof(); proof != "" {
		b.WriteString(`,"appsecret_proof":"` + proof + `"`)
	}
	b.WriteString(`}`)
	return b.Bytes()
}
