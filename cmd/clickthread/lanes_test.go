package main

import (
	"strings"
	"testing"

	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/internal/pgtest"
)

// A person pauses and resumes an account with a command; the running server says so, once.
func TestTheServerSaysWhatAPersonDoesToALane(t *testing.T) {
	h := openHouse(t, testRules, secretToken)
	h.buys()
	look := func(said string, times int) {
		t.Helper()
		for range 2 {
			if _, err := h.app.sayLanes(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := strings.Count(h.log.String(), said); n != times {
			t.Errorf("%q is said %d times, want %d:\n%s", said, n, times, h.log)
		}
	}
	look("account paused", 0)
	h.command(exitOK, "accounts", "pause", "shop", "--reason", "stock is counted")
	look(`msg="account paused: its events wait" account=shop cause=person why="paused by hand: stock is counted"`, 1)
	h.command(exitOK, "accounts", "resume", "shop")
	look(`msg="account no longer paused" account=shop cause=person`, 1)
}

// Ledger 32 with two nodes: an account rests when the last of them has lost it, and goes on when one has it again.
func TestAnAccountThatNoNodeHasRests(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	share := func(s *configs.Settings) { s.Database = url }
	without := func(s *configs.Settings) {
		s.Database, s.Accounts[0].ID, s.Accounts[0].WABAID = url, "clinic", "300999"
	}
	a, b := openHouse(t, testRules, share), openHouse(t, testRules, without)
	a.buys()
	cause := func(h *house, want forwarder.Cause) {
		t.Helper()
		if err := h.app.noteRules(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := h.app.keepLanes(t.Context()); err != nil {
			t.Fatal(err)
		}
		lanes, err := h.app.store.Lanes(t.Context())
		if err != nil || len(lanes) != 1 || lanes[0].PauseCause != want {
			t.Errorf("lanes %+v %v, want the cause %q", lanes, err, want)
		}
	}
	cause(a, forwarder.NoPause)
	cause(b, forwarder.NoPause) // a has it, and lives
	if err := a.app.store.SeeNode(t.Context(), now().Add(-3*60e9), a.app.node, a.app.rules.inForce()); err != nil {
		t.Fatal(err)
	}
	cause(b, forwarder.AccountRemoved)
	cause(a, forwarder.NoPause)
	a.wantAtMeta("Purchase Clid1 50.00 BRL")
}
