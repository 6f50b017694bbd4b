package notices

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/clickthread/clickthread/account"
)

const testSecret account.Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// The example that the authors of Standard Webhooks test their own libraries with.
func TestSignAsTheSpecificationDoes(t *testing.T) {
	key, err := Key(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	got := Sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signed %s, want %s", got, want)
	}
}

func TestKeysThatAreNone(t *testing.T) {
	long := "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65))
	for _, text := range []string{
		"", "whsec_", "CHANGE", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64 at all, though long enough",
		"whsec_c2hvcnQ=", long, "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	} {
		if key, err := Key(account.Secret(text)); err == nil {
			t.Errorf("%q is taken as a key of %d bytes", text, len(key))
		} else if text != "" && strings.Contains(err.Error(), text) && text != "whsec_" {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
}

func FuzzKey(f *testing.F) {
	f.Add(testSecret.Reveal())
	f.Add("whsec_")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := Key(account.Secret(text))
		if err == nil && (len(key) < 24 || len(key) > 64) {
			t.Errorf("%q is a key of %d bytes", text, len(key))
		}
	})
}
