package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/sandbox"
)

// command runs the program beside the server, as a person does, and returns what it printed.
func (h *house) command(want int, args ...string) (stdout, stderr string) {
	h.Helper()
	s := h.app.settings
	var list []map[string]any
	for _, a := range s.Accounts {
		list = append(list, map[string]any{
			"id": a.ID, "waba_id": a.WABAID, "dataset_id": a.DatasetID, "access_token": a.AccessToken.Reveal(),
			"send": map[string]any{"identity": a.Send.Identity}, "country": a.Country, "currency": a.Currency, "timezone": a.Timezone, "phone_number_ids": a.PhoneNumberIDs,
		})
	}
	text, err := yaml.Marshal(map[string]any{
		"database": s.Database, "rules": s.Rules, "accounts": list,
		"meta": map[string]any{"graph_url": s.Meta.GraphURL, "app_secrets": []string{testSecret}, "verify_token": "verify-me"},
	})
	if err != nil {
		h.Fatal(err)
	}
	file := filepath.Join(h.TempDir(), "settings.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		h.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := run(h.Context(), append(args, "--config", file), &out, &errs); code != want {
		h.Fatalf("%s ends with %d, want %d:\n%s%s", strings.Join(args, " "), code, want, &out, &errs)
	}
	for _, secret := range []string{testSecret, s.Accounts[0].AccessToken.Reveal(), "5511987650001"} {
		if strings.Contains(out.String()+errs.String(), secret) {
			h.Errorf("%s prints a secret or a full phone number:\n%s%s", strings.Join(args, " "), &out, &errs)
		}
	}
	return out.String(), errs.String()
}

// says fails the test unless a text holds every part.
func (h *house) says(text string, parts ...string) {
	h.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			h.Errorf("%q does not say %q", text, part)
		}
	}
}

func (h *house) wantLedger(want ...string) {
	h.Helper()
	if diff := cmp.Diff(want, h.ledger()); diff != "" {
		h.Errorf("the ledger (-want +got):\n%s", diff)
	}
}

func (h *house) wantAtMeta(want ...string) {
	h.Helper()
	if diff := cmp.Diff(append([]string{}, want...), h.metaHolds()); diff != "" {
		h.Errorf("at Meta (-want +got):\n%s", diff)
	}
}

// buys has Ana click an ad and pay.
func (h *house) buys() {
	h.Helper()
	ana := h.ana()
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	h.post(ana, ana.Say("paguei R$ 50,00"))
}

// secretToken makes the token one that is found in any output.
func secretToken(s *configs.Settings) { s.Accounts[0].AccessToken = "EAAtokenOfTheTest" }

// Meta refused an event; the person who mended the ad account has it sent again, as it was.
func TestARejectedEventIsSentAgain(t *testing.T) {
	h := openHouse(t, testRules, secretToken)
	h.buys()
	h.graph.Fail(sandbox.Fault{Code: 100, Subcode: 2804087})
	h.deliver()
	h.wantLedger("Purchase rejected meta_refused")

	out, says := h.command(exitUsage, "events", "retry", "--state", "rejected")
	h.says(out, "shop", "meta_refused", "such as evt_", "Purchase 50.00 BRL")
	h.says(says, "nothing was changed; to retry 1 event, run it again with --confirm 1")
	_, says = h.command(exitFindings, "events", "retry", "--state", "rejected", "--confirm", "2")
	h.says(says, "nothing was changed: 1 event can be changed now, and --confirm says 2")
	h.wantLedger("Purchase rejected meta_refused")

	out, _ = h.command(exitOK, "events", "retry", "--state", "rejected", "--confirm", "1")
	h.says(out, "1 event to be sent now.")
	h.wantAtMeta("Purchase Clid1 50.00 BRL")

	out, _ = h.command(exitOK, "events", "show", eventID(h.deliveries()[0].ID))
	h.says(out, "refused  1 event in it, revision 1  call_", "Meta does not know this click id; check that the ad", `Meta says "A fault that the sandbox was told to make"`, "accepted")
	out, _ = h.command(exitFindings, "events", "cancel", eventID(h.deliveries()[0].ID))
	h.says(out, "0 events cancelled.", "1 event of shop left as before: it is sent")
}

// Two calls got no answer. A person finds the events of one in Events Manager: those are cancelled, the
// others are sent.
func TestUnknownOutcomesAreResolvedByCall(t *testing.T) {
	h := openHouse(t, testRules, secretToken, func(s *configs.Settings) { s.Accounts[0].Unknown = "hold" })
	ana := h.ana()
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	for i, words := range []string{"quanto custa?", "paguei R$ 50,00"} {
		h.post(ana, ana.Say(words))
		h.graph.Fail(sandbox.Fault{Status: http.StatusGatewayTimeout, Taken: i == 0})
		h.deliver()
	}
	h.wantLedger("Purchase held unknown_outcome", "LeadSubmitted held unknown_outcome")
	var callOf []string
	for _, d := range h.deliveries() {
		callOf = append(callOf, "call_"+hexID(d.Call))
	}

	_, says := h.command(exitUsage, "events", "release", "--call", callOf[0])
	h.says(says, "say which reason is settled")
	var report mendReport
	out, _ := h.command(exitOK, "events", "cancel", "--reason", "unknown_outcome", "--call", callOf[1], "--confirm", "1", "--json")
	if err := json.Unmarshal([]byte(out), &report); err != nil || report.Changed != 1 || report.Events[0].State != forwarder.Held {
		t.Errorf("it reports %s %v", out, err)
	}
	h.command(exitOK, "events", "release", "--reason", "unknown_outcome", "--call", callOf[0], "--confirm", "1")
	h.wantAtMeta("LeadSubmitted Clid1", "Purchase Clid1 50.00 BRL")
	h.wantLedger("Purchase sent", "LeadSubmitted cancelled by_hand")
	out, _ = h.command(exitOK, "events", "ls", "--call", callOf[1])
	h.says(out, "LeadSubmitted", "by_hand")
}

// An amount that nobody could read is not sent by releasing it.
func TestWhatHasNoAmountCannotBeReleased(t *testing.T) {
	h := openHouse(t, testRules, secretToken)
	ana := h.ana()
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	h.post(ana, ana.Say("paguei R$ 80, ou era: paguei R$ 20"))
	h.wantLedger("Purchase held value_ambiguous")
	out, _ := h.command(exitOK, "events", "release", "--reason", "value_ambiguous")
	h.says(out, "There is nothing to release", "mend the rule for the next message, and cancel this one")
	out, _ = h.command(exitOK, "events", "release", "--reason", "value_ambiguous", "--json")
	h.says(out, `"changed": 0`, `"why": "it was never completed`)
	h.command(exitOK, "events", "cancel", eventID(h.deliveries()[0].ID))
	h.wantLedger("Purchase cancelled by_hand")
	h.wantAtMeta()
}

// Meta was away; a person who knows that it is back does not wait for the next try.
func TestABackoffIsCutShort(t *testing.T) {
	h := openHouse(t, testRules, secretToken)
	h.buys()
	h.graph.Fail(sandbox.Fault{Status: http.StatusInternalServerError})
	h.wantAtMeta()
	var found mendReport
	out, _ := h.command(exitUsage, "events", "retry", "--account", "shop", "--json")
	if err := json.Unmarshal([]byte(out), &found); err != nil || found.Changed != 0 || found.Found != 1 {
		t.Errorf("unconfirmed: %s %v", out, err)
	}
	h.command(exitOK, "events", "retry", eventID(h.deliveries()[0].ID))
	h.wantAtMeta("Purchase Clid1 50.00 BRL")
}

func TestWhatToMendHasToBeSaid(t *testing.T) {
	h := openHouse(t, testRules, secretToken)
	for _, c := range []struct{ line, says string }{
		{"events cancel", "say which events to cancel: their ids, or filters"},
		{"events cancel evt_1 --state held", "give ids or filters, not both"},
		{"events cancel --state sent", `there is nothing to cancel in the state "sent"; there is in [queued waiting held]`},
		{"events cancel --call evt", `"evt" is not the id of a call`},
		{"events retry --since yesterday", "write a span back from now, such as 24h"},
		{"events ls --reason because", `there is no reason "because"`},
	} {
		_, says := h.command(exitUsage, strings.Fields(c.line)...)
		h.says(says, c.says)
	}
	_, says := h.command(exitFindings, "events", "cancel", "evt_1")
	h.says(says, `no event "evt_1"`)
}

// At a terminal the number is typed, and only the number will do.
func TestTheNumberIsTyped(t *testing.T) {
	var asked bytes.Buffer
	out := &console{out: &asked}
	if err := askFor(t.Context(), out, strings.NewReader(" 12 \n"), 12); err != nil || !strings.Contains(asked.String(), "the number of events, 12, to go on") {
		t.Errorf("%v after %q", err, &asked)
	}
	for _, answer := range []string{"", "y\n", "13\n"} {
		if err := askFor(t.Context(), out, strings.NewReader(answer), 12); err == nil || !strings.Contains(err.Error(), "nothing was changed") {
			t.Errorf("%q is taken for 12: %v", answer, err)
		}
	}
	nobody, _ := io.Pipe()
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	if err := askFor(ctx, out, nobody, 12); err == nil {
		t.Error("Ctrl-C is taken for 12")
	}
}

func TestEventsBetweenTwoTimes(t *testing.T) {
	h := openHouse(t, testRules, secretToken)
	h.buys()
	ana := h.ana()
	ana.WAID, ana.UserID = "5511987650002", "BR.2"
	h.post(ana, ana.Say("quanto custa?"))
	tomorrow := now().Add(24 * time.Hour).Format(time.RFC3339)
	out, _ := h.command(exitOK, "events", "ls", "--since", "1d", "--until", tomorrow)
	h.says(out, "Purchase", "unattributed")
	for _, none := range [][]string{{"--until", "2026-01-31"}, {"--until", "1h"}, {"--since", tomorrow}} {
		out, _ = h.command(exitOK, append([]string{"events", "ls"}, none...)...)
		h.says(out, "No events fit.")
	}
}

func FuzzMoment(f *testing.F) {
	for _, text := range []string{"24h", "7d", "2026-03-09", "2026-03-09T14:30:00-03:00", "0", "yesterday", "-5h"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var m moment
		err := m.UnmarshalText([]byte(text))
		if err != nil && !m.IsZero() || err == nil && m.Location() != time.UTC {
			t.Errorf("%q gives %s and %v", text, m, err)
		}
	})
}
