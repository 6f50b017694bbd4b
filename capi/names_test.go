package capi

import (
	"strings"
	"testing"
)

func TestEventNamesAreMetasOwn(t *testing.T) {
	for name, c := range map[string]struct{ warning, err string }{
		"Purchase":       {},
		"OrderCanceled":  {},
		"CartAbandoned":  {warning: "no one is known to have sent it"},
		"Lead":           {err: `did you mean "LeadSubmitted"?`},
		"purchase":       {err: `did you mean "Purchase"?`},
		"add_to_cart":    {err: `did you mean "AddToCart"?`},
		"OrderCancelled": {err: `did you mean "OrderCanceled"?`},
		"MyOwnEvent":     {err: "it takes LeadSubmitted, Purchase"},
		"":               {err: "2804066"},
	} {
		warning, err := CheckEventName(name)
		refusal := ""
		if err != nil {
			refusal = err.Error()
		}
		if (refusal == "") != (c.err == "") || !strings.Contains(refusal, c.err) {
			t.Errorf("%s: error %q, want %q", name, refusal, c.err)
		}
		if (warning == "") != (c.warning == "") || !strings.Contains(warning, c.warning) {
			t.Errorf("%s: warning %q, want %q", name, warning, c.warning)
		}
	}
}
