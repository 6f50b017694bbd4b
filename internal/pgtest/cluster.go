package pgtest

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/uptrace/bun/driver/pgdriver"
)

// patience is how long a cluster may take to start or stop.
const patience = 30 * time.Second

// Cluster is a private PostgreSQL. It syncs to disk as a real one does.
type Cluster struct {
	bin      string              // folder of PostgreSQL's programs
	folder   string              // data, log and unix socket
	owner    *syscall.Credential // whom the server runs as; nil: as we do
	port     int                 // on 127.0.0.1
	settings []string

	admin    *stdsql.DB // by the unix socket, so that it can only reach this cluster
	template string
	made     atomic.Int64 // databases

	server *os.Process
	exited chan struct{} // closed when the server has ended
	frozen []int
}

// Run makes a cluster and starts it. settings are lines of postgresql.conf, such as
// "max_connections=5".
func Run(settings ...string) (*Cluster, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	removeStale()
	c := &Cluster{bin: bin, settings: settings, template: "template1"}
	if err := c.init(); err != nil {
		return nil, errors.Join(fmt.Errorf("make a PostgreSQL cluster: %w", err), c.Stop())
	}
	if err := c.Start(); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

func (c *Cluster) init() (err error) {
	if c.owner, err = unprivileged(); err != nil {
		return err
	}
	if c.folder, err = os.MkdirTemp("", fmt.Sprintf("%s%d-", prefix, os.Getpid())); err != nil {
		return err
	}
	if c.owner != nil {
		if err := os.Chown(c.folder, int(c.owner.Uid), int(c.owner.Gid)); err != nil {
			return err
		}
	}
	initdb := c.command("initdb", "--pgdata="+c.Data(), "--username=postgres", "--auth=trust",
		"--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if words, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, words)
	}
	if c.port, err = freePort(); err != nil {
		return err
	}
	c.admin = stdsql.OpenDB(pgdriver.NewConnector(
		pgdriver.WithNetwork("unix"), pgdriver.WithAddr(fmt.Sprintf("%s/.s.PGSQL.%d", c.folder, c.port)),
		pgdriver.WithInsecure(true), pgdriver.WithUser("postgres"), pgdriver.WithDatabase("postgres"),
		pgdriver.WithTimeout(patience)))
	c.admin.SetMaxIdleConns(-1) // a kept connection would not survive a restart
	return nil
}

// Data is the cluster's data folder.
func (c *Cluster) Data() string { return filepath.Join(c.folder, "data") }

// PID is the process id of the postmaster, the parent of all of the server's processes.
func (c *Cluster) PID() int { return c.server.Pid }

// Start starts the server, again after StopImmediate, on the same port, and waits until it answers.
func (c *Cluster) Start() error {
	log, err := os.OpenFile(c.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the server's log: %w", err)
	}
	defer func() { _ = log.Close() }()
	args := []string{
		"-D", c.Data(), "-k", c.folder, "-h", "127.0.0.1", "-p", strconv.Itoa(c.port),
		"-c", "max_connections=200", "-c", "shared_buffers=32MB",
	}
	for _, s := range c.settings {
		args = append(args, "-c", s)
	}
	postgres := c.command("postgres", args...)
	postgres.Stdout, postgres.Stderr = log, log
	dieWithUs(postgres.SysProcAttr)

	started, exited := make(chan error), make(chan struct{})
	go func() {
		// The kernel sends the death signal when the starting thread ends, so it has to stay.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(exited)
		err := postgres.Start()
		started <- err
		if err == nil {
			_ = postgres.Wait()
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	c.server, c.exited = postgres.Process, exited
	return c.ready()
}

// ready waits until the server takes statements.
func (c *Cluster) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := c.admin.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
			continue
		case <-c.exited:
		case <-ctx.Done():
		}
		log, _ := os.ReadFile(c.logFile())
		return fmt.Errorf("postgres did not start: %w\n%s", err, log)
	}
}

// StopImmediate stops the server as a crash would (pg_ctl stop -m immediate). Start starts it again.
func (c *Cluster) StopImmediate() error { return c.end(syscall.SIGQUIT) }

// Stop stops the server and removes all it has written.
func (c *Cluster) Stop() error {
	c.Thaw()
	err := c.end(syscall.SIGINT)
	if c.admin != nil {
		err = errors.Join(err, c.admin.Close())
	}
	if c.folder != "" {
		err = errors.Join(err, os.RemoveAll(c.folder))
	}
	return err
}

func (c *Cluster) end(how syscall.Signal) error {
	if c.server == nil {
		return nil
	}
	if err := c.server.Signal(how); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop postgres: %w", err)
	}
	select {
	case <-c.exited:
		c.server = nil
		return nil
	case <-time.After(patience):
		return errors.Join(fmt.Errorf("postgres did not stop within %s", patience), c.server.Kill())
	}
}

// Freeze stops every process of the server in its tracks (SIGSTOP): connections stay open, and
// nobody answers. Thaw lets them go on.
func (c *Cluster) Freeze() error {
	rows, err := c.admin.QueryContext(context.Background(), "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
	if err != nil {
		return fmt.Errorf("list the server's processes: %w", err)
	}
	defer func() { _ = rows.Close() }()
	c.frozen = []int{c.PID()}
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			return fmt.Errorf("list the server's processes: %w", err)
		}
		c.frozen = append(c.frozen, pid)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list the server's processes: %w", err)
	}
	c.signal(syscall.SIGSTOP)
	return nil
}

// Thaw undoes Freeze.
func (c *Cluster) Thaw() {
	c.signal(syscall.SIGCONT)
	c.frozen = nil
}

// signal passes over processes that have ended on their own.
func (c *Cluster) signal(s syscall.Signal) {
	for _, pid := range c.frozen {
		_ = syscall.Kill(pid, s)
	}
}

func (c *Cluster) logFile() string { return filepath.Join(c.folder, "log") }

// command runs one of PostgreSQL's programs as the cluster's owner, in its folder.
func (c *Cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = c.folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner}
	return cmd
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
