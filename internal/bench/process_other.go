//go:build !linux

package bench

import "syscall"

// Elsewhere than on Linux nobody tells what another process uses: the table says "-".

// dieWithUs does nothing where the kernel has no such signal: a killed bench leaves its server behind.
func dieWithUs() *syscall.SysProcAttr { return nil }

// writeOut does nothing: not every system has a call for it.
func writeOut() {}

func useOf(int) (use, error) { return use{}, nil }
