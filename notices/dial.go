package notices

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// Timeout bounds one try, from dialling to the answer's last byte.
const Timeout = 15 * time.Second

// special are the networks of IPv4 that no public address is in (IANA, IPv4 Special-Purpose Address
// Registry), with multicast and what is reserved.
var special = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3")

// global is where public addresses of IPv6 are, and special6 what is in there but is not public, or
// carries an address of IPv4 that may be private: Teredo, documentation, 6to4.
var (
	global   = netip.MustParsePrefix("2000::/3")
	special6 = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)

func prefixes(list ...string) []netip.Prefix {
	parsed := make([]netip.Prefix, len(list))
	for i, p := range list {
		parsed[i] = netip.MustParsePrefix(p)
	}
	return parsed
}

// Public reports whether an address is on the public internet. A receiver elsewhere needs
// allow_private: else whoever may choose an address could reach what only this machine can reach.
func Public(addr netip.Addr) bool {
	addr = addr.Unmap()
	inside := func(p netip.Prefix) bool { return p.Contains(addr) }
	if addr.Is4() {
		return !slices.ContainsFunc(special, inside)
	}
	return global.Contains(addr) && !slices.ContainsFunc(special6, inside)
}

// onlyPublic looks at the address that is about to be dialled, after the name was resolved: a name that
// changes its address between a check and the dial gains nothing.
func onlyPublic(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address %s cannot be read: %w", address, err)
	}
	if !Public(to.Addr()) {
		return fmt.Errorf("%s is not a public address; if that is meant, set allow_private: true for this receiver", to.Addr())
	}
	return nil
}

// newClient returns a client that dials what control lets pass and follows no redirect. It knows no
// proxy: a proxy would dial in our place, past the check.
func newClient(control func(network, address string, c syscall.RawConn) error) *http.Client {
	dialer := &net.Dialer{Timeout: Timeout, Control: control}
	return &http.Client{
		Timeout: Timeout,
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    atOnce,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
