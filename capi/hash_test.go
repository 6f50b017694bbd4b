package capi

import (
	"strings"
	"testing"
)

// The hashes are what Meta's own SDK makes; those of the first e-mail and the first phone number stand
// in Meta's documentation as well.
func TestHashesAreMetas(t *testing.T) {
	const (
		john   = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"
		foo    = "0c7e6a405862e402eb76a70f8a26fc732d07c32931e9fae9ab1582911d2e8a3b"
		us     = "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"
		spain  = "67f01a2b0e2c34277df586b5cc6e35a5f232494e64dc33b5f75f80bf568914f1"
		brazil = "6bd1037b2be343b22b8b7e323a0f227e1f2a151f1a709536fd2522a1873fc604"
		user42 = "6d894aa3ee802549d7f340e7c1cf0d1c1cb14cd84f768d92ffaa6785337c4997"
	)
	for _, c := range []struct {
		hash        func(string) (string, bool)
		value, want string
	}{
		{HashEmail, " John_Smith@gmail.com ", john},
		{HashEmail, "FOO@Bar.COM", foo},
		{HashEmail, strings.ToUpper(foo), foo},
		{HashEmail, "", ""},
		{HashEmail, "john", ""},
		{HashEmail, "john@localhost", ""},
		{HashEmail, "John <john@gmail.com>", ""},
		{HashEmail, "a@b.com, c@d.com", ""},
		{HashEmail, "d41d8cd98f00b204e9800998ecf8427e", ""}, // MD5 is not what Meta matches
		{HashPhone, "+1 (650) 555-1212", us},
		{HashPhone, "16505551212", us},
		{HashPhone, "0034 600 111 222", spain},
		{HashPhone, "+34600111222", spain},
		{HashPhone, "+34 (0)600 111.222", spain},
		{HashPhone, "5511987650001", brazil},
		{HashPhone, "+55\u00a011 98765-0001", brazil},
		{HashPhone, brazil, brazil},
		{HashPhone, "(650)555-1212", ""},
		{HashPhone, "0600111222", ""},
		{HashPhone, "11987650001", ""}, // Sao Paulo without 55
		{HashPhone, "+0600111222", ""},
		{HashPhone, "600 111 222", ""},
		{HashPhone, "+1 650 555 FLOW", ""},
		{HashPhone, "+٣٤٦٠٠١١١٢٢٢", ""},
		{HashPhone, "+123456", ""},
		{HashPhone, "+1234567890123456", ""},
		{HashPhone, "+", ""},
		{HashPhone, "", ""},
		{HashExternalID, "user-42", user42},
		{HashExternalID, " User-42\n", user42},
		{HashExternalID, user42, user42},
		{HashExternalID, "  ", ""},
	} {
		if got, ok := c.hash(c.value); got != c.want || ok != (c.want != "") {
			t.Errorf("%q gives %q, %t; want %q", c.value, got, ok, c.want)
		}
	}
}

// FuzzHash: what is hashed is a hash, and hashing it again changes nothing.
func FuzzHash(f *testing.F) {
	f.Add("john@gmail.com")
	f.Add("+44 (0)20 7946 0958")
	f.Fuzz(func(t *testing.T, value string) {
		for _, hash := range []func(string) (string, bool){HashEmail, HashPhone, HashExternalID} {
			sum, ok := hash(value)
			if ok != sha256Hex.MatchString(sum) || !ok && sum != "" {
				t.Errorf("%q gives %q, %t", value, sum, ok)
			}
			if again, _ := hash(sum); ok && again != sum {
				t.Errorf("%q is hashed twice", value)
			}
		}
	})
}
