package main

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/sandbox"
)

// A person pauses an account: its events are kept, with how many and until when; resumed, all are sent.
func TestAPersonPausesAndResumes(t *testing.T) {
	h := openHouse(t, testRules, secretToken)
	out, _ := h.command(exitOK, "accounts", "pause", "shop", "--reason", "stock is being counted")
	h.says(out, "Account shop is paused until: clickthread accounts resume shop. No event waits.")
	h.buys()
	h.wantAtMeta()
	out, _ = h.command(exitOK, "accounts", "ls")
	until := when(h.deliveries()[0].EventAt.Add(forwarder.SendableFor))
	h.says(out, "paused: person  resumed", when(h.deliveries()[0].EventAt)+"  "+until, "shop: paused by hand: stock is being counted")
	out, _ = h.command(exitOK, "events", "release", "--reason", "meta_unknown")
	h.says(out, "There is nothing to release.")

	h.restart(nil)
	h.wantAtMeta()
	out, _ = h.command(exitOK, "accounts", "resume", "shop")
	h.says(out, "Account shop sends again. 1 event waits; Meta takes it until "+until+" UTC.")
	h.wantAtMeta("Purchase Clid1 50.00 BRL")
	var lines []accountLine
	out, _ = h.command(exitOK, "accounts", "ls", "--json")
	if err := json.Unmarshal([]byte(out), &lines); err != nil || len(lines) != 1 || !lines[0].Sending || lines[0].Queued != 0 {
		t.Errorf("accounts ls --json: %s %v", out, err)
	}
	_, says := h.command(exitUsage, "accounts", "pause", "shoe")
	h.says(says, `there is no account "shoe" in the settings; there are [shop]`)
}

// The dataset belongs to another Business. The person sets the WhatsApp account's own, and what was queued
// for the wrong one goes there.
func TestResumedEventsGoToTheMendedDataset(t *testing.T) {
	h := openHouse(t, testRules, secretToken)
	h.graph.Fail(sandbox.Fault{UntilCleared: true, Dataset: "900100", Code: 100, Subcode: 33})
	h.buys()
	h.wantAtMeta()
	out, _ := h.command(exitOK, "events", "show", eventID(h.deliveries()[0].ID))
	h.says(out, "the dataset does not exist, or the token may not use it")
	ana := h.ana()
	h.post(ana, ana.Say("quanto custa?"))
	out, _ = h.command(exitOK, "accounts", "ls")
	h.says(out, "paused: account", "the task UPLOAD; if the dataset belongs to another Business")

	h.restart(func(s *configs.Settings) { s.Accounts[0].DatasetID = "900200" })
	out, _ = h.command(exitOK, "accounts", "resume", "shop", "--json")
	h.says(out, `"sending": true`, `"events": 2`)
	h.wantAtMeta("Purchase Clid1 50.00 BRL", "LeadSubmitted Clid1")
	for _, taken := range h.graph.Events() {
		if taken.DatasetID != "900200" {
			t.Errorf("%s went to %s", taken.Event, taken.DatasetID)
		}
	}
}

// Retried events of a paused account wait on, and the command says so.
func TestARetryOfAPausedAccountSaysThatItWaits(t *testing.T) {
	h := openHouse(t, testRules, secretToken)
	h.graph.Fail(sandbox.Fault{Code: 100, Subcode: 2804087})
	h.buys()
	h.wantAtMeta()
	h.command(exitOK, "accounts", "pause", "shop")
	out, _ := h.command(exitOK, "events", "retry", "--account", "shop", "--confirm", "1")
	h.says(out, "1 event to be sent now.", "Account shop is paused, so they wait: paused by hand")
}

// asked is a house whose Meta knows certain accounts and tokens.
func asked(t *testing.T, o sandbox.Options, change func(*configs.Settings)) *house {
	t.Helper()
	graph := sandbox.NewGraph(o)
	meta := httptest.NewServer(graph)
	t.Cleanup(meta.Close)
	h := openHouse(t, testRules, secretToken, func(s *configs.Settings) {
		s.Meta.GraphURL = meta.URL
		if change != nil {
			change(s)
		}
	})
	h.graph = graph
	return h
}

const (
	shopWABA  = "300100200300400"
	shopToken = "EAAtokenOfTheTest"
)

func shopAccount() sandbox.Account {
	return sandbox.Account{ID: shopWABA, Name: "Ana's", Dataset: "900100", Numbers: []sandbox.Number{{ID: "700100", Display: "+55 11 90000-0001", Name: "Ana's Shop"}}}
}

// A new account: nobody listens to its webhooks yet. Subscribed, everything is well.
func TestCheckThenSubscribe(t *testing.T) {
	h := asked(t, sandbox.Options{Accounts: []sandbox.Account{shopAccount()}}, nil)
	out, _ := h.command(exitFindings, "accounts", "check", "shop")
	h.says(out, "ok     token             valid, never expires; of app Clickthread sandbox (260000000000001)",
		"ok     permissions", "300100200300400 has 700100 Ana's Shop", "wrong  webhooks          no app gets them",
		"run: clickthread accounts subscribe shop", "900100 is the WhatsApp account's own")
	out, _ = h.command(exitOK, "accounts", "subscribe", "shop")
	h.says(out, "ok     webhooks          they go to Clickthread sandbox (260000000000001)")
	out, _ = h.command(exitOK, "accounts", "check", "shop", "--json")
	var report checkupReport
	if err := json.Unmarshal([]byte(out), &report); err != nil || !report.OK || len(report.Checks) != 5 {
		t.Errorf("%s %v", out, err)
	}
	if n := h.graph.Taken(); n != 0 {
		t.Errorf("checking sent %d events", n)
	}
}

// What is wrong is said as it is, with what to do.
func TestCheckSaysWhatIsWrong(t *testing.T) {
	grant := func(change func(*sandbox.Grant)) sandbox.Options {
		g := sandbox.Grant{Token: shopToken}
		change(&g)
		return sandbox.Options{Accounts: []sandbox.Account{shopAccount()}, Grants: []sandbox.Grant{g}}
	}
	for name, c := range map[string]struct {
		meta     sandbox.Options
		settings func(*configs.Settings)
		says     []string
	}{
		"unknown token": {
			meta: sandbox.Options{Tokens: []string{"EAAanother"}},
			says: []string{"wrong  token             Meta does not accept the token (code 190/0)", "make a new token"},
		},
		"expired token": {
			meta: grant(func(g *sandbox.Grant) { g.Expires = time.Now().Add(-time.Hour) }),
			says: []string{"the token has expired (code 190/463)", "a system user that never expires"},
		},
		"app that asks for its secret": {
			meta: sandbox.Options{AppSecret: "of-the-app"},
			says: []string{"the proof is missing or wrong (code 104/0)", `turn off "Require app secret"`},
		},
		"token that ends soon": {
			meta: grant(func(g *sandbox.Grant) { g.Expires = time.Now().Add(time.Hour) }),
			says: []string{"wrong  token             it ends at", "ok     dataset"},
		},
		"missing permission": {
			meta: grant(func(g *sandbox.Grant) { g.Scopes = []string{manageEvents} }),
			says: []string{
				"the token lacks whatsapp_business_management, whatsapp_business_messaging",
				"wrong  WhatsApp account  the token lacks whatsapp_business_management (code 200/0)", "ok     dataset",
			},
		},
		"granted for another account": {
			meta: grant(func(g *sandbox.Grant) { g.Accounts = []string{"300999"} }),
			says: []string{
				"granted for other WhatsApp accounts than 300100200300400",
				"there is no WhatsApp account 300100200300400, or the token may not see it (code 100/33)",
			},
		},
		"numbers of another account": {
			meta:     sandbox.Options{Accounts: []sandbox.Account{shopAccount()}},
			settings: func(s *configs.Settings) { s.Accounts[0].PhoneNumberIDs = []string{"700100", "700200"} },
			says:     []string{"phone_number_ids names 700200; 300100200300400 has 700100 Ana's Shop"},
		},
		"dataset of another Business": {
			meta:     sandbox.Options{Accounts: []sandbox.Account{shopAccount()}},
			settings: func(s *configs.Settings) { s.Accounts[0].DatasetID = "900777" },
			says: []string{
				"dataset_id is 900777, but the WhatsApp account's own dataset is 900100", "(code 100)",
				`set dataset_id: "900100"`, "share it with this one", "the task UPLOAD",
			},
		},
		"no dataset yet": {
			meta: sandbox.Options{Accounts: []sandbox.Account{{ID: shopWABA}}},
			says: []string{"has no phone number", "has no dataset of its own, and dataset_id is 900100"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := asked(t, c.meta, c.settings)
			out, _ := h.command(exitFindings, "accounts", "check", "shop")
			h.says(out, c.says...)
		})
	}
}

// What Meta refused of the last call is a finding, even if every question is answered well.
func TestCheckKnowsWhyAnAccountIsPaused(t *testing.T) {
	h := asked(t, sandbox.Options{Accounts: []sandbox.Account{shopAccount()}}, nil)
	h.command(exitOK, "accounts", "subscribe", "shop")
	h.buys()
	h.graph.Fail(sandbox.Fault{Code: 100, Subcode: 2804132})
	h.deliver()
	out, _ := h.command(exitFindings, "accounts", "check", "shop")
	h.says(out, "wrong  sending           the WhatsApp Business Account is not linked to this dataset", "clickthread accounts resume shop")
}

// Events that name a Page go to the Page's dataset, which is not the WhatsApp account's own.
func TestCheckOfAPagesDataset(t *testing.T) {
	h := asked(t, sandbox.Options{Accounts: []sandbox.Account{shopAccount()}}, func(s *configs.Settings) {
		s.Accounts[0].DatasetID, s.Accounts[0].Send.Identity = "900777", "page:400100"
	})
	h.command(exitOK, "accounts", "subscribe", "shop")
	out, _ := h.command(exitOK, "accounts", "check", "shop")
	h.says(out, "ok     dataset           900777; whether Page 400100")
}

func TestCheckWithoutMeta(t *testing.T) {
	h := openHouse(t, testRules, secretToken, func(s *configs.Settings) { s.Meta.GraphURL = "http://127.0.0.1:1" })
	for _, line := range []string{"accounts check shop", "accounts subscribe shop"} {
		_, says := h.command(exitUnreachable, strings.Fields(line)...)
		h.says(says, "Meta could not be reached")
	}
}
