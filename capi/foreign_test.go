package capi

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// A trace id goes into every log line; what stands in its place and is none does not.
func TestOnlyATraceIsATrace(t *testing.T) {
	for sent, want := range map[string]string{
		"Ajx2LQx2kf_V9JwMy-Qrt6y": "Ajx2LQx2kf_V9JwMy-Qrt6y",
		"to +55 11 98765-0001":    "",
		"a\nlevel=ERROR":          "",
		strings.Repeat("A", 65):   "",
	} {
		quoted := strings.ReplaceAll(sent, "\n", `\n`)
		for _, body := range []string{
			`{"events_received":1,"fbtrace_id":"` + quoted + `"}`,
			`{"error":{"code":190,"fbtrace_id":"` + quoted + `"}}`,
			`{"fbtrace_id":"` + quoted + `"}`,
		} {
			c := meta(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
			receipt, err := c.Send(t.Context(), Dataset{ID: "900", Token: "EAAtoken"}, [][]byte{[]byte(`{}`)})
			got := receipt.TraceID
			if e, failed := err.(*Error); failed { //nolint:errorlint // Send returns no other
				got = e.TraceID
			}
			if got != want {
				t.Errorf("%s gives the trace %q, want %q", body, got, want)
			}
		}
	}
}
