package whatsapp

// The signature on every notification (Meta, "Create a webhook endpoint").

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

const signaturePrefix = "sha256="

// Verify reports whether header, the X-Hub-Signature-256 of a request, signs body with one of the app
// secrets: several because several Meta apps may share an endpoint, and while one is replaced. Only
// "sha256=" and 64 lower-case hex digits are accepted. body must be the bytes as they came: Meta signs
// its own escapes (\u00e1, \/), which a second marshalling loses.
func Verify(body []byte, header string, secrets ...string) bool {
	if len(header) != len(signaturePrefix)+hex.EncodedLen(sha256.Size) {
		return false
	}
	for _, secret := range secrets {
		if secret != "" && hmac.Equal([]byte(Sign(body, secret)), []byte(header)) {
			return true
		}
	}
	return false
}

// Sign is the X-Hub-Signature-256 that Meta would send with body: "sha256=" and the HMAC-SHA256 under
// the app secret in lower-case hex.
func Sign(body []byte, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return signaturePrefix + hex.EncodeToString(mac.Sum(nil))
}
