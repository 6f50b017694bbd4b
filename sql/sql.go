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
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"
)

// Store is an open database.
type Store struct {
	write *bun.DB
	read  *bun.DB
	home  home
	node  string
	salt  []byte // the installation's key for dedupe keys
	lock  *os.File

	prepared map[string]*stdsql.Stmt // of SQLite's writer, by name; nil on a shared database
	folding  *folding                // of SQLite's log; nil on a shared database
}

// home is what the two databases do differently.
type home struct {
	migrations string // folder below migrations/
	dialect    goose.Dialect
	clock      string // SQL for the database's clock in microseconds
	payload    string // SQL for an event's bytes, as they are read fastest
	shared     bool   // several nodes may have it open: transactions may have to be repeated
}

// Options say which database and for whom it is opened.
type Options struct {
	// URL is "sqlite:PATH", with PATH relative to the working directory, or
	// "postgres://user:password@host/database".
	URL string
	// Node names this machine in counters.
	Node string
	// Exclusive takes the lock file beside an SQLite database, as serve does. What a crashed process
	// left leased is free at once then, because nobody else can be running.
	Exclusive bool
	// MustExist is for commands beside a server: it makes no database, and changes no table of one
	// that a program of another version made.
	MustExist bool
}

// ErrLocked says that another serve is running on the same database.
var ErrLocked = errors.New("another clickthread is running on this database")

// Open opens the database, makes or upgrades its tables, and reads the installation's key.
func Open(ctx context.Context, o Options) (*Store, error) {
	if err := CheckURL(o.URL); err != nil {
		return nil, err
	}
	s := &Store{node: o.Node}
	var err error
	if path, ok := strings.CutPrefix(o.URL, "sqlite:"); ok {
		err = s.openSQLite(ctx, path, o)
	} else {
		err = s.openPostgres(ctx, o)
	}
	if err == nil {
		s.salt, err = s.installationKey(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), s.Close())
	}
	return s, nil
}

// CheckURL says what is wrong with a database's address, without the password that it may hold.
func CheckURL(raw string) error {
	if path, ok := strings.CutPrefix(raw, "sqlite:"); ok && path != "" {
		return nil
	}
	if kind, _, _ := strings.Cut(raw, ":"); kind != "postgres" && kind != "postgresql" {
		return errors.New("the database is sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE")
	}
	_, err := parsePostgresURL(raw)
	return err
}

// Where is a database's address for people: without the password that it may hold.
func Where(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "(unreadable)"
	}
	return u.Redacted()
}

// Shared reports whether several nodes may have this database open.
func (s *Store) Shared() bool { return s.home.shared }

// inTx runs fn in one transaction; on a shared database again where another node got in between, so
// fn changes nothing but the database.
func (s *Store) inTx(ctx context.Context, fn func(context.Context, bun.Tx) error) error {
	if s.home.shared {
		return inTx(ctx, s.write, fn)
	}
	err := s.write.RunInTx(ctx, &stdsql.TxOptions{}, fn)
	if refusesRows(err) {
		return dataError{err}
	}
	return err
}

// dbNow is SQL for the database's clock in microseconds; only leases are compared with it.
func (s *Store) dbNow() string { return s.home.clock }

// Close closes the database and gives up the lock.
func (s *Store) Close() error {
	var errs []error
	s.folding.end()
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	if s.write != nil {
		errs = append(errs, s.write.Close())
	}
	errs = append(errs, s.folding.close())
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

// Reads checks that the database answers.
func (s *Store) Reads(ctx context.Context) error {
	var one int
	return s.read.NewRaw("SELECT 1").Scan(ctx, &one)
}

// Key is the dedupe key of a message id: a keyed hash, because a message id holds the shopper's
// phone number in base64 (ledger 3).
func (s *Store) Key(messageID string) [16]byte {
	mac := hmac.New(sha256.New, s.salt)
	mac.Write([]byte(messageID))
	return [16]byte(mac.Sum(nil))
}

// installationKey reads the key that dedupe keys are made with; the first to ask makes it. Later ones
// only read: a command that looks must not wait for the writer.
func (s *Store) installationKey(ctx context.Context) ([]byte, error) {
	const read = "SELECT value FROM installation WHERE name = 'dedupe'"
	var key []byte
	err := s.read.QueryRowContext(ctx, read).Scan(&key)
	if errors.Is(err, stdsql.ErrNoRows) {
		fresh := make([]byte, 32)
		if _, err := rand.Read(fresh); err != nil {
			return nil, fmt.Errorf("make the installation's key: %w", err)
		}
		if _, err := s.write.ExecContext(ctx,
			"INSERT INTO installation (name, value) VALUES ('dedupe', ?) ON CONFLICT DO NOTHING", fresh); err != nil {
			return nil, fmt.Errorf("store the installation's key: %w", err)
		}
		err = s.read.QueryRowContext(ctx, read).Scan(&key) // another node may have been first
	}
	if err != nil {
		return nil, fmt.Errorf("read the installation's key: %w", err)
	}
	return key, nil
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
