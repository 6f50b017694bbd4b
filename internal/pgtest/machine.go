package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// What the machine has to offer: PostgreSQL's programs, a user to run them, and no leftovers.

// prefix begins the name of every cluster's folder; the id of the test process follows.
const prefix = "clickthread-pg-"

// programs finds the folder of initdb and postgres, and has them installed when there is none.
func programs() (string, error) {
	if bin := installed(); bin != "" {
		return bin, nil
	}
	script, err := installer()
	if err != nil {
		return "", err
	}
	words, err := exec.Command(script).CombinedOutput()
	if bin := installed(); bin != "" {
		return bin, nil
	}
	return "", fmt.Errorf("these tests need PostgreSQL 15 or newer (Debian: apt-get install postgresql); scripts/postgres could not install it: %w\n%s", err, words)
}

func installed() string {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return ""
	}
	return filepath.Dir(found[len(found)-1])
}

// installer finds scripts/postgres beside go.mod, upwards from where the tests run.
func installer() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return filepath.Join(folder, "scripts", "postgres"), nil
		}
		if folder == filepath.Dir(folder) {
			return "", errors.New("these tests need PostgreSQL 15 or newer (Debian: apt-get install postgresql)")
		}
		folder = filepath.Dir(folder)
	}
}

// unprivileged is whom to run PostgreSQL as: it refuses root. It is nil when we are not root.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("id of user %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("group of user %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as")
}

// removeStale removes the folders of test processes that were killed; their servers died with them.
func removeStale() {
	folders, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	for _, folder := range folders {
		id, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(folder), prefix), "-")
		pid, err := strconv.Atoi(id)
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(folder)
		}
	}
}
