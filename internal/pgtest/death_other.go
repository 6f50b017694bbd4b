//go:build !linux

package pgtest

import "syscall"

// dieWithUs does nothing where the kernel has no such signal: a killed test leaves its server behind.
func dieWithUs(*syscall.SysProcAttr) {}
