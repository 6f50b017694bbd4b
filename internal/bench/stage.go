package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/clickthread/clickthread/sql"
)

// stage is where one measurement takes place: a folder, an empty database, a pretend Meta and a server,
// all of which are gone after clear.
type stage struct {
	folder   string
	run      string // makes the ids of this measurement its own
	database string
	drop     func() error

	meta   *fakeMeta
	server *child
}

// newStage makes the folder and the database.
func (o Options) newStage(ctx context.Context) (*stage, error) {
	s := &stage{run: newRun()}
	folder, err := os.MkdirTemp(".", "clickthread-bench-")
	if err != nil {
		return nil, notThere(err)
	}
	if s.folder, err = filepath.Abs(folder); err != nil {
		return nil, notThere(errors.Join(err, os.RemoveAll(folder)))
	}
	s.database, s.drop = "sqlite:"+filepath.Join(s.folder, "clickthread.db"), func() error { return nil }
	if o.Database != "sqlite" {
		if s.database, s.drop, err = sql.CreateDatabase(ctx, o.Database, "clickthread_bench_"+s.run); err != nil {
			return nil, notThere(errors.Join(err, os.RemoveAll(s.folder)))
		}
	}
	return s, nil
}

// newRun names one run, so that its message ids are its own.
func newRun() string { return strings.ToLower(rand.Text()[:8]) }

// fill makes the tables and has them filled before there is a server.
func (s *stage) fill(ctx context.Context, write func(*sql.Store) error) (err error) {
	store, err := sql.Open(ctx, sql.Options{URL: s.database, Node: "bench"})
	if err != nil {
		return notThere(err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return write(store)
}

// start opens Meta and starts a server that sends to it. It returns when the server is ready. On Linux the files that were
// written before, such as a million conversations, are written out first: otherwise the kernel would do so half a minute
// later, beside the measurement, and every fsync would wait for it.
func (s *stage) start(ctx context.Context, graph http.Handler, overTLS bool, as serverKind) (err error) {
	writeOut()
	if s.meta, err = startMeta(s.folder, graph, overTLS); err != nil {
		return err
	}
	s.server, err = startChild(ctx, s.folder, s.database, s.meta, as)
	return err
}

// stop ends the server.
func (s *stage) stop() error {
	server := s.server
	s.server = nil
	return server.stop()
}

// clear ends and removes what is still there.
func (s *stage) clear() error {
	err := s.stop()
	if s.meta != nil {
		err = errors.Join(err, s.meta.server.Close())
	}
	if left := errors.Join(s.drop(), os.RemoveAll(s.folder)); left != nil {
		err = errors.Join(err, leftError{left})
	}
	return err
}

// size is how much of the disk an SQLite database takes that nobody has open, in bytes: what its
// write-ahead log held is in the file then. 0 for others.
func (s *stage) size() int64 {
	info, err := os.Stat(strings.TrimPrefix(s.database, "sqlite:"))
	if err != nil {
		return 0
	}
	return info.Size()
}
