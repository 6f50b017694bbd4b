package sql

import (
	"context"
	stdsql "database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/driver/pgdriver"
)

// PostgreSQL by pgdriver, behind guards against what pgdriver does not notice: a server that has
// restarted, a server that hangs, and a caller whose time is up.

// postgresTimeout is how long one use of a connection lasts at most. A webhook's transaction that
// has not ended by then is answered 503, within the 3 s that a sender should wait at most.
const postgresTimeout = 2500 * time.Millisecond

var postgres = home{
	migrations: "migrations/postgres",
	dialect:    goose.DialectPostgres,
	// As text, because pgdriver gets bytes in hex, at twice their size; JSON is UTF-8.
	payload: "convert_from(payload, 'UTF8')",
	clock:   "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
	shared:  true,
}

func (s *Store) openPostgres(ctx context.Context, o Options) error {
	s.home = postgres
	config, err := parsePostgresURL(o.URL)
	if err != nil {
		return err
	}
	migrating := openPostgresForMigrations(config)
	defer func() { _ = migrating.Close() }()
	if err := s.home.prepare(ctx, migrating, o); err != nil {
		return err
	}
	s.write = bun.NewDB(openPostgres(config, postgresOptions{Prepare: forPostgres()}), pgdialect.New())
	// Reads have connections of their own, so that what looks is answered however much is written.
	s.read = bun.NewDB(openPostgres(config, postgresOptions{MaxConns: 4, Prepare: lookups}), pgdialect.New())
	return nil
}

var plainName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,60}$`)

// CreateDatabase makes an empty database on the server that a URL names, and returns its URL and what
// drops it again.
func CreateDatabase(ctx context.Context, serverURL, name string) (databaseURL string, drop func() error, err error) {
	config, err := parsePostgresURL(serverURL)
	if err != nil {
		return "", nil, err
	}
	u, err := url.Parse(serverURL)
	if err != nil {
		return "", nil, errors.New("the URL cannot be read")
	}
	if !plainName.MatchString(name) {
		return "", nil, fmt.Errorf("%q is not a plain database name", name)
	}
	db := openPostgresForMigrations(config)
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
		return "", nil, errors.Join(fmt.Errorf("create database %s: %w", name, err), db.Close())
	}
	u.Path = "/" + name
	return u.String(), func() error {
		_, err := db.ExecContext(context.WithoutCancel(ctx), "DROP DATABASE "+name+" WITH (FORCE)")
		return errors.Join(err, db.Close())
	}, nil
}

// postgresOptions say how a pool is used.
type postgresOptions struct {
	// Timeout ends every use of a connection: a statement alone, or a transaction as a whole. The
	// server ends a statement a little earlier. Default postgresTimeout.
	Timeout time.Duration
	// MaxConns is how many connections may be open; as many stay open. Default 8.
	MaxConns int
	// Prepare is what each connection plans once.
	Prepare []preparation
}

// openPostgres opens a pool. It does not connect yet.
func openPostgres(cfg postgresConfig, o postgresOptions) *stdsql.DB {
	if o.Timeout <= 0 {
		o.Timeout = postgresTimeout
	}
	if o.MaxConns <= 0 {
		o.MaxConns = 8
	}
	c := newConnector(cfg, o.Timeout)
	c.prepare = o.Prepare
	db := stdsql.OpenDB(c)
	db.SetMaxOpenConns(o.MaxConns)
	db.SetMaxIdleConns(o.MaxConns)
	return db
}

// openPostgresForMigrations opens a pool whose statements may take as long as they need: an index
// over millions of rows takes minutes. Only TCP's keepalive notices that its server is gone.
func openPostgresForMigrations(cfg postgresConfig) *stdsql.DB {
	return stdsql.OpenDB(newConnector(cfg, 0))
}

// connector opens connections. Each gets its own configuration, because pgdriver tells neither its
// dialer nor its hooks which connection they work for.
type connector struct {
	config  pgdriver.Config
	where   string // for errors
	prepare []preparation
}

var _ driver.Connector = (*connector)(nil)

func newConnector(cfg postgresConfig, timeout time.Duration) *connector {
	c := &connector{
		where: fmt.Sprintf("%s (sslmode=%s)", cfg.Addr, cfg.SSLMode),
		config: pgdriver.Config{
			Network: cfg.Network, Addr: cfg.Addr, TLSConfig: cfg.TLS,
			User: cfg.User, Password: cfg.Password.Reveal(), Database: cfg.Database, AppName: "clickthread",
			ReadTimeout: timeout, WriteTimeout: timeout,
			BufferSize: 64 << 10, // a thousand due events are read at a time; a server's error has to fit in, or it is lost
		},
	}
	if timeout > 0 {
		c.config.ConnParams = map[string]any{
			// A little earlier than we hang up, so that nothing runs on that nobody waits for.
			"statement_timeout": milliseconds(timeout * 9 / 10),
			// A process that was stopped inside a transaction must not keep its locks.
			"idle_in_transaction_session_timeout": milliseconds(2 * timeout),
			// Every statement of ours goes through an index. A planner that has no statistics yet, on a
			// young or quickly grown table, would rather read all of it: 10 ms a batch instead of 1.
			"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "enable_bitmapscan": "off", "jit": "off",
			// What is prepared is planned once, not five times first.
			"plan_cache_mode": "force_generic_plan",
		}
	}
	return c
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// Connect implements driver.Connector. It closes the socket of a connection that fails on the way,
// which pgdriver leaves open.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	s := &socket{}
	config := c.config
	config.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		s.Conn = conn
		return s, err
	}
	config.ResetSessionFunc = func(context.Context, *pgdriver.Conn) error { return s.reuse() }
	conn, err := pgdriver.NewConnector(pgdriver.WithConfig(&config)).Connect(ctx)
	if err == nil {
		err = prepareAll(ctx, conn, c.prepare)
	}
	if err != nil {
		if s.Conn != nil {
			_ = s.Close()
		}
		return nil, fmt.Errorf("connect to %s: %w", c.where, err)
	}
	s.until = time.Time{}
	return conn, nil
}

func prepareAll(ctx context.Context, conn driver.Conn, statements []preparation) error {
	for _, p := range statements {
		if _, err := conn.(driver.ExecerContext).ExecContext(ctx, p.full(), nil); err != nil {
			return fmt.Errorf("prepare %.40q: %w", p.full(), err)
		}
	}
	return nil
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return pgdriver.NewDriver() }

// socket ends each use of a connection at one moment. pgdriver sets a deadline per statement, and for
// rows, COMMIT and ROLLBACK one that knows nothing of the caller's: a server that hangs could hold a
// transaction for many times its timeout. Here the first deadline of a use stands, or an earlier one.
type socket struct {
	net.Conn
	until time.Time // when this use ends; zero: no deadline yet
}

// Read implements net.Conn. A deadline that has passed is a context.DeadlineExceeded, as callers expect.
func (s *socket) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("the database did not answer in time: %w (%w)", context.DeadlineExceeded, err)
	}
	return n, err
}

// SetReadDeadline implements net.Conn.
func (s *socket) SetReadDeadline(t time.Time) error { return s.Conn.SetReadDeadline(s.limit(t)) }

// SetWriteDeadline implements net.Conn.
func (s *socket) SetWriteDeadline(t time.Time) error { return s.Conn.SetWriteDeadline(s.limit(t)) }

func (s *socket) limit(t time.Time) time.Time {
	if s.until.IsZero() || !t.IsZero() && t.Before(s.until) {
		s.until = t
	}
	return s.until
}

// reuse begins the next use of a connection that was idle. It is ErrBadConn when the server has hung
// up or said something meanwhile, as a server that restarts does: database/sql then takes another
// connection, and no statement fails.
func (s *socket) reuse() error {
	s.until = time.Time{}
	raw, ok := s.Conn.(syscall.Conn)
	if !ok {
		return driver.ErrBadConn
	}
	rc, err := raw.SyscallConn()
	if err != nil {
		return driver.ErrBadConn
	}
	var peeked error
	err = rc.Control(func(fd uintptr) {
		_, _, peeked = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	if err != nil || !errors.Is(peeked, syscall.EAGAIN) {
		return driver.ErrBadConn
	}
	return nil
}
