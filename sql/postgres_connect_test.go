package sql

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// refusals: what a person reads when there is no connecting.
func refusals(t *testing.T, h *hurt) {
	h.exec(t, "CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
	addr, database := h.config(t).Addr, h.config(t).Database
	for _, c := range []struct{ user, database, query, says string }{
		{"nobody_here", database, "", `role "nobody_here" does not exist`},
		{"postgres", "lost", "", `database "lost" does not exist`},
		{"crowded", database, "", "too many connections"},
		{"postgres", database, "sslmode=require", "SSL is not enabled on the server"},
	} {
		h.url = fmt.Sprintf("postgres://%s@%s/%s?%s", c.user, addr, c.database, c.query)
		err := h.open(t, postgresOptions{}).PingContext(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), addr) {
			t.Errorf("%v, want it to say %q and where", err, c.says)
		}
	}
}

// verifiesTLS gives the server a certificate that no known authority has signed.
func verifiesTLS(t *testing.T, h *hurt) {
	certificate := selfSigned(t, h.Data())
	h.exec(t, "ALTER SYSTEM SET ssl = on")
	if err := errors.Join(h.StopImmediate(), h.Start()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ host, query, says string }{
		{"localhost", "sslmode=verify-full&sslrootcert=" + certificate, ""},
		{"localhost", "sslmode=require", ""}, // on loopback nobody can sit in between
		{"localhost", "sslmode=verify-full", "unknown authority"},
		{"127.0.0.1", "sslmode=verify-full&sslrootcert=" + certificate, "127.0.0.1"}, // another name
	} {
		h.url = strings.Replace(h.URL("postgres"), "127.0.0.1", c.host, 1) + "?" + c.query
		var encrypted bool
		err := h.open(t, postgresOptions{}).QueryRowContext(t.Context(),
			"SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&encrypted)
		switch {
		case c.says == "" && (err != nil || !encrypted):
			t.Errorf("%s %s: encrypted %v, %v", c.host, c.query, encrypted, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s %s: %v, want it to say %q", c.host, c.query, err, c.says)
		}
	}
}

// selfSigned puts a key and a certificate for localhost where the server looks for them, and returns
// a copy of the certificate.
func selfSigned(t *testing.T, folder string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	owner, err := os.Stat(folder)
	if err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(t.TempDir(), "ca.pem")
	for path, block := range map[string]*pem.Block{
		mine:                                {Type: "CERTIFICATE", Bytes: der},
		filepath.Join(folder, "server.crt"): {Type: "CERTIFICATE", Bytes: der},
		filepath.Join(folder, "server.key"): {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if id, ok := owner.Sys().(*syscall.Stat_t); ok && path != mine {
			if err := os.Chown(path, int(id.Uid), int(id.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return mine
}

// TestAFailedConnectLeavesNoSocket: a server that is starting refuses; were the socket left open, a
// storm of attempts would use up its connections.
func TestAFailedConnectLeavesNoSocket(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	closed := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			closed <- err
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = conn.Write(fatal("57P03", "the database system is starting up"))
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err = io.Copy(io.Discard, conn) // ends when the client closes
		closed <- err
	}()
	cfg, err := parsePostgresURL("postgres://ct@" + listener.Addr().String() + "/clicks")
	if err != nil {
		t.Fatal(err)
	}
	_, err = newConnector(cfg, postgresTimeout).Connect(t.Context())
	if err == nil || !strings.Contains(err.Error(), "starting up") || !retryable(err) {
		t.Errorf("%v, want what the server said, and that it may pass", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("the socket was left open: %v", err)
	}
}

// fatal is an ErrorResponse of PostgreSQL's protocol.
func fatal(code, words string) []byte {
	body := "SFATAL\x00VFATAL\x00C" + code + "\x00M" + words + "\x00\x00"
	return append([]byte{'E', 0, 0, 0, byte(len(body) + 4)}, body...)
}
