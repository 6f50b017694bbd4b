package sql

import (
	"context"
	stdsql "database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/driver/pgdriver"
)

// withDeadline gives work in the database an end: a hung server is noticed by nothing else. An
// earlier deadline of the caller stands.
func withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, postgresTimeout)
}

// errCommit says that COMMIT was sent and its outcome is not known: the transaction may have been
// kept.
var errCommit = errors.New("the outcome of the commit is not known")

// inTx runs fn in a transaction, and again as repeat says; fn therefore changes nothing but the database.
func inTx(ctx context.Context, db *bun.DB, fn func(context.Context, bun.Tx) error) error {
	return repeat(ctx, false, func(ctx context.Context) error {
		committing := false
		err := db.RunInTx(ctx, &stdsql.TxOptions{}, func(ctx context.Context, tx bun.Tx) error {
			err := fn(ctx, tx)
			committing = err == nil
			return err
		})
		return classed(err, committing)
	})
}

// repeat runs a transaction under a deadline, and again when it failed in a way that left nothing behind
// and may pass: a deadlock, a connection that broke. What is idempotent may have left something behind.
func repeat(ctx context.Context, idempotent bool, once func(context.Context) error) error {
	const (
		attempts = 4
		pause    = 20 * time.Millisecond
	)
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	for attempt := 1; ; attempt++ {
		err := once(ctx)
		unknown := idempotent && errors.Is(err, errCommit) && !errors.Is(err, context.DeadlineExceeded)
		if err == nil || attempt == attempts || !retryable(err) && !unknown {
			return err
		}
		if raced(err) { // with one that has ended
			continue
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// classed says what kind of failure a transaction's error is; committing says that COMMIT may have been sent.
func classed(err error, committing bool) error {
	if e, ok := errors.AsType[pgdriver.Error](err); ok && dataClasses[e.Field('C')[:2]] {
		return dataError{err}
	}
	if err != nil && committing && !refused(err) {
		return fmt.Errorf("%w: %w", errCommit, err)
	}
	return err
}

// dataClasses are the SQLSTATE classes that belong to the rows themselves: the same rows fail again. A
// constraint (23) may be another row's doing, of another node or of the same batch: such a transaction is
// repeated first, and its notifications are then tried one by one.
var dataClasses = map[string]bool{"22": true, "23": true, "54": true}

// dataError is a refusal that the rows themselves cause.
type dataError struct{ error }

func (e dataError) Unwrap() error { return e.error }

// RefusesData tells package webhook that trying again is of no use.
func (dataError) RefusesData() bool { return true }

// refused reports whether the server itself answered, in good order, that it did not commit.
func refused(err error) bool {
	e, ok := errors.AsType[pgdriver.Error](err)
	return ok && !disconnects(e.Field('C')) && e.Field('C') != "40003" // 40003: it does not know either
}

// disconnects reports whether an SQLSTATE says that the connection broke (08), or that the server
// stops, crashed or is starting (57P0).
func disconnects(code string) bool {
	return strings.HasPrefix(code, "08") || strings.HasPrefix(code, "57P0")
}

// errRaced says that another node wrote what this transaction had read. It is begun again.
var errRaced = errors.New("another node got in between")

// retryable reports whether a transaction that failed with err may be repeated: nothing of it was
// kept, and the next attempt may pass. A timeout is not: the caller's time is used up.
//
// The codes are of PostgreSQL, Appendix A "PostgreSQL Error Codes".
func retryable(err error) bool {
	if err == nil || errors.Is(err, errCommit) {
		return false
	}
	if raced(err) {
		return true
	}
	if e, ok := errors.AsType[pgdriver.Error](err); ok {
		code := e.Field('C')
		return code == "40P01" || code == "25P03" || disconnects(code) // deadlock, idle in a transaction for too long
	}
	if e, ok := errors.AsType[net.Error](err); ok {
		return !e.Timeout()
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// raced reports whether a transaction failed because of another.
func raced(err error) bool {
	if errors.Is(err, errRaced) {
		return true
	}
	e, ok := errors.AsType[pgdriver.Error](err)
	if !ok {
		return false
	}
	// Serialization failure; unique violation: two nodes made the same contact or conversation, or took the same claim.
	return e.Field('C') == "40001" || e.Field('C') == "23505"
}
