package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/clickthread/clickthread/sandbox"
)

// Bad input gets a clear answer, is counted, and hurts nobody.
func TestBadInput(t *testing.T) {
	h := openHouse(t, testRules)
	good := h.ana().Say("oi").Body
	url := h.url + "/webhooks/whatsapp"
	deep := strings.Repeat(`[`, 10_000) + strings.Repeat(`]`, 10_000)
	message := func(text string) string {
		return `{"object":"whatsapp_business_account","entry":[{"id":"300100200300400","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"1"},` +
			`"messages":[{"from":"5511987650009","id":"wamid.` + fmt.Sprintf("%x", text) + `","timestamp":"1","type":"text","text":{"body":"` + text + `"}}]}}]}]}`
	}
	for _, c := range []struct {
		name, body, secret string
		status             int
		quarantined        int64
	}{
		{"wrong secret", string(good), "another", 401, 0},
		{"over 4 MiB", `{"object":"` + strings.Repeat("x", 4<<20) + `"}`, testSecret, 413, 0},
		{"signed, not JSON", "hello", testSecret, 200, 1},
		{"signed, wrong shape", `{"object":"whatsapp_business_account","entry":"none"}`, testSecret, 200, 1},
		{"10,000 levels", deep, testSecret, 200, 1},
		{"one message of the wrong shape", `{"object":"whatsapp_business_account","entry":[{"id":"300100200300400","changes":[{"field":"messages","value":{"messages":[7]}}]}]}`, testSecret, 200, 1},
		{"unknown WABA", `{"object":"whatsapp_business_account","entry":[{"id":"999","changes":[]}]}`, testSecret, 200, 1},
		{"NUL in the text", message(`a\u0000b`), testSecret, 200, 0},
		{"lone surrogate", message(`a\ud83d b`), testSecret, 200, 0},
		{"invalid UTF-8", message("a\xff\xfeb"), testSecret, 200, 0},
		{"a number like 1e999", strings.Replace(message("x1"), `"timestamp":"1"`, `"timestamp":1e999`, 1), testSecret, 200, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := h.app.door.Quarantined.Load()
			status, err := sandbox.Post(t.Context(), nil, url, c.secret, []byte(c.body))
			if err != nil || status != c.status {
				t.Errorf("status %d %v, want %d", status, err, c.status)
			}
			if n := h.app.door.Quarantined.Load() - before; n != c.quarantined {
				t.Errorf("%d quarantined, want %d", n, c.quarantined)
			}
		})
	}
	t.Run("no signature", func(t *testing.T) {
		resp, err := http.Post(url, "application/json", bytes.NewReader(good))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized || h.app.door.BadSignature.Load() != 2 {
			t.Errorf("status %d, %d bad signatures counted", resp.StatusCode, h.app.door.BadSignature.Load())
		}
	})
	if n := h.rowCounts()["messages"]; n != 4 {
		t.Errorf("%d messages stored, want the 4 odd but readable ones", n)
	}
}
