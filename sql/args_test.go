package sql

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/clickthread/clickthread/internal/pgtest"
)

// What is written as an array comes back as it was, whatever a customer, a merchant or Meta put into it.
func FuzzPostgresReadsArraysAsWritten(f *testing.F) {
	for _, text := range []string{
		"", "NULL", "null", `"`, `\`, `\"`, `\\`, "'", "''", `\'`, "{", "}", "{}", ",", `","`, " a ", "\t\n\r", "$1", "?", "?0", "é❤️🇧🇷",
		"'); DROP TABLE claims; --", `"}'); DROP TABLE claims; --`, "\u2028", "\x01\x7f", "E'\\x41'", `\x41`,
	} {
		f.Add(text, []byte(text))
	}
	f.Add("bytes", []byte{0, 1, 0xff, '\\', '"', '\''})
	s := node(f, pgtest.Shared(f).Database(f))
	f.Fuzz(func(t *testing.T, text string, body []byte) {
		if !utf8.ValidString(text) {
			t.Skip("the door lets no such text in")
		}
		want := strings.ReplaceAll(text, "\x00", "")
		var rows []struct {
			A string
			B []byte
			N int64
		}
		err := s.write.NewRaw("SELECT * FROM (?) AS given (a, b, n)", among("text,bytea,bigint", [][]any{
			{text, body, int64(-1)}, {"", []byte(nil), int64(1 << 62)}, {text + text, []byte{}, int64(0)},
		})).Scan(t.Context(), &rows)
		if err != nil || len(rows) != 3 {
			t.Fatalf("%d rows: %v", len(rows), err)
		}
		if r := rows[0]; r.A != want || !bytes.Equal(r.B, body) || r.N != -1 {
			t.Errorf("%q %x %d came back as %q %x %d", want, body, -1, r.A, r.B, r.N)
		}
		if r := rows[1]; r.A != "" || r.B != nil || r.N != 1<<62 {
			t.Errorf("no text and no bytes came back as %q %v %d", r.A, r.B, r.N)
		}
		if r := rows[2]; r.A != want+want || r.B == nil || r.N != 0 {
			t.Errorf("twice the text came back as %q, empty bytes as %v, 0 as %d", r.A, r.B, r.N)
		}
	})
}
