package sql

import (
	"testing"
	"time"
)

// Ledger 24: a test code works for a day from when it was first seen, however often the server starts; one
// that was taken out, or changed, begins anew.
func testCodes(t *testing.T, l *ledger) {
	begin := l.now
	since := func(code string) time.Time {
		t.Helper()
		at, err := l.TestCodeSince(t.Context(), "shop", code, l.now)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	if got := since("TEST1"); !got.Equal(begin) {
		t.Errorf("new: since %s", got)
	}
	l.now = begin.Add(20 * time.Hour)
	if got := since("TEST1"); !got.Equal(begin) {
		t.Errorf("after a restart: since %s", got)
	}
	if got := since("TEST2"); !got.Equal(l.now) {
		t.Errorf("changed: since %s", got)
	}
	l.now = begin.Add(30 * time.Hour)
	since("")
	if got := since("TEST2"); !got.Equal(l.now) {
		t.Errorf("taken out and set again: since %s", got)
	}
}
