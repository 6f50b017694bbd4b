package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// chattyMeta repeats all it knows of a request in whatever it answers: each dataset has its own way. It
// stands for Meta, for proxies with talkative error pages, and for what pretends to be either.
type chattyMeta struct {
	*httptest.Server
	ways []chatter

	mu    sync.Mutex
	asked map[string]bool // datasets
}

// chatter is one way to answer; secrets is what the answer repeats.
type chatter struct {
	name   string
	answer func(w http.ResponseWriter, r *http.Request, secrets string)
}

func chatters() []chatter {
	graphError := func(status, code, subcode int) func(http.ResponseWriter, *http.Request, string) {
		return func(w http.ResponseWriter, _ *http.Request, secrets string) {
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{
				"code": code, "error_subcode": subcode, "type": secrets, "message": "Error validating access token: " + secrets,
				"error_user_title": secrets, "error_user_msg": secrets, "error_data": secrets, "fbtrace_id": secrets,
			}})
		}
	}
	page := func(status int) func(http.ResponseWriter, *http.Request, string) {
		return func(w http.ResponseWriter, _ *http.Request, secrets string) {
			w.Header().Set("Www-Authenticate", secrets)
			w.Header().Set("Retry-After", secrets)
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, "<html><h1>%d</h1><pre>%s</pre></html>", status, secrets)
		}
	}
	return []chatter{
		{"dead", graphError(401, 190, 463)},
		{"refused", graphError(400, 100, 2804087)},
		{"unclear", graphError(400, 987654, 0)},
		{"throttled", graphError(400, 80007, 0)},
		{"page", page(500)},
		{"gateway", page(502)},
		{"forbidden", page(403)},
		{"wrongpage", page(200)},
		{"redirect", func(w http.ResponseWriter, _ *http.Request, secrets string) {
			w.Header().Set("Location", "https://elsewhere.example/?token="+strings.ReplaceAll(secrets, "\n", "+"))
			w.WriteHeader(http.StatusFound)
		}},
		{"nowhere", func(w http.ResponseWriter, _ *http.Request, secrets string) {
			w.Header().Set("Location", "http://[?token="+strings.ReplaceAll(secrets, "\n", "+"))
			w.WriteHeader(http.StatusFound)
		}},
		{"remarks", func(w http.ResponseWriter, _ *http.Request, secrets string) {
			_ = json.NewEncoder(w).Encode(map[string]any{"events_received": 1, "messages": []string{secrets}, "fbtrace_id": secrets})
		}},
		{"half", func(w http.ResponseWriter, _ *http.Request, secrets string) {
			w.Header().Set("Content-Length", "100000")
			_, _ = io.WriteString(w, secrets)
		}},
		{"noise", func(w http.ResponseWriter, _ *http.Request, secrets string) { // no HTTP at all
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, secrets+"\r\n\r\n")
				_ = conn.Close()
			}
		}},
		{"slow", func(_ http.ResponseWriter, r *http.Request, _ string) {
			select {
			case <-r.Context().Done():
			case <-time.After(10 * time.Second):
			}
		}},
	}
}

func newChattyMeta(t *testing.T) *chattyMeta {
	t.Helper()
	m := &chattyMeta{ways: chatters(), asked: map[string]bool{}}
	m.Server = httptest.NewServer(m)
	t.Cleanup(m.Close)
	return m
}

// dataset is the one that is answered in a way.
func (m *chattyMeta) dataset(way int) string { return fmt.Sprintf("9001%04d", way) }

// way is the place of a way among all.
func (m *chattyMeta) way(name string) int {
	return slices.IndexFunc(m.ways, func(c chatter) bool { return c.name == name })
}

// ServeHTTP implements [http.Handler].
func (m *chattyMeta) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	secrets := strings.Join([]string{
		"Authorization: Bearer " + token, base64.StdEncoding.EncodeToString([]byte("Bearer " + token)),
		base64.URLEncoding.EncodeToString([]byte("x" + token + "??")), base64.RawStdEncoding.EncodeToString([]byte(token)),
		fmt.Sprintf("%x", token), fmt.Sprintf("%X", token),
	}, "\n")
	secrets += "\n" + string(body) + "\n" + r.URL.RawQuery
	for i, way := range m.ways {
		if strings.Contains(r.URL.Path, "/"+m.dataset(i)+"/") {
			m.mu.Lock()
			m.asked[way.name] = true
			m.mu.Unlock()
			way.answer(w, r, secrets)
			return
		}
	}
	m.ways[m.way("refused")].answer(w, r, secrets) // what is asked about an account
}

// waysUsed is in how many ways it has answered so far.
func (m *chattyMeta) waysUsed() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.asked)
}
