package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// What one process uses, as Linux tells it under /proc.

// dieWithUs has the kernel kill a child when this process dies, however it dies.
func dieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// writeOut has the kernel write out the file data that it still holds in memory.
func writeOut() { syscall.Sync() }

// clockTick is the unit of times under /proc: 1/100 s on every architecture that Go knows.
const clockTick = 10 * time.Millisecond

// useOf reads what a process has used so far. The kernel's own rusage will not do: a child begins it
// with the memory of its parent.
func useOf(pid int) (use, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return use{}, fmt.Errorf("read what the server used: %w", err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return use{}, fmt.Errorf("read what the server used: %w", err)
	}
	const user, system = 11, 12 // fields 14 and 15, of which the first two end with the name's ")"
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	u := use{memory: kilobytes(status, "VmRSS:"), peak: kilobytes(status, "VmHWM:")}
	if len(fields) > system {
		for _, f := range [][]byte{fields[user], fields[system]} {
			ticks, _ := strconv.ParseInt(string(f), 10, 64)
			u.cpu += time.Duration(ticks) * clockTick
		}
	}
	return u, nil
}

// kilobytes finds a line such as "VmRSS:  123 kB" and gives its bytes.
func kilobytes(status []byte, key string) int64 {
	_, rest, _ := strings.Cut(string(status), key)
	line, _, _ := strings.Cut(rest, "\n")
	n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(line, "kB")), 10, 64)
	return n << 10
}
