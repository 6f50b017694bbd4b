package reason

import (
	"os"
	"strings"
	"testing"
)

// The list is closed in three places at once: the codes, their words, and the ledger that people read.
func TestEveryReasonIsExplained(t *testing.T) {
	ledger, err := os.ReadFile("../docs/ledger.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range All() {
		if !strings.Contains(string(ledger), string(code)) {
			t.Errorf("docs/ledger.md does not name %s", code)
		}
		if w := code.Words(); w == string(code) || strings.HasSuffix(w, ".") || !code.Known() {
			t.Errorf("%s reads %q; it needs words without a full stop", code, w)
		}
	}
	if unknown := Code("who_knows"); unknown.Known() || unknown.Words() != "who_knows" {
		t.Error("an unknown code is not on the list, and prints as it is")
	}
}
