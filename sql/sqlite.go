package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	driver "modernc.org/sqlite" // registers itself as "sqlite"
	codes "modernc.org/sqlite/lib"
)

// SQLite is the home of a single node: one writer that takes turns, readers that see the last commit.

var sqlite = home{
	migrations: "migrations/sqlite",
	dialect:    goose.DialectSQLite3,
	payload:    "payload",
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
	write, err := stdsql.Open("sqlite", dsn(path, "immediate", writerCache))
	if err != nil {
		return err
	}
	s.write = bun.NewDB(write, sqlitedialect.New())
	write.SetMaxOpenConns(1)
	read, err := stdsql.Open("sqlite", dsn(path, "deferred", readerCache))
	if err != nil {
		return err
	}
	s.read = bun.NewDB(read, sqlitedialect.New())
	read.SetMaxOpenConns(4)
	if err := s.home.prepare(ctx, write, o); err != nil {
		return err
	}
	if !o.Exclusive {
		return s.prepareLite(ctx)
	}
	if err := tellPlanner(ctx, write); err != nil {
		return err
	}
	if err := s.prepareLite(ctx); err != nil {
		return err
	}
	if s.folding, err = startFolding(path, s.read, s.write); err != nil {
		return err
	}
	return s.freeLanes(ctx)
}

// folding writes the log back into the database file: most of it while the writer goes on, and what was added
// meanwhile between two batches, so that the log begins anew. The writer does it all by itself only when the log
// gets too long: a batch would wait for it.
type folding struct {
	wake, ended     chan struct{}
	stop            context.CancelFunc
	rows            atomic.Int64 // written since the last wake
	beside, between *bun.DB      // the readers, and the writer
	file            *os.File     // of the database; closed last, because closing it ends the locks that SQLite has on it
}

// foldEvery is how many rows make a log that is worth folding: new messages with all that they cause, and
// rows that were pruned.
const foldEvery = 1000

func startFolding(path string, beside, between *bun.DB) (*folding, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	f := &folding{wake: make(chan struct{}, 1), ended: make(chan struct{}), stop: stop, beside: beside, between: between, file: file}
	go func() {
		defer close(f.ended)
		for {
			select {
			case <-ctx.Done():
				return
			case <-f.wake:
				if f.bulk(ctx) == nil { // else the writer does it all, when the log is too long
					_ = f.rest(ctx)
				}
			}
		}
	}()
	return f, nil
}

const fold = "PRAGMA wal_checkpoint(PASSIVE)"

// bulk folds what is there while the writer goes on. It syncs the file, because SQLite does so when all is folded, and
// then a batch would wait for it.
func (f *folding) bulk(ctx context.Context) error {
	if _, err := f.beside.ExecContext(ctx, fold); err != nil {
		return err
	}
	return f.file.Sync()
}

// rest folds what was written meanwhile. No batch is written until it has, so that the next begins the log anew.
func (f *folding) rest(ctx context.Context) error {
	_, err := f.between.ExecContext(ctx, fold)
	return err
}

// wrote says that rows were committed.
func (f *folding) wrote(rows int) {
	if f == nil {
		return
	}
	n := f.rows.Add(int64(rows))
	if n < foldEvery || !f.rows.CompareAndSwap(n, 0) { // whoever added meanwhile wakes it
		return
	}
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *folding) end() {
	if f != nil {
		f.stop()
		<-f.ended
	}
}

// close is for when SQLite has closed its own files.
func (f *folding) close() error {
	if f == nil {
		return nil
	}
	return f.file.Close()
}

// refusesRows reports whether SQLite refused what was written, and would again: a constraint, or a value of the
// wrong kind or size. The low byte of its extended codes is the kind of error.
func refusesRows(err error) bool {
	e, ok := errors.AsType[*driver.Error](err)
	return ok && slices.Contains([]int{codes.SQLITE_CONSTRAINT, codes.SQLITE_MISMATCH, codes.SQLITE_TOOBIG}, e.Code()&0xff)
}

// tellPlanner writes statistics that hold for every ledger: an account has many rows, and the columns
// after it find few. Without any, SQLite takes an account for ten rows and reads all of them.
func tellPlanner(ctx context.Context, db *stdsql.DB) error {
	_, err := db.ExecContext(ctx, `
ANALYZE sqlite_schema;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat)
SELECT m.tbl_name, m.name, '10000000' || (
    SELECT group_concat(CASE WHEN c.name IN ('account_id', 'kind') THEN ' 1000000' ELSE ' 2' END, '')
    FROM pragma_index_info(m.name) c)
FROM sqlite_schema m WHERE m.type = 'index' AND m.tbl_name NOT LIKE 'goose%' AND m.tbl_name NOT LIKE 'sqlite%';
ANALYZE sqlite_schema;`)
	if err != nil {
		return fmt.Errorf("write the planner's statistics: %w", err)
	}
	return nil
}

// Pages in memory, in KiB. The writer touches many, because keys are random; a reader looks at few, or at all of them once.
const (
	writerCache = 16 << 10
	readerCache = 2 << 10
)

// dsn sets what a ledger needs: WAL with fsync on every commit, and a writer that takes its lock
// when the transaction begins, so that none fails half-way for want of it.
func dsn(path, txlock string, cacheKiB int) string {
	q := url.Values{"_txlock": {txlock}, "_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "secure_delete(ON)",
		// A long log, because it is folded into the file beside the writer (see folding).
		fmt.Sprintf("cache_size(-%d)", cacheKiB), "wal_autocheckpoint(8192)",
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
