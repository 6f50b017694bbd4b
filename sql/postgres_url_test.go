package sql

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPostgresURLsThatWork(t *testing.T) {
	for name, c := range map[string]struct{ url, network, addr, user, password, database, sslmode string }{
		"here":          {"postgres://ct@127.0.0.1/clicks", "tcp", "127.0.0.1:5432", "ct", "", "clicks", "disable"},
		"here, by name": {"postgresql://ct@localhost:5433/clicks", "tcp", "localhost:5433", "ct", "", "clicks", "disable"},
		"here, IPv6":    {"postgres://ct@[::1]/clicks", "tcp", "[::1]:5432", "ct", "", "clicks", "disable"},
		"unix socket": {
			"postgres://ct@/clicks?host=/var/run/postgresql", "unix", "/var/run/postgresql/.s.PGSQL.5432", "ct", "", "clicks", "disable",
		},
		"elsewhere": {"postgres://ct:pw@db.example.com/clicks", "tcp", "db.example.com:5432", "ct", "pw", "clicks", "verify-full"},
		"elsewhere, plain because asked": {
			"postgres://ct:pw@10.0.0.7/clicks?sslmode=disable", "tcp", "10.0.0.7:5432", "ct", "pw", "clicks", "disable",
		},
		"elsewhere, require":            {"postgres://ct:pw@10.0.0.7/clicks?sslmode=require", "tcp", "10.0.0.7:5432", "ct", "pw", "clicks", "require"},
		"a password with special signs": {"postgres://ct:p%2Fw%40%3A%23@db.example.com/clicks", "tcp", "db.example.com:5432", "ct", "p/w@:#", "clicks", "verify-full"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := parsePostgresURL(c.url)
			if err != nil {
				t.Fatal(err)
			}
			if cfg.Network != c.network || cfg.Addr != c.addr || cfg.User != c.user ||
				cfg.Password.Reveal() != c.password || cfg.Database != c.database || cfg.SSLMode != c.sslmode {
				t.Errorf("read %+v", cfg)
			}
			if plain := cfg.TLS == nil; plain != (c.sslmode == "disable") {
				t.Errorf("plain = %v with sslmode %s", plain, c.sslmode)
			}
			if cfg.TLS != nil && (cfg.TLS.InsecureSkipVerify || !strings.HasPrefix(cfg.Addr, cfg.TLS.ServerName+":")) {
				t.Errorf("off loopback the server's chain and name are verified: %+v", cfg.TLS)
			}
		})
	}
}

func TestPostgresURLsThatDoNot(t *testing.T) {
	noCert := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(noCert, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ url, says string }{
		"nothing":                      {"", "begins with postgres://"},
		"another database":             {"mysql://ct:hunter2@host/clicks", "begins with postgres://"},
		"words, as libpq takes them":   {"host=db user=ct password=hunter2", "begins with postgres://"},
		"a slash in the password":      {"postgres://ct:hunter2/x@host/clicks", "%2F for /"},
		"a hash in the password":       {"postgres://ct:hunter2#x@host/clicks", "%2F for /"},
		"a percent in the password":    {"postgres://ct:hunter2%zz@host/clicks", "percent code"},
		"a numeric password and slash": {"postgres://ct:42/hunter2@host/clicks", "names no user"},
		"no user":                      {"postgres://host/clicks", "names no user"},
		"no database":                  {"postgres://ct:hunter2@host", "names no database"},
		"no host":                      {"postgres://ct:hunter2@/clicks", "names no host"},
		"port 0":                       {"postgres://ct:hunter2@host:0/clicks", "1 to 65535"},
		"port 99999":                   {"postgres://ct:hunter2@host:99999/clicks", "1 to 65535"},
		"NUL":                          {"postgres://ct:hunter2%00@host/clicks", "NUL"},
		"a setting of the server":      {"postgres://ct:hunter2@host/clicks?search_path=x", "search_path"},
		"broken parameters":            {"postgres://ct:hunter2@host/clicks?a=%zz", "cannot be read"},
		"may fall back to plain text":  {"postgres://ct:hunter2@host/clicks?sslmode=prefer", "plain text"},
		"misspelled sslmode":           {"postgres://ct:hunter2@host/clicks?sslmode=verifyfull", "not known"},
		"CA file missing":              {"postgres://ct:hunter2@host/clicks?sslrootcert=/none.pem", "no such file"},
		"CA file without certificate":  {"postgres://ct:hunter2@host/clicks?sslrootcert=" + noCert, "holds no certificate"},
		"TLS on a unix socket":         {"postgres://ct@/clicks?host=/run&sslmode=require", "has no TLS"},
		"socket folder not absolute":   {"postgres://ct@/clicks?host=run", "folder of a unix socket"},
		"host twice":                   {"postgres://ct@host/clicks?host=/run", "both"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parsePostgresURL(c.url)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want it to say %q", err, c.says)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the password is in the message: %v", err)
			}
		})
	}
}

func FuzzPostgresURL(f *testing.F) {
	f.Add("@db.example.com:5432/clicks?sslmode=require")
	f.Add("@[::1]:1/x")
	f.Add("@/x?host=/run")
	f.Add("%zz#?@:::/")
	f.Fuzz(func(t *testing.T, rest string) {
		if cfg, err := parsePostgresURL(rest); err == nil {
			newConnector(cfg, postgresTimeout)
		}
		cfg, err := parsePostgresURL("postgres://ct:hunter2" + rest)
		switch {
		case err != nil && strings.Contains(err.Error(), "hunter2") && !strings.Contains(rest, "hunter2"):
			t.Errorf("the password is in the message: %v", err)
		case err == nil && (cfg.User == "" || cfg.Addr == "" || cfg.Database == ""):
			t.Errorf("accepted, but incomplete: %+v", cfg)
		}
	})
}
