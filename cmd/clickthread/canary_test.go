package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// canaries are what nothing may print: who has them can send, or knows who wrote.
var canaries = map[string]string{
	"access token":  "EAAGcanaryOfTheAccessToken7f3a91",
	"app secret":    "0c4a9canaryOfTheAppSecret5be2d6f",
	"verify token":  "canary-of-the-verify-token-18c7",
	"master key":    "canaryOfTheMasterKey4d2e90aa51b7",
	"shop secret":   "shpss_canaryOfTheShop6b1f0e83c2",
	"notice secret": "Q2FuYXJ5T2ZUaGVOb3RpY2VSZWNlaXZlcnMxMjM0", // base64, as the settings want it
	"notice path":   "canaryOfTheReceiversPath93be",
	"phone":         "5511912345678",
	"other phone":   "5521998765432",
	"new phone":     "5531987651234",
	"e-mail":        "ana.canary@shopper.example",
	"message id":    "wamid.HBgNNTUxMTkxMjM0NTY3OBUCABIYFDNBQ0FOQVJZT0ZUSEVXQU1JRAA=",
}

// leak names the first canary that a text holds, in whatever writing; "" for none.
func leak(text string) string {
	lower := strings.ToLower(text)
	for name, canary := range canaries {
		for how, form := range writings(canary) {
			if strings.Contains(text, form) {
				return name + ", " + how
			}
		}
		if strings.Contains(lower, hex.EncodeToString([]byte(canary))) {
			return name + ", in hex"
		}
	}
	return ""
}

// writings are the ways in which a canary may stand in a text.
func writings(canary string) map[string]string {
	forms := map[string]string{"as it is": canary, "in an address": url.QueryEscape(canary)}
	for before := range 3 { // bytes that come before it in a longer base64 text
		padded := append(make([]byte, before), canary...)
		// Characters that it shares with its neighbours say nothing about it.
		first, last := (before*8+5)/6, len(padded)*8/6
		for name, alphabet := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			forms[fmt.Sprintf("in %s, at %d", name, before)] = alphabet.EncodeToString(padded)[first:last]
		}
	}
	return forms
}

// The search itself is tried: a test that looks for nothing finds nothing.
func TestCanariesAreFound(t *testing.T) {
	for name, canary := range canaries {
		for _, text := range []string{
			canary, "Bearer " + canary + ".", "?t=" + url.QueryEscape(canary), hex.EncodeToString([]byte("x" + canary)),
			strings.ToUpper(hex.EncodeToString([]byte(canary))),
			base64.StdEncoding.EncodeToString([]byte(canary)), base64.StdEncoding.EncodeToString([]byte("i" + canary + "<")),
			base64.URLEncoding.EncodeToString([]byte("id" + canary + ">>")), base64.RawURLEncoding.EncodeToString([]byte("id:" + canary)),
		} {
			if leak("a line with "+text+" in it") == "" {
				t.Errorf("the %s is not found in %q", name, text)
			}
		}
	}
	if found := leak(`msg="call settled" account=shop words="Meta does not accept the token"`); found != "" {
		t.Errorf("%s is found where there is none", found)
	}
}
