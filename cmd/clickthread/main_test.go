package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/clickthread/clickthread/internal/pgtest"
)

// TestMain lets the test binary be the program itself under the name "clickthread".
func TestMain(m *testing.M) {
	testscript.Main(withCluster{m}, map[string]func(){"clickthread": main})
}

// withCluster stops the PostgreSQL that tests started, whatever they came to.
type withCluster struct{ *testing.M }

// Run implements testscript.TestingM.
func (m withCluster) Run() int {
	defer pgtest.StopShared()
	return m.M.Run()
}
