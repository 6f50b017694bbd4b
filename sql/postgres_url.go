package sql

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/clickthread/clickthread/account"
)

// The address of a PostgreSQL is read here and not by pgdriver, which panics on a bad one and does
// not verify certificates by default. No message repeats the password, or what may be a piece of it.

// postgresConfig says where a PostgreSQL is and who we are there.
type postgresConfig struct {
	Network  string // tcp or unix
	Addr     string // host:port, or the path of the socket
	User     string
	Password account.Secret
	Database string
	SSLMode  string      // disable, require, verify-ca or verify-full
	TLS      *tls.Config // nil: plain
}

// parsePostgresURL reads
//
//	postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=FILE
//	postgres://user@/database?host=/folder/of/the/socket
//
// The default of sslmode is disable on loopback and on a unix socket, else verify-full. Less is
// never done than is asked: require, verify-ca and verify-full all verify chain and name, but for
// require on loopback, where nobody can sit in between. allow and prefer are refused, because they
// fall back to plain text.
func parsePostgresURL(raw string) (postgresConfig, error) {
	u, err := url.Parse(raw)
	if err != nil { // err repeats what it could not read, which may be the password
		return postgresConfig{}, errors.New("not a URL; write postgres://user:password@host:5432/database, " +
			"and in user and password each of % / ? # [ ] @ : as its percent code (%2F for /)")
	}
	cfg := postgresConfig{User: u.User.Username(), Database: strings.TrimPrefix(u.Path, "/")}
	password, _ := u.User.Password()
	cfg.Password = account.Secret(password)
	switch {
	case u.Scheme != "postgres" && u.Scheme != "postgresql":
		return cfg, errors.New("a PostgreSQL URL begins with postgres://")
	case cfg.User == "":
		return cfg, errors.New("the URL names no user; write postgres://user@host/database")
	case cfg.Database == "" || strings.Contains(cfg.Database, "/"):
		return cfg, errors.New("the URL names no database; write postgres://user@host/database")
	case strings.ContainsRune(cfg.User+password+cfg.Database, 0):
		return cfg, errors.New("the URL holds a NUL (%00)")
	}
	query, err := postgresQuery(u.RawQuery)
	if err != nil {
		return cfg, err
	}
	host := u.Hostname()
	if cfg.Network, cfg.Addr, err = postgresAddr(host, u.Port(), query.Get("host")); err != nil {
		return cfg, err
	}
	return cfg, cfg.secure(host, query.Get("sslmode"), query.Get("sslrootcert"))
}

// postgresQuery refuses what we do not know: pgdriver would send it to the server as a setting.
func postgresQuery(raw string) (url.Values, error) {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return nil, errors.New("what follows ? cannot be read; write name=value&name=value")
	}
	for name := range query {
		switch name {
		case "host", "sslmode", "sslrootcert":
		default:
			return nil, fmt.Errorf("%q is not a known parameter; known are host, sslmode and sslrootcert", name)
		}
	}
	return query, nil
}

func postgresAddr(host, port, folder string) (network, addr string, err error) {
	if port == "" {
		port = "5432"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", "", errors.New("the port is not a number from 1 to 65535")
	}
	switch {
	case folder != "" && !path.IsAbs(folder):
		return "", "", errors.New("?host= is for the folder of a unix socket, such as /var/run/postgresql")
	case folder != "" && host != "":
		return "", "", errors.New("the URL names both a host and the folder of a unix socket; keep one")
	case folder != "":
		return "unix", path.Join(folder, ".s.PGSQL."+port), nil
	case host == "":
		return "", "", errors.New("the URL names no host; write postgres://user@host/database")
	}
	return "tcp", net.JoinHostPort(host, port), nil
}

// secure decides about TLS.
func (c *postgresConfig) secure(host, mode, rootCert string) error {
	loopback := c.Network == "unix" || isLoopback(host)
	if mode == "" && loopback && rootCert == "" {
		mode = "disable"
	} else if mode == "" {
		mode = "verify-full"
	}
	c.SSLMode = mode
	switch mode {
	case "disable":
		return nil
	case "require", "verify-ca", "verify-full":
	case "allow", "prefer":
		return fmt.Errorf("sslmode=%s may fall back to plain text; write verify-full, or disable where the network is trusted", mode)
	default:
		return fmt.Errorf("sslmode %q is not known; write verify-full, require or disable", mode)
	}
	if c.Network == "unix" {
		return errors.New("a unix socket has no TLS; leave sslmode out")
	}
	c.TLS = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: loopback && mode == "require"}
	if rootCert == "" {
		return nil
	}
	pem, err := os.ReadFile(rootCert)
	if err != nil {
		return fmt.Errorf("read sslrootcert: %w", err)
	}
	c.TLS.RootCAs = x509.NewCertPool()
	if !c.TLS.RootCAs.AppendCertsFromPEM(pem) {
		return fmt.Errorf("sslrootcert %s holds no certificate", rootCert)
	}
	return nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
