package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/sql"
	"github.com/clickthread/clickthread/webhook"
)

// app is one server, wired: the door, the ledger and the sending loop. It decides nothing.
type app struct {
	settings configs.Settings
	accounts *account.Registry
	store    *sql.Store
	rules    *ruleFolder
	intake   *webhook.Intake
	forward  *forwarder.Forwarder
	log      *slog.Logger
	door     *webhook.Stats
	stranded gauge
	clock    *forwarder.Clock
	optOuts  optOuts
	node     string // this process, to others on the same database
	health   health
	lanes    laneWatch
}

// purpose says what an app is opened for.
type purpose int

const (
	toServe    purpose = iota // as a server
	toServeAll                // as a server, also rules whose own tests fail
	toWork                    // one job beside a running server
)

func (p purpose) serves() bool { return p != toWork }

// leaseBeyond is how much longer a lane's lease is than a request to Meta may take: time to settle. A
// node that died is taken over from when its lease is over.
const leaseBeyond = 5 * time.Second

// newApp opens the database, reads the rules and puts everything together. Close it afterwards.
func newApp(ctx context.Context, s configs.Settings, log *slog.Logger, why purpose) (*app, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	store, err := sql.Open(ctx, sql.Options{URL: s.Database, Node: host, Exclusive: why.serves(), MustExist: !why.serves()})
	if err != nil {
		return nil, unreachable(err)
	}
	begin := time.Now()
	a := &app{
		clock:    forwarder.NewClock(time.Now, func() time.Duration { return time.Since(begin) }),
		settings: s, accounts: s.Registry(), store: store, log: log, door: &webhook.Stats{},
		node: host + "/" + rand.Text()[:8],
	}
	if a.accounts, err = withTestCodes(ctx, store, a.accounts, a.clock.Now()); err != nil {
		return nil, errors.Join(unreachable(err), store.Close())
	}
	if _, err = a.optOuts.reload(ctx, store); err != nil {
		return nil, errors.Join(unreachable(err), store.Close())
	}
	if a.rules, err = openRules(ctx, s.Rules, a.accounts, store, log, why); err != nil {
		return nil, errors.Join(unreachable(err), store.Close())
	}
	if a.forward, err = a.newForwarder(); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	newID := func() uuid.UUID { return uuid.Must(uuid.NewV7()) }
	a.intake = &webhook.Intake{
		Recorder: store, Quarantine: store, Evaluations: store, Accounts: a.accounts, Wake: a.forward.Wake, Now: a.clock.Now, NewID: newID,
		Log: log, Stats: a.door, ForgetText: s.Retention.Text == 0,
		Planner: &webhook.Planner{Accounts: a.accounts, Rules: &a.rules.Library, NewID: newID, Key: store.Key, OptedOut: a.optOuts.has},
	}
	return a, nil
}

// withTestCodes tells each account until when its test code works (ledger 24).
func withTestCodes(ctx context.Context, store *sql.Store, accounts *account.Registry, now time.Time) (*account.Registry, error) {
	list := accounts.All()
	for i, a := range list {
		since, err := store.TestCodeSince(ctx, a.ID, a.TestEventCode, now)
		if err != nil {
			return nil, err
		}
		list[i].TestUntil = since.Add(account.TestCodeFor)
	}
	return account.NewRegistry(list), nil
}

func (a *app) newForwarder() (*forwarder.Forwarder, error) {
	timeout := time.Duration(a.settings.Meta.Timeout)
	return forwarder.New(forwarder.Options{
		Queue: a.store, Accounts: a.accounts, Node: a.node,
		Sender:  capi.New(capi.Options{BaseURL: a.settings.Meta.GraphURL, Version: a.settings.Meta.GraphVersion, Timeout: timeout}),
		Timeout: timeout, Lease: timeout + leaseBeyond, Clock: a.clock, Log: a.log,
	})
}

func now() time.Time { return time.Now().UTC() }

// routes mounts the public door, and the operators' routes on admin (the same server unless
// admin_listen is set).
func (a *app) routes(door, admin *echo.Echo) {
	h := &webhook.Handler{
		Intake: a.intake, AppSecrets: a.settings.Meta.AppSecrets, VerifyToken: a.settings.Meta.VerifyToken,
		Log: a.log, Stats: a.door,
	}
	h.Mount(door)
	door.GET("/healthz", a.healthz)
	admin.GET("/readyz", a.readyz)
	if admin != door {
		door.GET("/readyz", a.readyzOutside)
		admin.GET("/healthz", a.healthz)
	}
	admin.GET("/metrics", echo.WrapHandler(a.metrics()))
	door.GET("/schemas/rules.v1.json", ruleSchema)
}

// run serves until ctx ends, then stops in order: no new requests, those in flight are answered,
// calls in flight are settled, counts are written.
func (a *app) run(ctx context.Context, door, admin net.Listener) error {
	defer collectLater()()
	web := newEcho(a.settings.TrustedProxies)
	operators := web
	servers := []*http.Server{newServer(web)}
	listeners := []net.Listener{door}
	if admin != nil {
		operators = newEcho(nil)
		servers = append(servers, newServer(operators))
		listeners = append(listeners, admin)
	}
	a.routes(web, operators)

	sending, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSending()
	var work sync.WaitGroup
	work.Go(func() { _ = a.forward.Run(sending) })
	work.Go(func() { a.watchRules(sending) })
	jobs := a.startJobs(sending)

	failed := make(chan error, len(servers))
	for i, s := range servers {
		go func() { failed <- s.Serve(listeners[i]) }()
	}
	var err error
	select {
	case <-ctx.Done():
		a.log.Info("stopping: answering what is in flight")
	case err = <-failed:
	}
	stopping, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, s := range servers {
		err = errors.Join(err, s.Shutdown(stopping))
	}
	stopSending()
	<-jobs.Stop().Done()
	work.Wait()
	err = errors.Join(err, a.store.GiveBackLanes(stopping, a.forward.Node))
	if _, flushErr := a.flush(stopping); flushErr != nil {
		err = errors.Join(err, flushErr)
	}
	a.log.Info("stopped")
	return err
}

func (a *app) close() error { return a.store.Close() }

// newEcho makes a router that logs nothing by itself and never shows a panic to the outside.
func newEcho(trusted []string) *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Use(middleware.Recover())
	e.IPExtractor = echo.ExtractIPDirect()
	if len(trusted) > 0 {
		options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
		for _, t := range trusted {
			options = append(options, echo.TrustIPRange(ipNet(t)))
		}
		e.IPExtractor = echo.ExtractIPFromXFFHeader(options...)
	}
	return e
}

// ipNet reads an address or network that the settings have checked already.
func ipNet(s string) *net.IPNet {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		addr, _ := netip.ParseAddr(s)
		p = netip.PrefixFrom(addr, addr.BitLen())
	}
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// newServer bounds everything a stranger can hold open.
func newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
}

// listen opens an address from the settings.
func listen(addr string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, unreachable(fmt.Errorf("cannot listen on %s: %w", addr, err))
	}
	return ln, nil
}
