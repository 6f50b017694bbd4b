package configs

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/rules"
	"github.com/clickthread/clickthread/sql"
)

var (
	accountID    = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)
	digits       = regexp.MustCompile(`^[0-9]{1,32}$`)
	graphVersion = regexp.MustCompile(`^v[0-9]{1,3}\.[0-9]$`)
	countryCode  = regexp.MustCompile(`^[A-Z]{2}$`)
)

// faults collects everything that is wrong, so that a person mends the file once.
type faults []error

func (f *faults) add(key, format string, args ...any) {
	*f = append(*f, fmt.Errorf("  %s: %s", key, fmt.Sprintf(format, args...)))
}

// at reports what is wrong at a place in the file.
func (f *faults) at(n *yaml.Node, format string, args ...any) {
	f.add(fmt.Sprintf("line %d, column %d", n.Line, n.Column), format, args...)
}

// validate refuses settings that would start a server which cannot do its work.
func (s Settings) validate(f *faults) {
	s.validateServer(f)
	s.Meta.validate(f)
	validateReceivers(s.Notices, f)
	ids, wabas := map[string]bool{}, map[string]bool{}
	for i, a := range s.Accounts {
		key := fmt.Sprintf("accounts[%d]", i)
		if a.ID != "" {
			key = fmt.Sprintf("accounts[%d] (%s)", i, a.ID)
		}
		if a.ID != "" && ids[envName(a.ID)] {
			f.add(key, "the id stands twice (- and _ count as one: variables cannot tell them apart)")
		}
		if a.WABAID != "" && wabas[a.WABAID] {
			f.add(key, "the waba_id %s stands twice; one WhatsApp Business Account is one account here", a.WABAID)
		}
		ids[envName(a.ID)], wabas[a.WABAID] = true, true
		a.validate(f, key)
	}
}

func (s Settings) validateServer(f *faults) {
	address := func(key, addr string) {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			f.add(key, "%q is not HOST:PORT, such as 127.0.0.1:8080", addr)
		}
	}
	address("listen", s.Listen)
	if s.AdminListen != "" {
		address("admin_listen", s.AdminListen)
	}
	for _, p := range s.TrustedProxies {
		if _, err := netip.ParsePrefix(p); err == nil {
			continue
		}
		if _, err := netip.ParseAddr(p); err != nil {
			f.add("trusted_proxies", "%q is not an address or a network such as 10.0.0.0/8", p)
		}
	}
	if err := sql.CheckURL(s.Database); err != nil {
		f.add("database", "%v", err)
	}
	if s.Rules == "" {
		f.add("rules", "is empty; name the folder of your rule files")
	}
	// A click counts for 7 days, and what comes of it may arrive 7 days late.
	if s.Retention.Ledger < Duration(15*24*time.Hour) {
		f.add("retention.ledger", "must be at least 15d: what is forgotten earlier could be sent a second time")
	}
}

func (m Meta) validate(f *faults) {
	u, err := url.Parse(m.GraphURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		f.add("meta.graph_url", "%q is not an http(s) address", m.GraphURL)
	} else if u.Scheme == "http" && !loopback(u.Hostname()) {
		f.add("meta.graph_url", "plain http is only for a sandbox on this machine; tokens would be readable on the way to %s", u.Host)
	}
	if !graphVersion.MatchString(m.GraphVersion) {
		f.add("meta.graph_version", "%q is not a version such as v25.0", m.GraphVersion)
	}
	if len(m.AppSecrets) == 0 {
		f.add("meta.app_secrets", "is missing: without it no webhook can be verified (App dashboard > App settings > Basic > App secret)")
	}
	for i, secret := range m.AppSecrets {
		if missing(secret) {
			f.add(fmt.Sprintf("meta.app_secrets[%d]", i), "is missing: with an empty or a well-known secret anybody could sign webhooks")
		}
	}
	if missing(m.VerifyToken) {
		f.add("meta.verify_token", "is missing: choose any text and give Meta the same when you subscribe")
	}
	if d := time.Duration(m.Timeout); d < time.Second || d > time.Minute {
		f.add("meta.timeout", "%s is not between 1s and 1m", m.Timeout)
	}
}

// missing reports whether a secret was not filled in; the example file says CHANGE in its place.
func missing(secret account.Secret) bool { return secret == "" || secret == "CHANGE" }

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func (a Account) validate(f *faults, key string) {
	if !accountID.MatchString(a.ID) {
		f.add(key+".id", "%q must be lower-case letters, digits, - and _", a.ID)
	}
	numeric := func(name, value string) {
		if value == "" {
			f.add(key+"."+name, "is missing")
		} else if !digits.MatchString(value) {
			f.add(key+"."+name, "%q must be digits, in quotes", value)
		}
	}
	numeric("waba_id", a.WABAID)
	numeric("dataset_id", a.DatasetID)
	for _, id := range a.PhoneNumberIDs {
		numeric("phone_number_ids", id)
	}
	if missing(a.AccessToken) {
		f.add(key+".access_token", "is missing: a system user's token with whatsapp_business_manage_events")
	}
	if a.Country != "" && !countryCode.MatchString(a.Country) {
		f.add(key+".country", "%q is not a two-letter code such as BR", a.Country)
	}
	if _, ok := capi.MinorDigits(a.Currency); a.Currency != "" && !ok {
		f.add(key+".currency", "%q is not an ISO 4217 code such as BRL", a.Currency)
	}
	if _, problems := rules.NewSet(rules.Owner{Locale: a.Locale}); problems != nil {
		f.add(key+".locale", "%q is not a language tag such as pt-BR", a.Locale)
	}
	if _, err := time.LoadLocation(a.Timezone); err != nil || a.Timezone == "Local" {
		f.add(key+".timezone", "%q is not an IANA name such as America/Sao_Paulo", a.Timezone)
	}
	if a.Click != string(account.LastClick) && a.Click != string(account.FirstClick) {
		f.add(key+".click", "%q must be last or first", a.Click)
	}
	if a.Unknown != string(account.Resend) && a.Unknown != string(account.Hold) {
		f.add(key+".unknown", "%q must be resend or hold", a.Unknown)
	}
	if page, ok := strings.CutPrefix(a.Send.Identity, "page:"); a.Send.Identity != "waba" && (!ok || !digits.MatchString(page)) {
		f.add(key+".send.identity", "%q must be waba or page:ID", a.Send.Identity)
	}
}

// NotYet lists settings that are read and checked, but do nothing in this version.
func (s Settings) NotYet() []string {
	var keys []string
	note := func(set bool, key string) {
		if set {
			keys = append(keys, key)
		}
	}
	note(s.MasterKey != "" || s.MasterKeyFile != "", "master_key")
	for _, a := range s.Accounts {
		o := a.Orders
		note(len(o.Shopify.Secrets)+len(o.WooCommerce.Secrets)+len(o.Stripe.Secrets)+len(o.Standard.Secrets)+len(o.Generic) > 0,
			"accounts."+a.ID+".orders")
		note(a.Send.Email, "accounts."+a.ID+".send.email") // WhatsApp tells no address; orders will
	}
	return keys
}
