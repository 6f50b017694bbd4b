package sql

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// SQLite is the home of a single node: one writer that takes turns, readers that see the last commit.

var sqlite = home{
	migrations: "migrations/sqlite",
	dialect:    goose.DialectSQLite3,
	clock:      "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
}

func (s *Store) openSQLite(ctx context.Context, path string, o Options) error {
	s.home = sqlite
	if _, err := os.Stat(path); o.MustExist && err != nil {
		return fmt.Errorf("no database at %s; start \"clickthread serve\" first, or give the settings file it uses with --config", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the folder of %s: %w", path, err)
	}
	if o.Exclusive {
		lock, err := lockFile(path + ".lock")
		if err != nil {
			return err
		}
		s.lock = lock
	}
	if err := s.openFile(ctx, path, o); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (s *Store) openFile(ctx context.Context, path string, o Options) error {
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
	if err := s.home.prepare(ctx, write, o); err != nil || !o.Exclusive {
		return err
	}
	return s.freeLanes(ctx)
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
