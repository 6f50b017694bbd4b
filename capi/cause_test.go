package capi

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Whoever reads that Meta could not be reached also reads why: a certificate, a name, a port, a proxy.
func TestACauseSaysWhyMetaCouldNotBeReached(t *testing.T) {
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = nil
	t.Cleanup(untrusted.Close)
	no := httptest.NewServer(says(http.StatusProxyAuthRequired, "no"))
	t.Cleanup(no.Close)
	proxy, err := url.Parse(no.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy.User = url.UserPassword("office", "proxyPassword")
	for name, c := range map[string]struct {
		client *Client
		want   string
	}{
		"nobody listens":      {New(Options{BaseURL: "http://127.0.0.1:1"}), "connection refused"},
		"no such name":        {New(Options{BaseURL: "http://meta.invalid"}), "lookup meta.invalid"},
		"a stranger's":        {New(Options{BaseURL: untrusted.URL}), "x509: certificate signed by unknown authority"},
		"a proxy that denies": {through(New(Options{BaseURL: "https://meta.invalid"}), proxy), "Proxy Authentication Required"},
	} {
		t.Run(name, func(t *testing.T) {
			_, e := send(t, c.client, `{"a":1}`)
			if e == nil {
				t.Fatal("a receipt")
			}
			cause := e.Cause()
			if !strings.Contains(cause, c.want) || strings.Contains(cause, "900") || strings.Contains(cause, "proxyPassword") {
				t.Errorf("cause %q, want %q and no address", cause, c.want)
			}
		})
	}
	if cause := (&Error{HTTPStatus: 200, Err: ShortCount{9, 10}}).Cause(); cause != "counted 9 of 10" {
		t.Errorf("a short count: %q", cause)
	}
}

func through(c *Client, proxy *url.URL) *Client {
	c.HTTP.Transport.(*http.Transport).Proxy = http.ProxyURL(proxy)
	return c
}

// A cause holds nothing private, whatever the other side has put into an error.
func TestACauseRepeatsNothing(t *testing.T) {
	wamid := "wamid.HBgNNTUxMTk4NzY1MDAwMRUCABIYFjNFQjBDMDhCMEY2RkY4QzYxRTlBAA=="
	for _, err := range []error{
		&url.Error{Op: "Post", URL: "https://graph.example/v25.0/900100?access_token=EAAsecret", Err: io.ErrUnexpectedEOF},
		errors.New(`malformed HTTP response "Bearer EAAsecret \" 5511987650001"`),
		errors.New("malformed MIME header line: to=5511987650001 ana@example.com " + wamid),
		&net.DNSError{Err: "no such host", Name: "graph.example?access_token=EAAsecret"},
		errors.New(strings.Repeat("a1", 60)),
		errors.New("line\none\x1b[31m"),
	} {
		cause := (&Error{Err: err}).Cause()
		for _, secret := range []string{"EAAsecret", "5511987650001", "ana@", "wamid", "900100", "a1a1", "\n", "\x1b"} {
			if strings.Contains(cause, secret) {
				t.Errorf("%q is in the cause %q", secret, cause)
			}
		}
	}
}
