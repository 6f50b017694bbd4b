package notices

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// hook is a receiver on this machine. It checks signatures by itself, as the specification tells a
// receiver to, and keeps what it was sent.
type hook struct {
	*testing.T
	*httptest.Server
	clock func() time.Time
	reply func(w http.ResponseWriter, r *http.Request)

	mu    sync.Mutex
	posts []string // webhook-id and body
}

func newHook(m *memory, reply func(w http.ResponseWriter, r *http.Request)) *hook {
	m.Helper()
	h := &hook{T: m.T, clock: m.clock, reply: reply}
	h.Server = httptest.NewServer(h)
	m.Cleanup(h.Close)
	return h
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		h.Error(err)
	}
	id, at := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp")
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		h.Error(err)
	}
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
	signature, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.Header.Get("webhook-signature"), "v1,"))
	if err != nil || !hmac.Equal(signature, mac.Sum(nil)) {
		h.Errorf("%s has the signature %q (%v)", id, r.Header.Get("webhook-signature"), err)
	}
	if want := fmt.Sprint(h.clock().Unix()); at != want || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
		h.Errorf("%s %s at %s, want %s", r.Method, r.Header.Get("Content-Type"), at, want)
	}
	h.mu.Lock()
	h.posts = append(h.posts, id+" "+string(body))
	h.mu.Unlock()
	h.reply(w, r)
}

func (h *hook) receiver() Receiver {
	return Receiver{URL: h.URL + "/secret-path?token=secret-token", Secret: testSecret, AllowPrivate: true}
}

func answer(status int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

func sender(m *memory, to ...Receiver) *Sender {
	return NewSender(SenderOptions{Outbox: m, Receivers: to, Now: m.clock, Log: m.logger()})
}

// pass makes one pass, of which so many notices must be taken.
func (m *memory) pass(s *Sender, want int) {
	m.Helper()
	if n, err := s.Pass(m.Context()); n != want || err != nil {
		m.Errorf("Pass = %d, %v; want %d taken", n, err, want)
	}
}

// A receiver is down for a while: each try carries the same bytes and the same id, and one is enough.
func TestANoticeIsTriedUntilItIsTaken(t *testing.T) {
	m := newMemory(t)
	h := newHook(m, nil)
	tries := 0
	h.reply = func(w http.ResponseWriter, _ *http.Request) {
		if tries++; tries < 4 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}
	s := sender(m, h.receiver())
	n := m.queue(AccountPaused, h.receiver())[0]
	m.pass(s, 0)
	row := &m.rows[0]
	if row.Words != "answered 500 Internal Server Error" || row.HTTPStatus != 500 || row.Attempts != 1 || !row.Due.Equal(noon.Add(5*time.Second)) {
		t.Errorf("after a try: %+v", row)
	}
	m.pass(s, 0) // not due
	for range 2 {
		m.now = row.Due
		m.pass(s, 0)
	}
	m.now = row.Due
	m.pass(s, 1)
	m.now = m.now.Add(100 * time.Hour)
	m.pass(s, 0)
	if row.State != Sent || row.HTTPStatus != 200 || row.Words != "" || row.Attempts != 4 || row.EndedAt.IsZero() {
		t.Errorf("taken: %+v", row)
	}
	if len(h.posts) != 4 {
		t.Fatalf("%d posts, want 4", len(h.posts))
	}
	for _, p := range h.posts {
		if p != n.MessageID()+" "+string(n.Body) || !strings.HasPrefix(p, "msg_") {
			t.Errorf("posted %s\nwant %s %s", p, n.MessageID(), n.Body)
		}
	}
	if log := m.log.String(); strings.Contains(log, "secret") || !strings.Contains(log, "answered 500") {
		t.Errorf("the log hides nothing, or the cause:\n%s", log)
	}
}

// Ten tries in a little over three days, then a person has to look.
func TestANoticeIsGivenUp(t *testing.T) {
	m := newMemory(t)
	h := newHook(m, answer(http.StatusBadGateway))
	s := sender(m, h.receiver())
	m.queue(QueueStuck, h.receiver())
	row := &m.rows[0]
	for range 10 {
		m.now = row.Due
		m.pass(s, 0)
	}
	if row.State != Failed || row.Attempts != 10 || len(h.posts) != 10 || row.EndedAt != m.now {
		t.Errorf("after 10 tries and %d posts: %+v", len(h.posts), row)
	}
	if took, want := m.now.Sub(noon), 75*time.Hour+35*time.Minute+5*time.Second; took != want {
		t.Errorf("given up after %s, want %s", took, want)
	}
	if !strings.Contains(m.log.String(), "notice given up") {
		t.Errorf("the log does not say so:\n%s", &m.log)
	}
}

func TestWhatTakesANotice(t *testing.T) {
	for status, want := range map[int]State{
		200: Sent, 201: Sent, 202: Sent, 204: Sent, 302: Queued, 304: Queued, 400: Queued, 401: Queued, 404: Queued, 410: Failed, 429: Queued, 503: Queued,
	} {
		m := newMemory(t)
		h := newHook(m, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			answer(status)(w, r)
		})
		s := sender(m, h.receiver())
		m.queue(AccountResumed, h.receiver())
		if _, err := s.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := m.rows[0]; got.State != want || got.HTTPStatus != status || len(h.posts) != 1 {
			t.Errorf("%d after %d posts: %+v, want %s", status, len(h.posts), got, want)
		}
	}
}

// A private address is not dialled unless the entry says so, whether it is written as a number or
// comes out of a name.
func TestAPrivateAddressIsNotDialled(t *testing.T) {
	m := newMemory(t)
	h := newHook(m, answer(http.StatusOK))
	named := strings.Replace(h.URL, "127.0.0.1", "localhost", 1)
	for _, address := range []string{h.URL, named} {
		m.rows = nil
		r := Receiver{URL: address, Secret: testSecret}
		m.queue(AccountPaused, r)
		m.pass(sender(m, r), 0)
		if words := m.rows[0].Words; !strings.Contains(words, "is not a public address; if that is meant, set allow_private: true") {
			t.Errorf("%s: %s", address, words)
		}
	}
	if len(h.posts) != 0 {
		t.Errorf("it was sent %v", h.posts)
	}
}

func TestReceiversThatMisbehave(t *testing.T) {
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for chunk := make([]byte, 64<<10); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	m := newMemory(t)
	silent := newHook(m, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	hang := newHook(m, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for _, c := range []struct {
		to    Receiver
		words string
		taken int
	}{
		{newHook(m, endless).receiver(), "", 1},
		{silent.receiver(), "no answer within 15s", 0},
		{hang.receiver(), "EOF", 0},
		{Receiver{URL: gone.URL, Secret: testSecret, AllowPrivate: true}, "connection refused", 0},
		{Receiver{URL: silent.URL, Secret: "whsec_", AllowPrivate: true}, "the receiver's secret is not whsec_", 0},
	} {
		m.rows = nil
		s := sender(m, c.to)
		if c.to.URL == silent.receiver().URL {
			s.open.Timeout = 50 * time.Millisecond // it never answers, so no machine is too slow for this
		}
		m.queue(AccountPaused, c.to)
		m.pass(s, c.taken)
		if words := m.rows[0].Words; !strings.Contains(words, c.words) || strings.Contains(words, "secret-") {
			t.Errorf("says %q, want %q", words, c.words)
		}
	}
}

// What waits for a receiver that is not in these settings is left to a node that knows it.
func TestAReceiverThatIsNotInTheSettings(t *testing.T) {
	m := newMemory(t)
	h := newHook(m, answer(http.StatusOK))
	m.queue(AccountPaused, h.receiver())
	m.pass(sender(m), 0)
	if row := m.rows[0]; row.State != Queued || row.Attempts != 0 {
		t.Errorf("where it is not known: %+v", row)
	}
	m.pass(sender(m, h.receiver()), 1)
}

// The server stops while a receiver thinks: the try is counted, and made up for by the next start.
func TestStoppedInTheMiddle(t *testing.T) {
	m := newMemory(t)
	ctx, stop := context.WithCancel(t.Context())
	h := newHook(m, func(_ http.ResponseWriter, r *http.Request) { stop(); <-r.Context().Done() })
	s := sender(m, h.receiver())
	m.queue(AccountPaused, h.receiver())
	if n, err := s.Pass(ctx); n != 0 || err != nil {
		t.Errorf("stopped: %d %v", n, err)
	}
	if row := m.rows[0]; row.State != Queued || row.Attempts != 1 || !row.Due.Equal(noon.Add(time.Minute)) {
		t.Errorf("stopped: %+v", row)
	}
	h.reply = answer(http.StatusNoContent)
	m.now = m.rows[0].Due
	m.pass(s, 1)
}

// One receiver hangs: the notices of the others do not wait for it, and most of its own are not tried.
func TestOneThatHangsHoldsUpNobody(t *testing.T) {
	m := newMemory(t)
	release, taken := make(chan struct{}), make(chan struct{}, 20)
	hangs := newHook(m, func(http.ResponseWriter, *http.Request) { <-release; panic(http.ErrAbortHandler) })
	works := newHook(m, func(http.ResponseWriter, *http.Request) { taken <- struct{}{} })
	s := sender(m, hangs.receiver(), works.receiver())
	for range 20 {
		m.queue(AccountPaused, hangs.receiver(), works.receiver())
	}
	ended := make(chan error)
	go func() { _, err := s.Pass(t.Context()); ended <- err }()
	for range 20 {
		<-taken
	}
	close(release)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	sent, untried := 0, 0
	for _, n := range m.rows {
		if n.State == Sent {
			sent++
		}
		if n.Attempts == 0 {
			untried++
		}
	}
	if sent != 20 || untried < 20-2*atOnce {
		t.Errorf("%d sent, %d not tried; want 20 sent, and no more than %d tries of the other", sent, untried, 2*atOnce)
	}
}
