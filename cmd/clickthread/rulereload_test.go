package main

// Rule files that change while the server runs.

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/rules"
)

// edition is the n-th edition of a file: its Purchase is worth n.
func edition(n int) string {
	return fmt.Sprintf(`version: 1
rules:
  - id: paid
    when: {customer_says: paguei}
    send: Purchase
    value: {amount: %d, currency: BRL}
    once: always
`, n)
}

// withClinic adds a second account, whose files stand beside the shop's.
func withClinic(s *configs.Settings) {
	clinic := s.Accounts[0]
	clinic.ID, clinic.WABAID, clinic.DatasetID = "clinic", "300100200300401", "900101"
	s.Accounts = append(s.Accounts, clinic)
}

// save writes a rule file as an editor does that replaces it in one step.
func (h *house) save(account, text string) {
	h.Helper()
	file := filepath.Join(h.app.settings.Rules, account, "rules.yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		h.Fatal(err)
	}
	if err := os.WriteFile(file+"~", []byte(text), 0o600); err != nil {
		h.Fatal(err)
	}
	if err := os.Rename(file+"~", file); err != nil {
		h.Fatal(err)
	}
}

// reload makes one pass over the folder.
func (h *house) reload() int {
	h.Helper()
	n, err := h.app.reloadRules(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	return n
}

// Ledger 30: files are edited under load, and every event carries the hash of exactly the set that decided.
func TestRulesAreEditedUnderLoad(t *testing.T) {
	h := openHouse(t, edition(1), withClinic)
	worth := map[string]int{h.app.rules.Set("shop").Hash(): 1}
	var load sync.WaitGroup
	stop := make(chan struct{})
	for chat := range 4 {
		shopper := h.ana()
		shopper.WAID, shopper.UserID = fmt.Sprintf("551198765%04d", chat), fmt.Sprintf("BR.%d", chat)
		h.post(shopper, shopper.Click(ad(fmt.Sprintf("Clid%d", chat)), "oi"))
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					h.post(shopper, shopper.Say("paguei"))
				}
			}
		})
	}
	for n := 2; n <= 40; n++ {
		h.save("shop", edition(n))
		if n%5 == 0 { // a save in two steps, the first of them broken
			h.save("shop", "version: 1\nrules:\n  - id: pa")
			h.reload()
			h.save("shop", edition(n))
		}
		h.reload()
		worth[h.app.rules.Set("shop").Hash()] = n
	}
	close(stop)
	load.Wait()
	sets := map[string]bool{}
	for _, d := range h.deliveries() {
		sets[d.RuleSet] = true
		if want, known := worth[d.RuleSet]; !known || d.Value.Minor != int64(100*want) {
			t.Fatalf("an event of set %.12s, which is worth %d.00, has the value %s", d.RuleSet, want, d.Value)
		}
	}
	if len(worth) != 40 || len(sets) < 2 {
		t.Errorf("%d editions, %d of them decided anything", len(worth), len(sets))
	}
}

// Ledger 29, promise 7: a broken save keeps the old rules of that account only, and /readyz, the log and the
// command say so. So does a restart with the broken folder. Mended, the new rules take effect.
func TestABrokenSaveTouchesOneAccount(t *testing.T) {
	h := openHouse(t, edition(1), withClinic)
	h.save("clinic", edition(1))
	h.reload()
	old := h.app.rules.Set("shop").Hash()

	h.save("shop", strings.Replace(edition(2), "send: Purchase", "send: Lead", 1))
	h.save("clinic", edition(2))
	if n := h.reload(); n != 2 {
		t.Errorf("%d accounts are different, want both", n)
	}
	clinic := h.app.rules.Set("clinic").Hash()
	check := func(when string) {
		t.Helper()
		if h.app.rules.Set("shop").Hash() != old || h.app.rules.Set("clinic").Hash() != clinic {
			t.Errorf("%s: in force are %v", when, h.app.rules.inForce())
		}
		if err := h.app.noteRules(t.Context()); err != nil {
			t.Fatal(err)
		}
		r, err := h.app.readiness(t.Context())
		if err != nil || !r.Ready || !cmp.Equal(r.BrokenRules, []string{"shop"}) {
			t.Errorf("%s: /readyz says %+v %v", when, r, err)
		}
		const problem = `shop/rules.yaml:5:11: Meta refuses "Lead" for WhatsApp (2804066); did you mean "LeadSubmitted"?`
		if !strings.Contains(h.log.String(), "its last good rules stay in force") || !strings.Contains(h.log.String(), strings.ReplaceAll(problem, `"`, `\"`)) {
			t.Errorf("%s: the log says\n%s", when, h.log)
		}
		lines, err := accountLines(t.Context(), h.app.store, h.app.accounts.All())
		if err != nil || len(lines) != 2 || lines[0].rulesInForce() != "1" || lines[1].rulesInForce() != "1 broken" || !strings.Contains(lines[1].ruleProblem(), problem) {
			t.Errorf("%s: accounts ls says %+v %v", when, lines, err)
		}
		if ready := h.get("/readyz"); !strings.Contains(ready, `"accounts_with_broken_files":["shop"]`) { // 200: what comes in is kept
			t.Errorf("%s: /readyz answers %s", when, ready)
		}
		if metrics := h.get("/metrics"); !strings.Contains(metrics, `clickthread_rules_broken{account="shop"} 1`) {
			t.Errorf("%s: /metrics does not say so", when)
		}
	}
	check("after the save")
	h.restart(nil)
	check("after a restart")

	h.save("shop", edition(3))
	if n := h.reload(); n != 1 || len(h.app.rules.brokenAccounts()) > 0 || h.app.rules.Set("shop").Hash() == old {
		t.Errorf("mended, %d accounts are different, and in force are %v", n, h.app.rules.inForce())
	}
	if n := h.reload(); n != 0 {
		t.Errorf("nothing changed, and %d accounts are different", n)
	}
}

// Files that are gone look like a volume that was not mounted: what was in force stays, also across a
// restart, and an account that never had rules is not broken. A file that is gone beside others takes its
// rules with it.
func TestFilesThatAreGone(t *testing.T) {
	h := openHouse(t, edition(1), withClinic)
	other := filepath.Join(h.app.settings.Rules, "shop", "other.yaml")
	if err := os.WriteFile(other, []byte(strings.Replace(edition(1), "paid", "other", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	h.reload()
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	if n := h.reload(); n != 1 || h.app.rules.Set("shop").Len() != 1 {
		t.Errorf("one of two files is gone: in force are %v", h.app.rules.inForce())
	}
	if err := os.RemoveAll(h.app.settings.Rules); err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		inForce := h.app.rules.inForce()
		if inForce["shop"].Rules != 1 || inForce["shop"].Problem == "" {
			t.Errorf("%s: in force are %v", when, inForce)
		}
	}
	h.reload()
	check("the folder is gone")
	if err := os.MkdirAll(filepath.Join(h.app.settings.Rules, "shop"), 0o700); err != nil {
		t.Fatal(err)
	}
	h.reload()
	check("the folder is empty")
	h.restart(nil)
	check("restarted with an empty folder")
	if broken := h.app.rules.brokenAccounts(); !cmp.Equal(broken, []string{"shop"}) {
		t.Errorf("broken are %v", broken)
	}
}

// A running server hears of a save by itself, also in the folder of an account that is new.
func TestAServerHearsThatRulesChange(t *testing.T) {
	h := openHouse(t, edition(1), withClinic)
	ctx, stop := context.WithCancel(t.Context())
	heard, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- watchFolder(ctx, h.app.settings.Rules, func() { heard <- struct{}{} }) }()
	hears := func(what string, change func()) {
		t.Helper()
		for deadline := time.After(30 * time.Second); ; {
			change() // again: the watcher may not have been there yet
			select {
			case <-heard:
				return
			case err := <-ended:
				t.Fatal(err)
			case <-deadline:
				t.Fatalf("nobody heard of %s", what)
			case <-time.After(time.Second):
			}
		}
	}
	hears("a save", func() { h.save("shop", edition(2)) })
	if err := os.MkdirAll(filepath.Join(h.app.settings.Rules, "clinic"), 0o700); err != nil {
		t.Fatal(err)
	}
	hears("a new folder", func() {})
	hears("a save in the new folder", func() { h.save("clinic", edition(2)) })
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Editors find the format where example files name it.
func TestTheSchemaIsServed(t *testing.T) {
	h := openHouse(t, testRules)
	if served := h.get("/schemas/rules.v1.json"); served != string(rules.Schema()) || !json.Valid([]byte(served)) {
		t.Errorf("served: %s", served)
	}
}

// get reads a page of the server.
func (h *house) get(path string) string {
	h.Helper()
	resp, err := http.Get(h.url + path)
	if err != nil {
		h.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		h.Fatalf("GET %s: %d %v", path, resp.StatusCode, err)
	}
	return string(body)
}

// rules-format 8 and 9: another id is another rule, and the log says so, also after a restart; a set whose own
// tests fail is published only by force.
func TestWhatANewSetIsToldOf(t *testing.T) {
	h := openHouse(t, edition(1))
	h.save("shop", strings.Replace(edition(1), "id: paid", "id: paid-by-pix", 1))
	h.restart(nil)
	const renamed = `rule \"paid-by-pix\" was called \"paid\"`
	if !strings.Contains(h.log.String(), renamed) {
		t.Errorf("the log does not tell of the new id:\n%s", h.log)
	}
	before := h.app.rules.Set("shop").Hash()
	h.save("shop", edition(2)+"tests:\n  - name: never\n    chat: [{ad_click: true}, {customer: paguei}]\n    expect: nothing\n")
	if h.reload(); h.app.rules.Set("shop").Hash() != before {
		t.Error("a set whose test fails is in force")
	}
	forced, err := openRules(t.Context(), h.app.settings.Rules, h.app.accounts, h.app.store, h.app.log, toServeAll)
	if err != nil || forced.Set("shop").Hash() == before || len(forced.brokenAccounts()) > 0 {
		t.Errorf("by force, in force are %v %v", forced.inForce(), err)
	}
}
