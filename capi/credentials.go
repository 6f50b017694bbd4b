package capi

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

// Credentials are what Meta knows an account by. Nothing of them is shown however they are printed,
// logged or marshalled.
type Credentials struct {
	Token     string `json:"-"`
	AppSecret string `json:"-"` // of the token's app; "" sends no proof of it
}

// String says nothing.
func (Credentials) String() string { return "****" }

// Format implements [fmt.Formatter] for every verb, since %d or %#v would print the fields.
func (c Credentials) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, c.String()) }

// LogValue implements [slog.LogValuer].
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// proof shows Meta that the caller has the app's secret, without sending it; "" without one (Meta,
// Graph API: Secure requests).
func (c Credentials) proof() string {
	if c.AppSecret == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(c.AppSecret))
	mac.Write([]byte(c.Token))
	return hex.EncodeToString(mac.Sum(nil))
}

// secrets blanks them in what comes from outside.
type secrets []string

// redact blanks every secret where a text repeats it, as a proxy's error page may: as it is, in an
// address, in base64 and in hex. What is shorter than 8 bytes is no secret, and blanking it could damage
// the text.
func (s secrets) redact(text []byte) []byte {
	for _, secret := range s {
		if len(secret) < 8 {
			continue
		}
		inHex := hex.EncodeToString([]byte(secret))
		for _, form := range append(inBase64(secret), secret, url.QueryEscape(secret), inHex, strings.ToUpper(inHex)) {
			text = bytes.ReplaceAll(text, []byte(form), []byte("****"))
		}
	}
	return text
}

// redactError keeps err unless its text holds a secret; then only the text is left, without it.
func (s secrets) redactError(err error) error {
	text := err.Error()
	if clean := string(s.redact([]byte(text))); clean != text {
		return errors.New(clean)
	}
	return err
}

// inBase64 is how a secret looks inside a longer base64 text, in both alphabets: which characters
// stand for it depends on how many bytes come before it, modulo 3. Characters that it shares with its
// neighbours are left out.
func inBase64(secret string) []string {
	var forms []string
	for before := range 3 {
		shifted := append(make([]byte, before), secret...)
		first, last := (before*8+5)/6, len(shifted)*8/6
		for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			forms = append(forms, alphabet.EncodeToString(shifted)[first:last])
		}
	}
	return forms
}
