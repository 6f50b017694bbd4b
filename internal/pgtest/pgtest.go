// Package pgtest gives tests a PostgreSQL of their own: a private cluster in a temporary folder that
// listens on loopback, asks for no password, and is gone when the test process is gone.
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		url := pgtest.Shared(t).Database(t) // empty, and this test's alone
//	}
package pgtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
)

// shared is the one cluster that all tests of this process share.
var shared struct {
	sync.Mutex
	cluster *Cluster
	err     error
}

// Shared returns the cluster of this test process; the first to ask starts it. A machine without
// PostgreSQL fails the test: skipping it would leave a promise untested.
func Shared(t testing.TB) *Cluster {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil && shared.err == nil {
		shared.cluster, shared.err = Run()
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.cluster
}

// Main runs a package's tests and stops the shared cluster after them.
func Main(m *testing.M) {
	m.Run()
	StopShared()
}

// StopShared stops the shared cluster if a test started it, for a TestMain that cannot use Main.
func StopShared() {
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil {
		return
	}
	if err := shared.cluster.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
	}
	shared.cluster = nil
}

// Database makes a database for one test, dropped when the test ends, and returns its URL. It is a
// copy of the template if there is one, else empty.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", c.made.Add(1))
	if err := c.create(name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := c.admin.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop database %s: %v", name, err)
		}
	})
	return c.URL(name)
}

// Template makes a database and lets fill put tables into it; every later Database is a copy of it,
// which is far quicker than migrating each. fill must close its connections.
func (c *Cluster) Template(fill func(url string) error) error {
	const name = "template_test"
	if err := c.create(name); err != nil {
		return err
	}
	if err := fill(c.URL(name)); err != nil {
		return fmt.Errorf("fill the template: %w", err)
	}
	c.template = name
	return nil
}

func (c *Cluster) create(database string) error {
	_, err := c.admin.ExecContext(context.Background(), "CREATE DATABASE "+database+" TEMPLATE "+c.template)
	if err != nil {
		return fmt.Errorf("create database %s: %w", database, err)
	}
	return nil
}

// URL names a database of the cluster as the settings file would.
func (c *Cluster) URL(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s", c.port, database)
}
