package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clickthread/clickthread/configs"
)

// Where operators have an address of their own, strangers hear only whether the server is ready.
func TestStrangersHearOnlyWhetherItIsReady(t *testing.T) {
	h := openHouse(t, testRules)
	h.buys()
	h.restart(func(s *configs.Settings) { s.Accounts[0].ID, s.AdminListen = "shop", "127.0.0.1:0" })
	if _, err := h.app.store.PauseLane(t.Context(), "shop", "the dataset is moved"); err != nil {
		t.Fatal(err)
	}
	public, operators := newEcho(nil), newEcho(nil)
	h.app.routes(public, operators)
	page := func(e http.Handler) (int, string) {
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
		text, err := io.ReadAll(rec.Body)
		if err != nil {
			t.Fatal(err)
		}
		return rec.Code, strings.TrimSpace(string(text))
	}
	if code, text := page(public); code != http.StatusOK || text != `{"ready":true}` {
		t.Errorf("strangers hear %d %s", code, text)
	}
	if code, text := page(operators); code != http.StatusOK || !strings.Contains(text, "the dataset is moved") {
		t.Errorf("operators hear %d %s", code, text)
	}
	if err := h.app.close(); err != nil {
		t.Fatal(err)
	}
	if code, text := page(public); code != http.StatusServiceUnavailable || text != `{"ready":false}` {
		t.Errorf("strangers hear %d %s with the database gone", code, text)
	}
}

// A thousand probes make the database do what one does; and a database that is gone is noticed all the same.
func TestProbesDoNotFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h health
		var writes, figures int
		var gone error
		write := func() error { writes++; return gone }
		read := func() error { return gone }
		count := func() readiness {
			return h.figures(t.Context(), func(context.Context) readiness {
				figures++
				time.Sleep(2 * time.Second) // there is very much to count
				return readiness{Queued: int64(figures)}
			})
		}
		var probes sync.WaitGroup
		for range 1000 {
			probes.Go(func() {
				if err, _ := h.ask(time.Now(), write, read); err != nil {
					t.Error(err)
				}
				if r := count(); r.Missing == "" {
					t.Errorf("figures that nobody has read: %+v", r)
				}
			})
		}
		probes.Wait()
		time.Sleep(2 * time.Second)
		if r := count(); r.Queued != 1 {
			t.Errorf("the figures are %+v", r)
		}
		time.Sleep(15 * time.Second)
		if r := count(); r.Queued != 1 || writes != 1 || figures != 1 {
			t.Errorf("%d writes, figures read %d times before %+v", writes, figures, r)
		}
		time.Sleep(5 * time.Second) // reading has rested ten times as long as it took
		if r := count(); r.Queued != 1 {
			t.Errorf("an answer waited for %+v", r)
		}
		time.Sleep(2 * time.Second)
		if r := count(); r.Queued != 2 {
			t.Errorf("the figures are still %+v", r)
		}

		if err, _ := h.ask(time.Now(), write, read); err != nil || writes != 2 {
			t.Errorf("%d writes %v, want another after a second", writes, err)
		}
		gone = errors.New("gone")
		if err, fresh := h.ask(time.Now(), write, read); err == nil || !fresh || writes != 2 {
			t.Errorf("after %d writes it is still well", writes)
		}
		if err, fresh := h.ask(time.Now(), write, read); err == nil || fresh {
			t.Error("what was found out is not known to the next")
		}
		gone = nil
		time.Sleep(time.Second)
		if err, _ := h.ask(time.Now(), write, read); err != nil || writes != 3 {
			t.Errorf("back after a second: %v", err)
		}
	})
}
