package capi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const (
	canarySecret = "0123456789abcdef|canarySecret/+?"
	canaryOther  = "EAAanotherTokenThatIsAskedAbout"
)

var (
	secretive = Dataset{ID: "900800700", Token: canary, AppSecret: canarySecret}
	canaries  = []string{canary, canarySecret, canaryOther}
)

// noCanary fails where a secret, or the inner third of something else, is in what was printed.
func noCanary(t *testing.T, printed string, planted ...string) {
	t.Helper()
	for _, secret := range canaries {
		planted = append(planted, secret, fmt.Sprintf("%x", secret), base64.StdEncoding.EncodeToString([]byte(secret)))
	}
	for _, text := range planted {
		if inner := text[len(text)/3 : len(text)*2/3]; strings.Contains(printed, inner) {
			t.Errorf("%q of %q is in\n%s", inner, text, printed)
		}
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	var prints strings.Builder
	text, lines := slog.New(slog.NewTextHandler(&prints, nil)), slog.New(slog.NewJSONHandler(&prints, nil))
	creds := secretive.credentials()
	for _, v := range []any{secretive, &secretive, creds, &creds, struct{ To Dataset }{secretive}, struct{ As Credentials }{creds}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&prints, verb+"\n", v)
		}
		text.Info("send", "to", v)
		lines.Info("send", "to", v)
		if err := json.NewEncoder(&prints).Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	noCanary(t, prints.String())
}

// Not even an answer that repeats the whole request gives them away.
func TestSecretsInAnswersAreBlanked(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"an error": says(400, `{"error":{"code":190,"message":"SECRET","error_user_title":"SECRET","error_user_msg":"SECRET","fbtrace_id":"SECRET","error_data":"SECRET"}}`),
		"remarks":  says(200, `{"events_received":1,"messages":["SECRET"],"data":{"error":{"message":"SECRET"},"app_id":"SECRET"}}`),
		"a page":   says(502, `<html>Authorization: Bearer SECRET</html>`),
		"headers": func(w http.ResponseWriter, r *http.Request) {
			for _, header := range []string{"Retry-After", "X-Business-Use-Case-Usage", "Date", "X-Fb-Trace-Id", "Www-Authenticate"} {
				w.Header().Set(header, r.Header.Get("X-Plant"))
			}
			w.WriteHeader(http.StatusUnauthorized)
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/elsewhere?t="+r.Header.Get("X-Plant"))
			w.WriteHeader(http.StatusFound)
		},
		"a redirect to nowhere": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://[?t="+r.Header.Get("X-Plant"))
			w.WriteHeader(http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, plant := range slices.Concat(writtenDown(canary), writtenDown(canarySecret)) {
				noCanary(t, sendAndTell(t, planting(t, answer, plant)), plant)
			}
			for _, plant := range slices.Concat(writtenDown(canary), writtenDown(canarySecret), writtenDown(canaryOther)) {
				noCanary(t, askAndTell(t, planting(t, answer, plant)), plant)
			}
		})
	}
}

// says answers with a body in which SECRET is what the request says to plant.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.ReplaceAll(body, "SECRET", r.Header.Get("X-Plant")))
	}
}

// writtenDown is a secret in the ways that answers may repeat it.
func writtenDown(secret string) []string {
	all := []string{secret, url.QueryEscape(secret)}
	for _, before := range []string{"", "i", "id"} { // what comes before decides how base64 looks
		all = append(all, base64.StdEncoding.EncodeToString([]byte(before+secret+" more")))
		all = append(all, base64.RawURLEncoding.EncodeToString([]byte(before+secret)))
	}
	return all
}

// planting is a client of a pretend Meta that is told what to plant.
func planting(t *testing.T, answer http.HandlerFunc, plant string) *Client {
	t.Helper()
	c := meta(t, answer)
	c.HTTP.Transport = planter{c.HTTP.Transport, plant}
	return c
}

type planter struct {
	http.RoundTripper
	plant string
}

func (p planter) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("X-Plant", p.plant)
	return p.RoundTripper.RoundTrip(r)
}

func sendAndTell(t *testing.T, c *Client) string {
	t.Helper()
	var prints strings.Builder
	receipt, err := c.Send(t.Context(), secretive, [][]byte{[]byte(`{}`)})
	fmt.Fprintf(&prints, "%+v %#v %s %s\n", receipt, receipt, receipt.Body, receipt.Messages)
	tell(&prints, err)
	return prints.String()
}

// askAndTell asks about a third token: the one secret that stands in an address.
func askAndTell(t *testing.T, c *Client) string {
	t.Helper()
	var prints strings.Builder
	info, err := c.DebugToken(t.Context(), secretive.credentials(), canaryOther)
	fmt.Fprintf(&prints, "%+v %#v\n", info, info)
	tell(&prints, err)
	return prints.String()
}

// tell prints an error in every way that one may, down to its root.
func tell(prints *strings.Builder, err error) {
	for ; err != nil; err = errors.Unwrap(err) {
		fmt.Fprintf(prints, "%v %+v %#v %s\n", err, err, err, err.Error())
		if e, ok := err.(*Error); ok { //nolint:errorlint // each link of the chain is looked at by itself
			what, fix := e.Words()
			fmt.Fprintf(prints, "%s %s %s %s %s %s %s\n", what, fix, e.Body, e.Message, e.Data, e.UserMessage, e.TraceID)
		}
	}
}

func TestSecretsInAddressesAreNotInErrors(t *testing.T) {
	proof := secretive.credentials().proof()
	for _, address := range []string{"http://[", "ftp://127.0.0.1", "http://127.0.0.1:1"} {
		c := New(Options{BaseURL: address})
		noCanary(t, sendAndTell(t, c)+askAndTell(t, c), proof, "?input_token=")
	}
}

// The proof of the secret travels, the secret does not: in the body with events, as a parameter else.
func TestTheAppSecretIsProven(t *testing.T) {
	const proof = "79a70820a138eabab4b27a175c01b2af0ce3d288290ae4289651b3135275889c" // as Meta's SDK makes it
	to := Dataset{ID: "900", Token: "EAAtoken", AppSecret: "app-secret-1", TestEventCode: "TEST1"}
	c, seen := graphMeta(t, 200, `{"events_received":1,"success":true}`)
	if _, err := c.Send(t.Context(), to, [][]byte{[]byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	if want := `POST /v25.0/900/events {"data":[{}],"test_event_code":"TEST1","appsecret_proof":"` + proof + `"}`; *seen != want {
		t.Errorf("sent %s, want %s", *seen, want)
	}
	if _, err := c.PhoneNumbers(t.Context(), to.credentials(), "300"); err != nil || !strings.Contains(*seen, "?appsecret_proof="+proof+"&fields=") {
		t.Errorf("asked %s, %v", *seen, err)
	}
	if err := c.Subscribe(t.Context(), to.credentials(), "300"); err != nil || !strings.HasSuffix(*seen, "?appsecret_proof="+proof) {
		t.Errorf("asked %s, %v", *seen, err)
	}
}

// A secret that looks like a part of every answer must not damage it.
func TestShortSecretsAreLeftAlone(t *testing.T) {
	if got := string(secrets{"", "events"}.redact([]byte(`{"events_received":1}`))); got != `{"events_received":1}` {
		t.Error(got)
	}
}
