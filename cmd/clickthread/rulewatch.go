package main

// Hears that the rules folder changes. A pass over the folder every few seconds finds what this misses:
// not every file system tells.

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settleFor is how long the folder has to be quiet before it is read: editors save in several steps.
const settleFor = 200 * time.Millisecond

// watchFolder calls changed, soon after anything changed in a folder or the folders in it, until ctx ends.
// An error says that nothing is heard, or nothing any more.
func watchFolder(ctx context.Context, folder string, changed func()) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch %s: %w", folder, err)
	}
	defer func() { _ = w.Close() }()
	if err := listenTo(w, folder); err != nil {
		return fmt.Errorf("watch %s: %w", folder, err)
	}
	quiet := time.NewTimer(settleFor)
	quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-w.Events:
			if !ok {
				return fmt.Errorf("watch %s: the watcher ended", folder)
			}
			quiet.Reset(settleFor)
		case err := <-w.Errors: // such as too many changes at once: something did change
			if err == nil {
				return fmt.Errorf("watch %s: the watcher ended", folder)
			}
			quiet.Reset(settleFor)
		case <-quiet.C:
			if err := listenTo(w, folder); err != nil {
				return fmt.Errorf("watch %s: %w", folder, err)
			}
			changed()
		}
	}
}

// listenTo adds a folder and the folders in it; those that are heard already stay.
func listenTo(w *fsnotify.Watcher, folder string) error {
	if err := w.Add(folder); err != nil {
		return err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.Join(folder, e.Name())
		if info, err := os.Stat(name); err != nil || !info.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if err := w.Add(name); err != nil && !errors.Is(err, fs.ErrNotExist) { // it may be gone again
			return err
		}
	}
	return nil
}
