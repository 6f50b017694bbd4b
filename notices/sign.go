package notices

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/clickthread/clickthread/account"
)

// Bounds of a key in bytes (Standard Webhooks, signature scheme).
const (
	shortestKey = 24
	longestKey  = 64
)

var errKey = errors.New("is not whsec_ and a key of 24 to 64 bytes in base64; make one: echo whsec_$(openssl rand -base64 32)")

// Key reads the bytes that a receiver's notices are signed with: base64, after "whsec_".
func Key(secret account.Secret) ([]byte, error) {
	text, ok := strings.CutPrefix(secret.Reveal(), "whsec_")
	if !ok {
		return nil, errKey
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) < shortestKey || len(key) > longestKey {
		return nil, errKey
	}
	return key, nil
}

// Sign is the webhook-signature of one try: HMAC-SHA256 over "id.timestamp.body", with the timestamp
// in Unix seconds (Standard Webhooks, scheme v1).
func Sign(key []byte, id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
