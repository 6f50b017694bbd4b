package configs

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/notices"
)

// Receiver is one address that is told when an account needs a person.
type Receiver struct {
	URL          string         `yaml:"url"`           // https; plain http only on this machine.
	Secret       account.Secret `yaml:"secret"`        // whsec_ and a key in base64, to sign with.
	Events       []notices.Kind `yaml:"events"`        // what it is told. Default: everything.
	AllowPrivate bool           `yaml:"allow_private"` // may be in a private network, or on this machine.
}

// Receivers are the addresses as package notices knows them.
func (s Settings) Receivers() []notices.Receiver {
	list := make([]notices.Receiver, len(s.Notices))
	for i, r := range s.Notices {
		list[i] = notices.Receiver(r)
	}
	return list
}

func validateReceivers(list []Receiver, f *faults) {
	seen := map[string]bool{}
	for i, r := range list {
		key := fmt.Sprintf("notices[%d]", i)
		if r.URL != "" && seen[r.URL] {
			f.add(key, "the url stands twice; give one entry all the events")
		}
		seen[r.URL] = true
		r.validate(f, key)
	}
}

// validate never shows the address: what notices are posted to may be secret in itself.
func (r Receiver) validate(f *faults, key string) {
	u, err := url.Parse(r.URL)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		f.add(key+".url", "is not an address such as https://ops.example.com/clickthread")
	case u.User != nil:
		f.add(key+".url", "holds a user name; notices are signed with the secret instead")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		f.add(key+".url", "plain http is only for this machine; use https for %s", u.Host)
	case !r.AllowPrivate && private(u.Hostname()):
		f.add(key+".url", "%s is not on the public internet; if that is meant, add allow_private: true", u.Host)
	}
	if _, err := notices.Key(r.Secret); err != nil {
		f.add(key+".secret", "%v", err)
	}
	for _, k := range r.Events {
		if !slices.Contains(notices.Kinds(), k) {
			f.add(key+".events", "there is no %q; there are %v", k, notices.Kinds())
		}
	}
}

// private reports whether a host is known to be private before its name is resolved.
func private(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && !notices.Public(addr)
}
