package sql

import (
	"fmt"
	"os"
	"syscall"
)

// lockFile takes an advisory lock that the kernel gives up when the process dies, however it dies.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%w (lock file %s); stop it, or use another database", ErrLocked, path)
	}
	return f, nil
}
