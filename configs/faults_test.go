package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// One load says all that is wrong with the file: what cannot be read, and what does not fit.
func TestAllFaultsAtOnce(t *testing.T) {
	for _, name := range []string{"unreadable", "unfit"} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(filepath.Join("testdata", name+".yaml"), environment(map[string]string{
				"CLICKTHREAD_META_TIMEOUT": "soon", "CLICKTHREAD_META_VERIFY_TOKEN_FILE": "no-such-file",
			}))
			if err == nil {
				t.Fatal("loads")
			}
			got := strings.ReplaceAll(err.Error(), string(filepath.Separator), "/") + "\n"
			if diff := cmp.Diff(testdata(t, name+".want"), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Each row breaks one key of settings that are good otherwise.
func TestValuesThatDoNotFit(t *testing.T) {
	const good = `
listen: 127.0.0.1:8080
meta: {app_secrets: [s], verify_token: v}
notices:
  - {url: 'https://ops.example.com/x', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, events: [queue.stuck]}
  - {url: 'https://ops.example.com/y', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}
accounts:
  - {id: shop, waba_id: "300", dataset_id: "900", access_token: t}
  - {id: other, waba_id: "301", dataset_id: "901", access_token: t}
`
	if _, err := load(t, good); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ replace, by, want string }{
		{"127.0.0.1:8080", "8080", `listen: "8080" is not HOST:PORT`},
		{"listen:", "admin_listen:", ""},
		{"listen: 127.0.0.1:8080", "admin_listen: localhost", `admin_listen: "localhost" is not HOST:PORT`},
		{"listen: 127.0.0.1:8080", "trusted_proxies: [10.0.0.0/8, '::1']", ""},
		{"listen: 127.0.0.1:8080", "trusted_proxies: [proxy.local]", `trusted_proxies: "proxy.local" is not an address or a network`},
		{"listen: 127.0.0.1:8080", "trusted_proxies: [10.0.0.0/33]", `trusted_proxies: "10.0.0.0/33" is not an address or a network`},
		{"listen: 127.0.0.1:8080", "database: postgres://db/clickthread", "database: "},
		{"listen: 127.0.0.1:8080", "database: 'sqlite:'", "database: "},
		{"listen: 127.0.0.1:8080", "rules: ''", "rules: is empty"},
		{"listen: 127.0.0.1:8080", "retention: {text: 0, messages: 0, click_grace: 0, quarantine: 0, calls: 0, ledger: 15d}", ""},
		{"listen: 127.0.0.1:8080", "retention: {ledger: 14d}", "retention.ledger: must be at least 15d"},

		{"verify_token: v", "verify_token: v, graph_url: graph.facebook.com", "meta.graph_url:"},
		{"verify_token: v", "verify_token: v, graph_url: 'ftp://graph.facebook.com'", "meta.graph_url:"},
		{"verify_token: v", "verify_token: v, graph_url: 'http://graph.facebook.com'", "meta.graph_url: plain http is only for a sandbox"},
		{"verify_token: v", "verify_token: v, graph_url: 'http://localhost:9100'", ""},
		{"verify_token: v", "verify_token: v, graph_url: 'http://[::1]:9100'", ""},
		{"verify_token: v", "verify_token: v, graph_version: '25'", `meta.graph_version: "25" is not a version such as v25.0`},
		{"verify_token: v", "verify_token: v, timeout: 500ms", "meta.timeout: 500ms is not between 1s and 1m"},
		{"verify_token: v", "verify_token: v, timeout: 2m", "meta.timeout: 2m0s is not between 1s and 1m"},
		{"verify_token: v", "verify_token: ''", "meta.verify_token: is missing"},
		{"verify_token: v", "verify_token: CHANGE", "meta.verify_token: is missing"},
		{"app_secrets: [s]", "app_secrets: []", "meta.app_secrets: is missing"},
		{"app_secrets: [s]", "app_secrets: [s, '']", "meta.app_secrets[1]: is missing"},
		{"app_secrets: [s]", "app_secrets: [CHANGE]", "meta.app_secrets[0]: is missing"},

		{"url: 'https://ops.example.com/x'", "url: 'http://ops.example.com/x'", "notices[0].url: plain http is only for this machine"},
		{"url: 'https://ops.example.com/x'", "url: 'https://10.0.0.1/x'", "notices[0].url: 10.0.0.1 is not on the public internet"},
		{"url: 'https://ops.example.com/x'", "url: 'http://localhost:9300'", "notices[0].url: localhost:9300 is not on the public internet"},
		{"url: 'https://ops.example.com/x'", "url: 'http://localhost:9300', allow_private: true", ""},
		{"url: 'https://ops.example.com/x'", "url: 'https://10.0.0.1/x', allow_private: true", ""},
		{"url: 'https://ops.example.com/x'", "url: 'https://me:it@ops.example.com'", "notices[0].url: holds a user name"},
		{"url: 'https://ops.example.com/x'", "url: ''", "notices[0].url: is not an address"},
		{"/x', secret", "/y', secret", "notices[1]: the url stands twice"},
		{"secret: whsec_MfK", "secret: MfK", "notices[0].secret: is not whsec_ and a key"},
		{"secret: whsec_MfKQ9r8G", "secret: whsec_", "notices[0].secret: is not whsec_ and a key"},
		{"events: [queue.stuck]", "events: []", ""},
		{"events: [queue.stuck]", "events: [queue.*]", `notices[0].events: there is no "queue.*"`},

		{"id: shop", "id: Shop", `accounts[0] (Shop).id: "Shop" must be lower-case letters`},
		{"id: shop", "id: ''", `accounts[0].id: "" must be lower-case letters`},
		{"id: shop", "id: ../shop", `must be lower-case letters`},
		{"id: shop", "id: other", "accounts[1] (other): the id stands twice"},
		{`waba_id: "300"`, `waba_id: "301"`, "accounts[1] (other): the waba_id 301 stands twice"},
		{`waba_id: "300"`, `waba_id: wa`, `accounts[0] (shop).waba_id: "wa" must be digits`},
		{`waba_id: "300", `, ``, "accounts[0] (shop).waba_id: is missing"},
		{`dataset_id: "900"`, `dataset_id: 9e2`, `accounts[0] (shop).dataset_id: "9e2" must be digits`},
		{`dataset_id: "900"`, `dataset_id: "900", phone_number_ids: [+55]`, `accounts[0] (shop).phone_number_ids: "+55" must be digits`},
		{`"900", access_token: t`, `"900"`, "accounts[0] (shop).access_token: is missing"},
		{`"900", access_token: t`, `"900", access_token: CHANGE`, "accounts[0] (shop).access_token: is missing"},
		{"id: shop", "id: shop, country: Brazil", `country: "Brazil" is not a two-letter code`},
		{"id: shop", "id: shop, currency: REAL", `currency: "REAL" is not an ISO 4217 code`},
		{"id: shop", "id: shop, locale: portuguese_brazil", `locale: "portuguese_brazil" is not a language tag`},
		{"id: shop", "id: shop, timezone: Sao_Paulo", `timezone: "Sao_Paulo" is not an IANA name`},
		{"id: shop", "id: shop, timezone: Local", `timezone: "Local" is not an IANA name`},
		{"id: shop", "id: shop, click: middle", `click: "middle" must be last or first`},
		{"id: shop", "id: shop, unknown: drop", `unknown: "drop" must be resend or hold`},
		{"id: shop", "id: shop, send: {identity: page}", `send.identity: "page" must be waba or page:ID`},
		{"id: shop", "id: shop, send: {identity: 'page:me'}", `send.identity: "page:me" must be waba or page:ID`},
	} {
		_, err := load(t, strings.Replace(good, tt.replace, tt.by, 1))
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.by, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || strings.Count(err.Error(), "\n") != 1):
			t.Errorf("%s: want one fault, %s; got %v", tt.by, tt.want, err)
		}
	}
}

func TestFilesThatAreNotYAML(t *testing.T) {
	for text, want := range map[string]string{
		"listen: a: b":         "line 1, column 10: this is not YAML: mapping values are not allowed in this context",
		"rules: [\n":           "line 2, column 1: this is not YAML: did not find expected node content",
		"\tlisten: x":          "line 1, column 1: this is not YAML: found character that cannot start any token",
		"listen: \x00":         "this is not YAML: control characters are not allowed (value: 0)",
		"rules: *here":         "line 1: put a text that begins with * in quotes",
		"rules: r\n---\n\tx: ": "line 3, column 1: this is not YAML: found a tab character where an indentation space is expected",
	} {
		_, err := load(t, text)
		if err == nil || !strings.HasSuffix(err.Error(), ": "+want) {
			t.Errorf("%q\nsays %v\nwant %s", text, err, want)
		}
	}
}

func TestEnvironmentWinsOverTheFile(t *testing.T) {
	folder := t.TempDir()
	token := filepath.Join(folder, "token")
	if err := os.WriteFile(token, []byte("from-a-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(folder, "key")
	if err := os.WriteFile(key, []byte("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load("testdata/every-key.yaml", environment(map[string]string{
		"CLICKTHREAD_LISTEN":                                  "127.0.0.1:1",
		"CLICKTHREAD_TRUSTED_PROXIES":                         "",
		"CLICKTHREAD_META_TIMEOUT":                            "20s",
		"CLICKTHREAD_META_APP_SECRETS":                        "one, two,",
		"CLICKTHREAD_META_VERIFY_TOKEN":                       "overruled by the file",
		"CLICKTHREAD_META_VERIFY_TOKEN_FILE":                  token,
		"CLICKTHREAD_RETENTION_TEXT":                          "2d",
		"CLICKTHREAD_LISTEN_FILE":                             token, // listen is no secret
		"CLICKTHREAD_ACCOUNTS_SHOP_ACCESS_TOKEN_FILE":         token,
		"CLICKTHREAD_ACCOUNTS_SHOP_SEND_EMAIL":                "false",
		"CLICKTHREAD_ACCOUNTS_SHOP_SEND_PHONE":                "0",
		"CLICKTHREAD_ACCOUNTS_SHOP_PHONE_NUMBER_IDS":          "71,72",
		"CLICKTHREAD_ACCOUNTS_SHOP_ORDERS_STRIPE_SECRETS":     "three",
		"CLICKTHREAD_ACCOUNTS_SHOP_ORDERS_GENERIC_CRM_TOKEN":  "four",
		"CLICKTHREAD_ACCOUNTS_SHOP_UNKNOWN":                   "resend",
		"CLICKTHREAD_NOTICES_0_SECRET_FILE":                   key,
		"CLICKTHREAD_NOTICES_0_EVENTS":                        "queue.stuck",
		"CLICKTHREAD_NOTICES_1_URL":                           "not read",
		"CLICKTHREAD_ACCOUNTS_NOBODY_DATASET_ID":              "not read",
		"CLICKTHREAD_ACCOUNTS_SHOP_ORDERS_GENERIC_ERP_TOKEN":  "not read",
		"CLICKTHREAD_ACCOUNTS_SHOP_ORDERS_SHOPIFY_SECRETS":    "",
		"CLICKTHREAD_ACCOUNTS_SHOP_ORDERS_STANDARD_SECRETS_X": "not read",
	}))
	if err != nil {
		t.Fatal(err)
	}
	shop := s.Accounts[0]
	for key, pair := range map[string][2]any{
		"listen":           {s.Listen, "127.0.0.1:1"},
		"trusted_proxies":  {len(s.TrustedProxies), 0},
		"timeout":          {time.Duration(s.Meta.Timeout), 20 * time.Second},
		"text":             {time.Duration(s.Retention.Text), 48 * time.Hour},
		"app_secrets":      {len(s.Meta.AppSecrets), 2},
		"app_secrets[1]":   {s.Meta.AppSecrets[1].Reveal(), "two"},
		"verify_token":     {s.Meta.VerifyToken.Reveal(), "from-a-file"},
		"access_token":     {shop.AccessToken.Reveal(), "from-a-file"},
		"send.email":       {shop.Send.Email, false},
		"send.phone":       {shop.Send.Phone, false},
		"send.external_id": {shop.Send.ExternalID, true}, // not named: as in the file
		"phone_number_ids": {strings.Join(shop.PhoneNumberIDs, "+"), "71+72"},
		"stripe":           {shop.Orders.Stripe.Secrets[0].Reveal(), "three"},
		"shopify":          {len(shop.Orders.Shopify.Secrets), 0},
		"generic.crm":      {shop.Orders.Generic["crm"].Token.Reveal(), "four"},
		"generic":          {len(shop.Orders.Generic), 1},
		"unknown":          {shop.Unknown, "resend"},
		"notices":          {len(s.Notices), 1},
		"notices.secret":   {s.Notices[0].Secret.Reveal(), "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"},
		"notices.events":   {fmt.Sprint(s.Notices[0].Events), "[queue.stuck]"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s = %v, want %v", key, pair[0], pair[1])
		}
	}
	_, err = Load("testdata/every-key.yaml", environment(map[string]string{"CLICKTHREAD_ACCOUNTS_SHOP_SEND_EMAIL": "maybe"}))
	if err == nil || !strings.Contains(err.Error(), `CLICKTHREAD_ACCOUNTS_SHOP_SEND_EMAIL: "maybe" is not true or false`) {
		t.Errorf("a bool that is none: %v", err)
	}
}

func TestDuration(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "0d": 0, "10s": 10 * time.Second, "1h30m": 90 * time.Minute, " 7d ": 7 * day, "400d": 400 * day, "100000d": 100_000 * day,
	} {
		var got Duration
		if err := got.UnmarshalText([]byte(text)); err != nil || time.Duration(got) != want {
			t.Errorf("%q = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "10", "d", "1.5d", "-1d", "-1s", "1d12h", "7 d", "100001d", "99999999999999999999d", "one week"} {
		var got Duration
		if err := got.UnmarshalText([]byte(text)); err == nil || got != 0 {
			t.Errorf("%q is taken as %v", text, got)
		}
	}
}
