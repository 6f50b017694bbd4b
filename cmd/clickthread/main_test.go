package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be the program itself under the name "clickthread".
func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"clickthread": main}) }
