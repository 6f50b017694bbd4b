// Package configs reads one settings file, checks it as a whole, and says everything that is wrong
// with it at once. Every key can also be set by the environment, secrets also by a file.
package configs

import (
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/clickthread/clickthread/account"
)

// DefaultPath is read when no --config is given and the file exists.
const DefaultPath = "configs/clickthread.yaml"

// DemoRules is the rule file of "clickthread demo".
//
//go:embed demo/rules.yaml
var DemoRules []byte

// Settings is one settings file.
type Settings struct {
	Listen         string         `yaml:"listen"`          // webhooks and API. Default 127.0.0.1:8080.
	AdminListen    string         `yaml:"admin_listen"`    // if set: metrics and API there instead.
	TrustedProxies []string       `yaml:"trusted_proxies"` // addresses or networks whose X-Forwarded-For counts.
	Database       string         `yaml:"database"`        // sqlite:PATH. Default sqlite:clickthread.db.
	MasterKey      account.Secret `yaml:"master_key"`      // for secrets kept in the database.
	MasterKeyFile  string         `yaml:"master_key_file"`
	Meta           Meta           `yaml:"meta"`
	Rules          string         `yaml:"rules"` // folder of rule files. Default rules/.
	Retention      Retention      `yaml:"retention"`
	Notices        []Receiver     `yaml:"notices"` // who is told when an account needs a person.
	Accounts       []Account      `yaml:"accounts"`
}

// Meta is how to talk to Meta and how Meta talks to us.
type Meta struct {
	GraphURL     string           `yaml:"graph_url"`
	GraphVersion string           `yaml:"graph_version"`
	AppSecrets   []account.Secret `yaml:"app_secrets"` // several while one is rotated
	VerifyToken  account.Secret   `yaml:"verify_token"`
	Timeout      Duration         `yaml:"timeout"` // of one call. Default 10s.
}

// Retention is how long what is kept.
type Retention struct {
	Text       Duration `yaml:"text"`
	Messages   Duration `yaml:"messages"`
	ClickGrace Duration `yaml:"click_grace"` // beyond the 7 days a click counts. Default 7d; 0 allowed.
	Quarantine Duration `yaml:"quarantine"`
	Calls      Duration `yaml:"calls"`
	Ledger     Duration `yaml:"ledger"`
}

// Account is one merchant.
type Account struct {
	ID             string         `yaml:"id"`
	WABAID         string         `yaml:"waba_id"`
	PhoneNumberIDs []string       `yaml:"phone_number_ids"`
	DatasetID      string         `yaml:"dataset_id"`
	AccessToken    account.Secret `yaml:"access_token"`
	Country        string         `yaml:"country"`
	Currency       string         `yaml:"currency"`
	Locale         string         `yaml:"locale"`
	Timezone       string         `yaml:"timezone"`
	Click          string         `yaml:"click"`
	Unknown        string         `yaml:"unknown"`
	Send           Send           `yaml:"send"`
	TestEventCode  string         `yaml:"test_event_code"`
	Orders         Orders         `yaml:"orders"`
}

// Send says what else goes to Meta beside WABA id and click id.
type Send struct {
	Email          bool   `yaml:"email"`
	Phone          bool   `yaml:"phone"`
	ExternalID     bool   `yaml:"external_id"`
	LimitedDataUse bool   `yaml:"limited_data_use"`
	Identity       string `yaml:"identity"` // waba | page:ID
	// AppSecretProof sends a proof of the first of meta.app_secrets with each call. It must be the secret of
	// the token's own app.
	AppSecretProof bool `yaml:"appsecret_proof"`
}

// Orders holds the secrets that shops sign their order webhooks with.
type Orders struct {
	Shopify     Secrets            `yaml:"shopify"`
	WooCommerce Secrets            `yaml:"woocommerce"`
	Stripe      Secrets            `yaml:"stripe"`
	Standard    Secrets            `yaml:"standard"`
	Generic     map[string]Generic `yaml:"generic"`
}

// Secrets of one shop; several while one is rotated.
type Secrets struct {
	Secrets []account.Secret `yaml:"secrets"`
}

// Generic is the token of one generic order endpoint.
type Generic struct {
	Token account.Secret `yaml:"token"`
}

// Defaults are the settings before any file is read.
func Defaults() Settings {
	const day = Duration(24 * time.Hour)
	return Settings{
		Listen:   "127.0.0.1:8080",
		Database: "sqlite:clickthread.db",
		Rules:    "rules/",
		Meta:     Meta{GraphURL: "https://graph.facebook.com", GraphVersion: "v25.0", Timeout: Duration(10 * time.Second)},
		Retention: Retention{
			Text: 7 * day, Messages: 30 * day, ClickGrace: 7 * day, Quarantine: 7 * day, Calls: 30 * day, Ledger: 400 * day,
		},
	}
}

// Load reads a settings file and the environment over it. An empty path means DefaultPath if that
// exists, else the environment alone. lookupEnv is os.LookupEnv outside tests. The error lists every
// fault, those of the file with line and column, and never shows a secret.
func Load(path string, lookupEnv func(string) (string, bool)) (Settings, error) {
	src, source, err := read(path)
	if err != nil {
		return Settings{}, err
	}
	s := Defaults()
	var f faults
	if err := s.decode(src, &f); err != nil {
		return Settings{}, fmt.Errorf("settings in %s: %w", source, err)
	}
	s.overlay(lookupEnv, &f)
	s.fill()
	s.validate(&f)
	if len(f) > 0 {
		return Settings{}, fmt.Errorf("settings in %s:\n%w", source, errors.Join(f...))
	}
	return s, nil
}

// read returns the file, and what to call it when something is wrong with it.
func read(path string) (src []byte, source string, err error) {
	source = cmp.Or(path, DefaultPath)
	src, err = os.ReadFile(source)
	if errors.Is(err, os.ErrNotExist) && path == "" {
		return nil, "the environment (there is no " + DefaultPath + ")", nil
	}
	if err != nil {
		return nil, source, fmt.Errorf("read settings: %w", err)
	}
	return src, source, nil
}

// decode walks the file first, for places and suggestions, then reads what it can. The error is for a
// file that is not YAML, of which nothing can be read.
func (s *Settings) decode(src []byte, f *faults) error {
	documents := yaml.NewDecoder(bytes.NewReader(src))
	var root, more yaml.Node
	if err := documents.Decode(&root); err != nil && !errors.Is(err, io.EOF) {
		return notYAML(err)
	}
	if root.Kind != yaml.DocumentNode {
		return nil // empty, or nothing but comments
	}
	if err := documents.Decode(&more); err == nil {
		f.at(&more, "a second document begins here; only one is read")
	} else if !errors.Is(err, io.EOF) {
		return notYAML(err)
	}
	before := len(*f)
	f.walk(root.Content[0], reflect.TypeFor[Settings](), "")
	if err := root.Decode(s); err != nil && len(*f) == before {
		return notYAML(err)
	}
	return nil
}

// notYAML says where a file stops being YAML. The name of an anchor is left out: it may be a password
// that begins with *.
func notYAML(err error) error {
	var load *yaml.LoadError
	switch {
	case !errors.As(err, &load):
		return errors.New("this is not YAML")
	case strings.Contains(load.Message, "anchor"):
		return fmt.Errorf("line %d: put a text that begins with * in quotes", load.Mark.Line)
	case load.Mark.Line == 0:
		return fmt.Errorf("this is not YAML: %s", load.Message)
	}
	return fmt.Errorf("line %d, column %d: this is not YAML: %s", load.Mark.Line, load.Mark.Column, load.Message)
}

// fill gives every account the defaults of its own keys.
func (s *Settings) fill() {
	for i := range s.Accounts {
		a := &s.Accounts[i]
		if a.Click == "" {
			a.Click = string(account.LastClick)
		}
		if a.Unknown == "" {
			a.Unknown = string(account.Resend)
		}
		if a.Send.Identity == "" {
			a.Send.Identity = "waba"
		}
	}
}

// proof is the secret that an account's calls prove.
func (s Settings) proof(a Account) account.Secret {
	if !a.Send.AppSecretProof || len(s.Meta.AppSecrets) == 0 {
		return ""
	}
	return s.Meta.AppSecrets[0]
}

func (s Send) account() account.Send {
	page, _ := strings.CutPrefix(s.Identity, "page:")
	if page == "waba" {
		page = ""
	}
	return account.Send{Email: s.Email, Phone: s.Phone, ExternalID: s.ExternalID, LimitedDataUse: s.LimitedDataUse, PageID: page}
}

// Registry turns the accounts into what the rest of the house knows.
func (s Settings) Registry() *account.Registry {
	list := make([]account.Account, len(s.Accounts))
	for i, a := range s.Accounts {
		list[i] = account.Account{
			ID: a.ID, WABAID: a.WABAID, PhoneNumberIDs: a.PhoneNumberIDs, DatasetID: a.DatasetID,
			AccessToken: a.AccessToken, Country: a.Country, Currency: a.Currency, Locale: a.Locale,
			Timezone: a.Timezone, Click: account.ClickPolicy(a.Click), Unknown: account.UnknownPolicy(a.Unknown),
			TestEventCode: a.TestEventCode, AppSecret: s.proof(a), Send: a.Send.account(),
		}
	}
	return account.NewRegistry(list)
}
