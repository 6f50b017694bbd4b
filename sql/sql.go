// Package sql keeps the ledger: it is the only package that knows bun and SQL.
//
// One file per aggregate; rows are private structs that never leave the package. What one
// notification or batch causes is read, decided and written in one transaction (record.go); the
// forwarder's side is queue.go. SQLite is the home of a single node; its one writer takes turns,
// its readers see the last commit.
package sql

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	stdsql "database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// Store is an open database.
type Store struct {
	write *bun.DB // one connection: SQLite has one writer
	read  *bun.DB
	node  string
	salt  []byte // the installation's key for dedupe keys
	lock  *os.File

	quarantined atomic.Int64 // rows put into quarantine by this process
}

// Options say which database and for whom it is opened.
type Options struct {
	// URL is "sqlite:PATH"; PATH is relative to the working directory.
	URL string
	// Node names this machine in counters.
	Node string
	// Exclusive takes the lock file beside the database, as serve does. What a crashed process left
	// leased is free at once then, because nobody else can be running.
	Exclusive bool
	// MustExist is for commands beside a server: it makes no database, and changes no table of one
	// that a program of another version made.
	MustExist bool
}

// ErrLocked says that another serve is running on the same database.
var ErrLocked = errors.New("another clickthread is running on this database")

// Open opens the database, makes or upgrades its tables, and reads the installation's key.
func Open(ctx context.Context, o Options) (*Store, error) {
	path, ok := strings.CutPrefix(o.URL, "sqlite:")
	if !ok || path == "" {
		return nil, fmt.Errorf("database %q: only sqlite:PATH is supported in this version", maskURL(o.URL))
	}
	if _, err := os.Stat(path); o.MustExist && err != nil {
		return nil, fmt.Errorf("no database at %s; start \"clickthread serve\" first, or give the settings file it uses with --config", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the database's folder: %w", err)
	}
	s := &Store{node: o.Node}
	if o.Exclusive {
		lock, err := lockFile(path + ".lock")
		if err != nil {
			return nil, fmt.Errorf("database %s: %w", path, err)
		}
		s.lock = lock
	}
	if err := s.open(ctx, path, o); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, err), s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, path string, o Options) error {
	if err := privateFile(path); err != nil {
		return err
	}
	write, err := stdsql.Open("sqlite", dsn(path, "immediate"))
	if err != nil {
		return err
	}
	s.write = bun.NewDB(write, sqlitedialect.New())
	write.SetMaxOpenConns(1)
	read, err := stdsql.Open("sqlite", dsn(path, "deferred"))
	if err != nil {
		return err
	}
	s.read = bun.NewDB(read, sqlitedialect.New())
	read.SetMaxOpenConns(4)
	upgrade := migrate
	if o.MustExist {
		upgrade = checkVersion
	}
	if err := upgrade(ctx, write); err != nil {
		return err
	}
	if s.salt, err = s.installationKey(ctx); err != nil {
		return err
	}
	if o.Exclusive {
		return s.freeLanes(ctx)
	}
	return nil
}

// dsn sets what a ledger needs: WAL with fsync on every commit, and a writer that takes its lock
// when the transaction begins, so that none fails half-way for want of it.
func dsn(path, txlock string) string {
	q := url.Values{"_txlock": {txlock}, "_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "secure_delete(ON)",
	}}
	return (&url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: q.Encode()}).String()
}

// privateFile makes the database file readable by its owner only before SQLite creates it.
func privateFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Close closes the database and gives up the lock.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*bun.DB{s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// Ping checks that the database takes writes: only then can a webhook be stored.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.write.ExecContext(ctx,
		"INSERT INTO installation (name, value) VALUES ('ping', 'x') ON CONFLICT (name) DO UPDATE SET value = excluded.value")
	return err
}

// Key is the dedupe key of a message id: a keyed hash, because a message id holds the shopper's
// phone number in base64 (ledger 3).
func (s *Store) Key(messageID string) [16]byte {
	mac := hmac.New(sha256.New, s.salt)
	mac.Write([]byte(messageID))
	return [16]byte(mac.Sum(nil))
}

// installationKey reads the key that dedupe keys are made with; the first to ask makes it.
func (s *Store) installationKey(ctx context.Context) ([]byte, error) {
	fresh := make([]byte, 32)
	if _, err := rand.Read(fresh); err != nil {
		return nil, fmt.Errorf("make the installation's key: %w", err)
	}
	if _, err := s.write.ExecContext(ctx,
		"INSERT INTO installation (name, value) VALUES ('dedupe', ?) ON CONFLICT DO NOTHING", fresh); err != nil {
		return nil, fmt.Errorf("store the installation's key: %w", err)
	}
	var key []byte
	if err := s.write.QueryRowContext(ctx, "SELECT value FROM installation WHERE name = 'dedupe'").Scan(&key); err != nil {
		return nil, fmt.Errorf("read the installation's key: %w", err)
	}
	return key, nil
}

// maskURL hides a password in a database URL.
func maskURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "(unreadable)"
	}
	return u.Redacted()
}

// micros is how times are stored; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// asUUID reads an id column; NULL and anything of another length is the zero id.
func asUUID(b []byte) uuid.UUID {
	id, err := uuid.FromBytes(b)
	if err != nil {
		return uuid.Nil
	}
	return id
}

// maybeID writes a zero id as NULL.
func maybeID(id uuid.UUID) []byte {
	if id == uuid.Nil {
		return nil
	}
	return id[:]
}
