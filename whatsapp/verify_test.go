package whatsapp

import (
	"strings"
	"testing"
)

// Meta signs the escapes it sends; the same JSON written without them has another signature.
const (
	plainBody     = `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[]}]}`
	escapedBody   = `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"text":"ol\u00e1 \ud83d\udc4b <a@b> 50%\/"}}]}]}`
	unescapedBody = `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"text":"olá 👋 <a@b> 50%/"}}]}]}`

	plainSignature   = "sha256=674924b481c54928d0b5f5eedd31e6f44a400e5fdb1826a9763ce1b6f494268a"
	escapedSignature = "sha256=55e9b0ac3b3596488e7dd24ada0ebd09918f5a1a108f182ea2efe03a64737b1a"
	secret           = "app-secret-1"
)

func TestVerify(t *testing.T) {
	tests := []struct {
		name, body, header string
		secrets            []string
		want               bool
	}{
		{"as Meta signs", plainBody, plainSignature, []string{secret}, true},
		{"raw escapes", escapedBody, escapedSignature, []string{secret}, true},
		{"one of several apps", plainBody, plainSignature, []string{"other", "", secret}, true},

		{"serialised again", unescapedBody, escapedSignature, []string{secret}, false},
		{"body changed", plainBody + " ", plainSignature, []string{secret}, false},
		{"other app", plainBody, plainSignature, []string{"other"}, false},
		{"no secrets", plainBody, plainSignature, nil, false},
		{"empty secret", plainBody, Sign([]byte(plainBody), ""), []string{""}, false},
		{"no header", plainBody, "", []string{secret}, false},
		{"prefix alone", plainBody, "sha256=", []string{secret}, false},
		{"no prefix", plainBody, plainSignature[7:], []string{secret}, false},
		{"sha1", plainBody, "sha1=" + plainSignature[7:], []string{secret}, false},
		{"upper-case prefix", plainBody, "SHA256=" + plainSignature[7:], []string{secret}, false},
		{"upper-case hex", plainBody, "sha256=" + strings.ToUpper(plainSignature[7:]), []string{secret}, false},
		{"truncated", plainBody, plainSignature[:len(plainSignature)-1], []string{secret}, false},
		{"space before", plainBody, " " + plainSignature, []string{secret}, false},
		{"line end after", plainBody, plainSignature + "\r\n", []string{secret}, false},
		{"two signatures", plainBody, plainSignature + "," + plainSignature, []string{secret}, false},
		{"a thousand signatures", plainBody, strings.Repeat(plainSignature+",", 1000), []string{secret}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Verify([]byte(tt.body), tt.header, tt.secrets...); got != tt.want {
				t.Errorf("Verify = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestVerifyRefusesEveryFlippedBit(t *testing.T) {
	body := []byte(plainBody)
	for i := range len(body) * 8 {
		body[i/8] ^= 1 << (i % 8)
		if Verify(body, plainSignature, secret) {
			t.Fatalf("accepted with bit %d flipped", i)
		}
		body[i/8] ^= 1 << (i % 8)
	}
}
