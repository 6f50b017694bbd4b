package capi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const canary = "EAAcanaryTokenThatMustNeverShow"

var dataset = Dataset{ID: "900800700", Token: canary}

// meta is a Meta on loopback that answers with h, and a client for it.
func meta(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return New(Options{BaseURL: srv.URL})
}

func send(t *testing.T, c *Client, events ...string) (Receipt, *Error) {
	t.Helper()
	batch := make([][]byte, len(events))
	for i, event := range events {
		batch[i] = []byte(event)
	}
	receipt, err := c.Send(t.Context(), dataset, batch)
	var e *Error
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("Send gives %T, not an *Error: %v", err, err)
	}
	return receipt, e
}

func TestSendHandsOverTheFrozenBytes(t *testing.T) {
	var got *http.Request
	var body []byte
	c := meta(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"events_received":2,"messages":["a remark"],"fbtrace_id":"A1"}`)
	})
	to := dataset
	to.TestEventCode = " TEST12345\n"
	receipt, err := c.Send(t.Context(), to, [][]byte{[]byte(`{ "a" : "<1>" }`), []byte(`{"value":1299.90}`)})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"data":[{ "a" : "<1>" },{"value":1299.90}],"test_event_code":"TEST12345"}`; string(body) != want {
		t.Errorf("body %s, want %s", body, want)
	}
	if got.Method != http.MethodPost || got.RequestURI != "/v25.0/900800700/events" {
		t.Errorf("%s %s", got.Method, got.RequestURI)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer " + canary, "Content-Type": "application/json", "Accept-Encoding": "identity",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if receipt.EventsReceived != 2 || receipt.TraceID != "A1" || len(receipt.Messages) != 1 || receipt.HTTPStatus != 200 || len(receipt.Body) == 0 {
		t.Errorf("receipt %+v", receipt)
	}
}

func TestNoTestCodeIsSentWhenBlank(t *testing.T) {
	to := dataset
	to.TestEventCode = "  "
	if got := string(batch(to, [][]byte{[]byte("{}")})); got != `{"data":[{}]}` {
		t.Errorf("body %s", got)
	}
}

// What goes wrong on the wire, and what may be concluded from it.
func TestOutcomeOfABadAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		meta http.HandlerFunc
		want Verdict
		keep int // bytes of the answer that are kept
	}{
		"502 from a proxy": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, "<html>")
		}, Unknown, 6},
		"503 from a proxy": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "<html>")
		}, Again, 6},
		"one of two events counted": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"events_received":1}`)
		}, Unknown, 21},
		"half an answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"events_rec`)
		}, Unknown, 12},
		"a connection that ends after the request": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			hangUp(w)
		}, Unknown, 0},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost {
				t.Error("the redirect was followed")
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}, Again, 0},
		"a good answer in 2 MiB": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"events_received":2}`+strings.Repeat(" ", 2<<20))
		}, Unknown, 1 << 20},
		"gzip that nobody asked for": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "\x1f\x8b\x08\x00")
		}, Unknown, 4},
	} {
		t.Run(name, func(t *testing.T) {
			_, e := send(t, meta(t, c.meta), `{}`, `{}`)
			if e == nil || e.Retry() != c.want || !e.Sent || len(e.Body) != c.keep {
				t.Errorf("%+v, want %s and %d bytes kept", e, c.want, c.keep)
			}
		})
	}
}

// hangUp ends the connection with a reset.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// deaf is an address that takes connections and never says a word.
func deaf(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// Whether Meta may have the events hangs on whether the request could be written at all.
func TestOutcomeWithoutAnAnswer(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(untrusted.Close)
	for name, c := range map[string]struct {
		address string
		sent    bool
		want    Verdict
	}{
		"no one listens":                 {gone.URL, false, Again},
		"a certificate we do not trust":  {untrusted.URL, false, Again},
		"the TLS handshake hangs":        {"https://" + deaf(t), false, Again},
		"the answer does not come":       {"http://" + deaf(t), true, Unknown},
		"an address that is none":        {"http://[", false, Again},
		"a scheme that no one can speak": {"ftp://127.0.0.1", false, Again},
	} {
		t.Run(name, func(t *testing.T) {
			_, e := send(t, New(Options{BaseURL: c.address, Timeout: 100 * time.Millisecond}), `{}`)
			if e == nil || e.Sent != c.sent || e.Retry() != c.want || e.Unwrap() == nil {
				t.Errorf("%v, want sent %t and %s", e, c.sent, c.want)
			}
		})
	}
}

func TestShutdownBeforeTheSendIsNotUnknown(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := New(Options{BaseURL: "http://" + deaf(t)}).Send(ctx, dataset, [][]byte{[]byte(`{}`)})
	var e *Error
	if !errors.As(err, &e) || e.Retry() != Again || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want again", err)
	}
}
