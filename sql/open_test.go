package sql

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clickthread/clickthread/attribution"
)

func TestServeHasTheDatabaseToItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "clickthread.db")
	first, err := Open(t.Context(), Options{URL: "sqlite:" + path, Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{URL: "sqlite:" + path, Exclusive: true}); !errors.Is(err, ErrLocked) {
		t.Errorf("a second serve: %v, want ErrLocked", err)
	}
	beside, err := Open(t.Context(), Options{URL: "sqlite:" + path, MustExist: true})
	if err != nil {
		t.Fatalf("a command beside serve: %v", err)
	}
	if first.Key("wamid.1") != beside.Key("wamid.1") {
		t.Error("dedupe keys differ between processes")
	}
	_ = beside.Close()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), Options{URL: "sqlite:" + path, Exclusive: true})
	if err != nil {
		t.Fatalf("the lock is free after Close: %v", err)
	}
	_ = again.Close()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the database is readable by others: %v %v", info.Mode(), err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	folder := t.TempDir()
	notADatabase := filepath.Join(folder, "text.db")
	if err := os.WriteFile(notADatabase, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, url, says string }{
		{"unknown kind", "mysql://root:secret@host/db", "is sqlite:PATH or postgres://"},
		{"missing", "sqlite:" + filepath.Join(folder, "none.db"), "no database at"},
		{"another file", "sqlite:" + notADatabase, "not a database"},
	} {
		_, err := Open(t.Context(), Options{URL: c.url, MustExist: true})
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want it to say %q", c.name, err, c.says)
		}
	}
}

func TestSettingsOfADurableLedger(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "odd name %41?.db"))
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000"} {
		var got string
		if err := s.write.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s = %s %v, want %s", pragma, got, err, want)
		}
	}
}

// served is a ledger on SQLite as serve has it open: its log is folded beside the writer.
func served(t *testing.T) *ledger {
	t.Helper()
	s, err := Open(t.Context(), Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "clickthread.db"), Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &ledger{T: t, Store: s, now: time.Now().UTC().Truncate(time.Second)}
}

// The log is folded while the server goes on, so that the writer never has to: it begins anew after each pass, also
// where a batch was written meanwhile.
func TestTheLogBeginsAnew(t *testing.T) {
	l := served(t)
	for i := range 100 {
		l.record(nil, l.message(fmt.Sprintf("before %d", i), ana, l.now))
	}
	reader, err := l.read.BeginTx(t.Context(), nil) // what is written from here on cannot be folded yet
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reader.QueryRowContext(t.Context(), "SELECT count(*) FROM messages").Scan(&n); err != nil || n != 100 {
		t.Fatalf("%d messages: %v", n, err)
	}
	for i := range 100 {
		l.record(nil, l.message(fmt.Sprintf("meanwhile %d", i), ana, l.now))
	}
	if err := errors.Join(l.folding.bulk(t.Context()), reader.Rollback(), l.folding.rest(t.Context())); err != nil {
		t.Fatal(err)
	}
	l.record(nil, l.message("after", ana, l.now))
	var busy, frames, folded int
	if err := l.read.QueryRowContext(t.Context(), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &frames, &folded); err != nil || frames > 100 {
		t.Errorf("%d frames are in the log, those of one message wanted (%v)", frames, err)
	}
}

// What is pruned counts towards the next folding of the log, as what is recorded does: else a batch folds it.
func TestPrunedRowsCountTowardsFolding(t *testing.T) {
	l := served(t)
	var batch []*attribution.Arrival
	for i := range 100 {
		click := l.message(fmt.Sprintf("m%d", i), ana, l.now.Add(-time.Hour))
		click.Referral = &attribution.Click{ClickID: fmt.Sprintf("Clid%d", i)}
		batch = append(batch, click)
	}
	l.record(nil, batch...)
	gone := l.now.Add(time.Hour)
	pruned, err := l.Prune(t.Context(), Retention{Clicks: gone, Messages: gone, Keys: gone})
	if err != nil || pruned.Total() != 300 {
		t.Fatalf("%d rows are pruned, want 300 (%v)", pruned.Total(), err)
	}
	if rows := l.folding.rows.Load(); rows != 400 {
		t.Errorf("%d rows were counted towards the next folding, want 100 messages and 300 pruned rows", rows)
	}
}
