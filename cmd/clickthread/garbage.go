package main

import (
	"os"
	"runtime/debug"
)

// How often the server collects its garbage. It holds a few MiB while each webhook leaves some 30 KiB behind: at
// Go's default pace collecting took a fifth of the server's CPU.
const (
	collectAt = 400       // percent of what is held that may be garbage; Go's default is 100
	heapLimit = 512 << 20 // bytes, near which it is collected as often as it takes: well above 64 MiB of bodies that wait
)

// collectLater sets that pace, unless GOGC or GOMEMLIMIT in the environment say otherwise, and returns what undoes it.
func collectLater() (undo func()) {
	undo = func() {}
	if _, set := os.LookupEnv("GOGC"); set {
		return undo
	}
	percent := debug.SetGCPercent(collectAt)
	if _, set := os.LookupEnv("GOMEMLIMIT"); set {
		return func() { debug.SetGCPercent(percent) }
	}
	limit := debug.SetMemoryLimit(heapLimit)
	return func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(limit) }
}
