package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A shopper who asked for it is left out of everything that goes to Meta, under every form of her number;
// the ledger says why. Taken off the list, she counts again.
func TestOptOuts(t *testing.T) {
	h := openHouse(t, testRules)
	ana := h.ana()
	file := filepath.Join(t.TempDir(), "settings.yaml")
	text := "database: " + h.app.settings.Database + "\nmeta: {app_secrets: [s], verify_token: v}\n" +
		"accounts: [{id: shop, waba_id: '300100200300400', dataset_id: '900100', access_token: t}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if code := run(t.Context(), append(args, "--config", file), &out, &errs); code != exitOK {
			t.Fatalf("%v ends with %d: %s", args, code, errs.String())
		}
		if _, err := h.app.reloadOptOuts(t.Context()); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	command("optouts", "add", "--account", "shop", "+55 11 8765-0001") // without the ninth digit
	h.post(ana, ana.Say("paguei R$ 50,00"))
	if held := h.metaHolds(); len(held) > 0 {
		t.Errorf("Meta has %v of a person who opted out", held)
	}
	if ls := command("events", "ls", "--reason", "opted_out"); !strings.Contains(ls, "skipped") {
		t.Errorf("events ls says\n%s", ls)
	}
	if ls := command("optouts", "ls"); strings.Contains(ls, "8765") || !strings.Contains(ls, "5511") {
		t.Errorf("optouts ls says\n%s", ls)
	}
	command("optouts", "rm", "--account", "shop", "+5511987650001")
	h.post(ana, ana.Click(ad("Clid2"), "oi"))
	h.post(ana, ana.Say("paguei R$ 60,00"))
	if diff := cmp.Diff([]string{"Purchase Clid2 60.00 BRL"}, h.metaHolds()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
