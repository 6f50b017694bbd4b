package bench

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/clickthread/clickthread/sandbox"
)

// shopToken is what the pretend Meta lets write.
const shopToken = "bench-token"

// metaPatience is how long we wait for events that do not come.
const metaPatience = 30 * time.Second

// fakeMeta is the pretend Meta of one measurement, in this process.
type fakeMeta struct {
	server *http.Server
	url    string
	roots  string // file with the certificate that the server has to trust; "" without TLS
}

// newGraph is a Meta that judges events and keeps them, or refuses the token.
func newGraph(refusesToken bool) *sandbox.Graph {
	options := sandbox.Options{Datasets: []string{shops(1)[0].dataset}, Tokens: []string{shopToken}, Now: now}
	if refusesToken {
		options.Tokens = []string{"of-somebody-else"}
	}
	return sandbox.NewGraph(options)
}

// startMeta opens the pretend Meta on loopback.
func startMeta(folder string, graph http.Handler, overTLS bool) (*fakeMeta, error) {
	m := &fakeMeta{server: &http.Server{Handler: graph, ReadHeaderTimeout: 5 * time.Second}}
	door, err := listen()
	if err != nil {
		return nil, err
	}
	m.url = "http://" + door.Addr().String()
	if !overTLS {
		go func() { _ = m.server.Serve(door) }()
		return m, nil
	}
	m.url = "https://" + door.Addr().String()
	m.roots = filepath.Join(folder, "meta.pem")
	certificate, err := selfSigned(m.roots)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make Meta's certificate: %w", err), door.Close())
	}
	m.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	go func() { _ = m.server.ServeTLS(door, "", "") }()
	return m, nil
}

func listen() (net.Listener, error) {
	door, err := net.Listen("tcp", "127.0.0.1:0")
	return door, notThere(err)
}

func now() time.Time { return time.Now().UTC() }

// selfSigned makes a certificate for loopback and writes it where the server finds it.
func selfSigned(file string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "clickthread bench"},
		NotBefore: now().Add(-time.Hour), NotAfter: now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(file, block, 0o600); err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// awaitEvents waits, for metaPatience at most, until Meta has as many events as there were payments.
func awaitEvents(ctx context.Context, graph *sandbox.Graph, payments int) error {
	ctx, cancel := context.WithTimeout(ctx, metaPatience)
	defer cancel()
	for len(graph.Events()) < payments && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil // what is missing is counted, and says more than an error
	}
	return ctx.Err()
}

// arrivals is what became of the payments at Meta.
type arrivals struct {
	delays  []time.Duration // from the sending of a measured webhook to the event at Meta, sorted
	within  int             // events that came during the measurement
	missing int             // payments answered 200 without an event
	doubled int             // events more than one for a payment
}

// arrived compares what Meta holds with what was paid, in the measurement that l was.
func arrived(graph *sandbox.Graph, l *load, sales []soldAt) arrivals {
	var a arrivals
	at := map[int64]time.Time{}
	for _, taken := range graph.Events() {
		cents := centsOf(taken.Event)
		if _, again := at[cents]; again {
			a.doubled++
			continue
		}
		at[cents] = taken.ReceivedAt
		if !taken.ReceivedAt.Before(l.from) && taken.ReceivedAt.Before(l.until) {
			a.within++
		}
	}
	for _, s := range sales {
		received, there := at[s.cents]
		if !there {
			a.missing++
		} else if !s.at.Before(l.from) {
			a.delays = append(a.delays, received.Sub(s.at))
		}
	}
	slices.Sort(a.delays)
	return a
}

// centsOf reads the amount of an event, by which its payment is found.
func centsOf(event []byte) int64 {
	var e struct {
		Custom struct {
			Value json.Number `json:"value"`
		} `json:"custom_data"`
	}
	_ = json.Unmarshal(event, &e) // the pretend Meta took it, so it is JSON
	value, _ := strconv.ParseFloat(e.Custom.Value.String(), 64)
	return int64(math.Round(value * 100)) // an identity here, not money
}
