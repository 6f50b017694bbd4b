package sql

import (
	"context"
	stdsql "database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"

	"github.com/uptrace/bun"
)

// What may be repeated, and that it is. TestPostgresGuards runs these.

func broken(t *testing.T, h *hurt) {
	h.exec(t, "CREATE TABLE kept (n int)")
	attempts := 0
	err := inTx(t.Context(), h.open(t, postgresOptions{}), func(ctx context.Context, tx bun.Tx) error {
		attempts++
		if _, err := tx.ExecContext(ctx, "INSERT INTO kept VALUES (1)"); err != nil || attempts > 1 {
			return err
		}
		_, err := tx.ExecContext(ctx, "SELECT pg_terminate_backend(pg_backend_pid())")
		return err
	})
	if n := h.count(t, "SELECT count(*) FROM kept"); err != nil || attempts != 2 || n != 1 {
		t.Errorf("%v after %d attempts, %d rows; want the second to keep 1", err, attempts, n)
	}
}

func deadlock(t *testing.T, h *hurt) {
	h.exec(t, "CREATE TABLE pair AS SELECT generate_series(1, 2) AS id, 0 AS n")
	db := h.open(t, postgresOptions{})
	var first, both sync.WaitGroup // both hold their first row before either asks for the second
	first.Add(2)
	for _, order := range [][2]int{{1, 2}, {2, 1}} {
		both.Go(func() {
			met := sync.OnceFunc(func() { first.Done(); first.Wait() })
			err := inTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
				for _, id := range order {
					if _, err := tx.ExecContext(ctx, "UPDATE pair SET n = n + 1 WHERE id = ?", id); err != nil {
						return err
					}
					met()
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if n := h.count(t, "SELECT sum(n) FROM pair"); n != 4 {
		t.Errorf("%d updates, want 4", n)
	}
}

func repeatable(t *testing.T, h *hurt) {
	for code, want := range map[string]bool{
		"40001": true, "40P01": true, "25P03": true, "08006": true, "57P01": true, "57P02": true, "57P03": true,
		"23505": true, "22021": false, "42P01": false, "57014": false, "53100": false, "40003": false,
	} {
		_, err := h.admin.ExecContext(t.Context(), "DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '"+code+"'; END $$")
		if got := retryable(fmt.Errorf("insert: %w", err)); got != want {
			t.Errorf("retryable(%v) = %v", err, got)
		}
	}
	reset := &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	for _, c := range []struct {
		err  error
		want bool
	}{
		{driver.ErrBadConn, true},
		{io.EOF, true},
		{io.ErrUnexpectedEOF, true},
		{reset, true},
		{fmt.Errorf("%w: %w", errCommit, reset), false},
		{context.DeadlineExceeded, false},
		{context.Canceled, false},
		{stdsql.ErrNoRows, false},
		{nil, false},
	} {
		if got := retryable(c.err); got != c.want {
			t.Errorf("retryable(%v) = %v", c.err, got)
		}
	}
}
