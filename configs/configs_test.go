package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/notices"
)

// load writes a settings file and loads it with nothing in the environment.
func load(t *testing.T, text string) (Settings, error) {
	t.Helper()
	return Load(write(t, text), environment(nil))
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func environment(vars map[string]string) func(string) (string, bool) {
	return func(key string) (string, bool) {
		value, ok := vars[key]
		return value, ok
	}
}

func testdata(t *testing.T, name string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

func TestEveryKeyIsRead(t *testing.T) {
	got, err := load(t, testdata(t, "every-key.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const day = Duration(24 * time.Hour)
	secrets := func(list ...account.Secret) Secrets { return Secrets{Secrets: list} }
	want := Settings{
		Listen: "0.0.0.0:8081", AdminListen: "127.0.0.1:8082", TrustedProxies: []string{"10.0.0.0/8", "::1"},
		Database: "sqlite:data/ledger.db", MasterKey: "canary-master-key", MasterKeyFile: "master.key", Rules: "my-rules/",
		Meta: Meta{
			GraphURL: "http://127.0.0.1:9100", GraphVersion: "v24.0", Timeout: Duration(15 * time.Second),
			AppSecrets: []account.Secret{"canary-app-new", "canary-app-old"}, VerifyToken: "canary-verify",
		},
		Retention: Retention{
			Text: 0, Messages: 31 * day, ClickGrace: 2 * day, Quarantine: 3 * day, Calls: Duration(36 * time.Hour), Ledger: 401 * day,
		},
		Notices: []Receiver{{
			URL: "http://127.0.0.1:9300/hook", Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
			Events: []notices.Kind{notices.AccountPaused, notices.EventsExpiring}, AllowPrivate: true,
		}},
		Accounts: []Account{{
			ID: "shop", WABAID: "300100200300400", PhoneNumberIDs: []string{"700100200300400"}, DatasetID: "900100200300400",
			AccessToken: "canary-token", Country: "BR", Currency: "BRL", Locale: "pt-BR", Timezone: "America/Sao_Paulo",
			Click: "first", Unknown: "hold", TestEventCode: "TEST123",
			Send: Send{Email: true, Phone: true, ExternalID: true, LimitedDataUse: true, Identity: "page:100200300", AppSecretProof: true},
			Orders: Orders{
				Shopify: secrets("canary-shopify"), WooCommerce: secrets("canary-woo"), Stripe: secrets("canary-stripe"),
				Standard: secrets("canary-standard"), Generic: map[string]Generic{"crm": {Token: "canary-crm"}},
			},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	shop, _ := got.Registry().ByID("shop")
	if shop.AppSecret != "canary-app-new" || shop.Send != (account.Send{Email: true, Phone: true, ExternalID: true, LimitedDataUse: true, PageID: "100200300"}) {
		t.Errorf("sends %+v and proves %v", shop.Send, shop.AppSecret != "")
	}
	if diff := cmp.Diff([]string{"master_key", "accounts.shop.orders", "accounts.shop.send.email"}, got.NotYet()); diff != "" {
		t.Errorf("what does nothing yet: -want +got:\n%s", diff)
	}
}

func TestDefaults(t *testing.T) {
	const least = `
meta: {app_secrets: [s], verify_token: v}
accounts:
  - {id: shop, waba_id: 0300, dataset_id: "900", access_token: t}
`
	got, err := load(t, least)
	if err != nil {
		t.Fatal(err)
	}
	want := Defaults()
	want.Meta.AppSecrets, want.Meta.VerifyToken = []account.Secret{"s"}, "v"
	want.Accounts = []Account{{
		ID: "shop", WABAID: "0300", DatasetID: "900", AccessToken: "t",
		Click: "last", Unknown: "resend", Send: Send{Identity: "waba"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if keys := got.NotYet(); keys != nil {
		t.Errorf("NotYet() = %v for settings that ask for nothing", keys)
	}
	shop, ok := got.Registry().ByWABA("0300")
	if !ok || shop.ID != "shop" || shop.Click != account.LastClick || shop.Unknown != account.Resend {
		t.Errorf("the registry holds %+v, %v", shop, ok)
	}
}

func TestNoFileAndEmptyFile(t *testing.T) {
	vars := environment(map[string]string{
		"CLICKTHREAD_META_APP_SECRETS": "s", "CLICKTHREAD_META_VERIFY_TOKEN": "v", "CLICKTHREAD_LISTEN": ":9",
	})
	t.Chdir(t.TempDir())
	for _, text := range []string{"", "\n", "# nothing yet\n", "meta:\n"} {
		if s, err := Load(write(t, text), vars); err != nil || s.Listen != ":9" {
			t.Errorf("a file with %q: %v", text, err)
		}
	}
	if s, err := Load("", vars); err != nil || s.Listen != ":9" {
		t.Errorf("without a file: %v", err)
	}
	_, err := Load("", environment(nil))
	if err == nil || !strings.HasPrefix(err.Error(), "settings in the environment (there is no configs/clickthread.yaml):\n") {
		t.Errorf("without a file and without variables: %v", err)
	}
	if _, err := Load("elsewhere.yaml", vars); err == nil || !strings.Contains(err.Error(), "elsewhere.yaml") {
		t.Errorf("a file that is named and is not there: %v", err)
	}
	if err := os.Mkdir("configs", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(DefaultPath, []byte("rules: other/\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Load("", vars); err != nil || s.Rules != "other/" {
		t.Errorf("with the default file: rules %q, %v", s.Rules, err)
	}
}

// The example must stay a file that works once a merchant has filled in what is marked CHANGE.
func TestExampleLoads(t *testing.T) {
	example, err := os.ReadFile("clickthread.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = load(t, string(example))
	if err == nil || strings.Count(err.Error(), "\n") != 3 || strings.Count(err.Error(), "is missing") != 3 {
		t.Errorf("as it is, want its three secrets to be missing and nothing else: %v", err)
	}
	s, err := load(t, strings.ReplaceAll(string(example), "CHANGE", "filled-in"))
	if err != nil {
		t.Fatalf("filled in: %v", err)
	}
	if len(s.Accounts) != 1 || s.Meta.VerifyToken != "filled-in" || s.NotYet() != nil {
		t.Errorf("filled in: %d accounts, not yet %v", len(s.Accounts), s.NotYet())
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	s, err := load(t, testdata(t, "every-key.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, s); strings.Contains(text, "canary") || strings.Contains(text, "whsec_") {
			t.Errorf("%s shows a secret: %s", verb, text)
		}
	}
	for _, text := range []string{
		"notices: [{url: 'https://a.example/canary', secret: whsec_canary}]", // neither a key nor an address is shown
		"notices: [{url: 'https://canary:canary@a.example'}]",                // a password in an address
		"meta: {app_secrets: canary}",                                        // not a list
		"meta: {app_secrets: {canary: 1}}",                                   // keys of its own
		"meta: {verify_token: [canary]}",                                     // a list
		"meta: {verify_token: *canary}",                                      // begins with *
		"meta: {verify_token: &canary x}",                                    // begins with &
		"meta: {verify_token: !canary x}",                                    // begins with !
		"meta: {verify_token: !!int canary}",                                 // a tag that does not fit
		"meta: {verify_token: canary: x}",                                    // a second colon
		"{\"verify_token:canary\": x}",                                       // a colon in a key
		"meta: {verify_token:canary}",                                        // no space after the colon
		"meta: {verify_token: \"canary}",                                     // a quote that is never closed
		"accounts: [{id: shop, access_token: {a: canary}}]",                  // keys of its own
		"accounts: [{orders: {generic: {crm: canary}}}]",                     // a level is missing
		"accounts: [{orders: {generic: {<<: {token: canary}}}}]",             // a merge key
		"accounts: [{orders: {generic: {crm: {token:canary}}}}]",             // no space after the colon
		"master_key: canary\nmaster_key: canary",                             // twice
		"database: postgres://user:canary@127.0.0.1/clickthread",             // not yet
		"accounts: [{orders: {stripe: [canary]}}, {access_token: canary}]",   // a level is missing
	} {
		_, err := load(t, text)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s\nsays: %v", text, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	example, err := os.ReadFile("clickthread.example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	for _, name := range []string{"every-key.yaml", "unreadable.yaml"} {
		src, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for _, text := range []string{"", "[]", "a: &a [*a]", "<<: {listen: x}", "? [a]\n: b", "a: 1\n---\nb: 2", "accounts: [{orders: {generic: {a: }}}]"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		s := Defaults()
		var found faults
		err := s.decode(src, &found)
		var root yaml.Node
		if err != nil && len(found) == 0 && yaml.Unmarshal(src, &root) == nil && !strings.Contains(string(src), "---") {
			t.Errorf("what walk lets pass cannot be decoded: %v", err)
		}
		s.overlay(environment(nil), &found)
		s.fill()
		s.validate(&found)
		_ = s.Registry()
	})
}
