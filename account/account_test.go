package account

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestSecretPrintsNowhere(t *testing.T) {
	const canary = "EAAcanary"
	a := Account{ID: "shop", AccessToken: canary}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", a.AccessToken)
		fmt.Fprintf(&out, verb+"\n", a)
		fmt.Fprintf(&out, verb+"\n", &a)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "token", a.AccessToken, "account", a)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "token", a.AccessToken, "account", a)
	if err := json.NewEncoder(&out).Encode(a); err != nil {
		t.Fatal(err)
	}
	hex := fmt.Sprintf("%x", canary)
	if strings.Contains(out.String(), canary) || strings.Contains(out.String(), hex) {
		t.Errorf("the secret was printed:\n%s", out.String())
	}
	if a.AccessToken.Reveal() != canary {
		t.Error("Reveal does not reveal")
	}
}

func TestRegistryFindsByIDAndWABA(t *testing.T) {
	r := NewRegistry([]Account{{ID: "a", WABAID: "1"}, {ID: "b", WABAID: "2", PhoneNumberIDs: []string{"77"}}})
	if b, ok := r.ByWABA("2"); !ok || b.ID != "b" {
		t.Errorf("ByWABA(2) = %v %v", b.ID, ok)
	}
	if _, ok := r.ByID(""); ok {
		t.Error("an empty id found an account")
	}
	a, _ := r.ByID("a")
	b, _ := r.ByID("b")
	if !a.Listens("99") || b.Listens("99") || !b.Listens("77") {
		t.Error("an account listens to all numbers, unless it lists some")
	}
}

func TestMaskPhone(t *testing.T) {
	for in, want := range map[string]string{"5511987650001": "5511*******01", "12345678": "********", "": ""} {
		if got := MaskPhone(in); got != want {
			t.Errorf("MaskPhone(%q) = %q, want %q", in, got, want)
		}
	}
}

// Ledger 24: a test code that was forgotten in the settings ends by itself.
func TestATestCodeEnds(t *testing.T) {
	began := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	a := Account{TestEventCode: "TEST1", TestUntil: began.Add(TestCodeFor)}
	if got := a.TestCode(began.Add(24*time.Hour - time.Second)); got != "TEST1" {
		t.Errorf("within a day it is %q", got)
	}
	if got := a.TestCode(began.Add(24 * time.Hour)); got != "" {
		t.Errorf("after a day it is %q", got)
	}
}
