package notices

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	mostDue   = 500             // notices of one pass and receiver
	atOnce    = 8               // requests in flight to one receiver
	takenFor  = 4 * Timeout     // when a try that left no trace is made up for: the process died over it
	maxAnswer = int64(64 << 10) // bytes of an answer that are read, so that the connection serves again
)

// Outbox is where notices wait.
type Outbox interface {
	// DueNotices lists what is queued and due for one receiver, the longest due first.
	DueNotices(ctx context.Context, receiver string, now time.Time, limit int) ([]Notice, error)
	// TakeNotice counts a try before it is made and puts the next one off until then. It returns false
	// where another node has taken the same try.
	TakeNotice(ctx context.Context, n Notice, until time.Time) (bool, error)
	// SettleNotice writes what came of the last try.
	SettleNotice(ctx context.Context, n Notice) error
}

// Sender hands notices to their receivers. It is made by NewSender.
type Sender struct {
	SenderOptions
	public, open *http.Client // open is for receivers that may be private
}

// SenderOptions are what a Sender needs. All must be set.
type SenderOptions struct {
	Outbox    Outbox
	Receivers []Receiver
	Now       func() time.Time
	Log       *slog.Logger
}

// NewSender returns a sender that is ready for its first pass.
func NewSender(o SenderOptions) *Sender {
	return &Sender{SenderOptions: o, public: newClient(onlyPublic), open: newClient(nil)}
}

// Pass tries everything that is due once, each receiver beside the others, and returns how many notices
// were taken. What waits for a receiver that is not in the settings is left alone: another node may have
// newer settings.
func (s *Sender) Pass(ctx context.Context) (int, error) {
	var receivers sync.WaitGroup
	var taken atomic.Int64
	faults := make([]error, len(s.Receivers))
	for i, r := range s.Receivers {
		receivers.Go(func() { faults[i] = s.serve(ctx, r, &taken) })
	}
	receivers.Wait()
	return int(taken.Load()), errors.Join(faults...)
}

// serve tries what is due for one receiver. After a try without an answer the rest waits for the next
// pass, so that a receiver that hangs holds up nobody for long.
func (s *Sender) serve(ctx context.Context, r Receiver, taken *atomic.Int64) error {
	due, err := s.Outbox.DueNotices(ctx, r.ID(), s.Now(), mostDue)
	if err != nil {
		return fmt.Errorf("list due notices: %w", err)
	}
	var tries sync.WaitGroup
	var silent atomic.Bool
	faults := make([]error, len(due))
	slots := make(chan struct{}, atOnce)
	for i, n := range due {
		slots <- struct{}{}
		if silent.Load() || ctx.Err() != nil {
			break
		}
		tries.Go(func() {
			defer func() { <-slots }()
			settled, err := s.try(ctx, r, n)
			if settled.State == Sent {
				taken.Add(1)
			}
			if err != nil || settled.HTTPStatus == 0 {
				silent.Store(true)
			}
			faults[i] = err
		})
	}
	tries.Wait()
	return errors.Join(faults...)
}

// try makes one attempt, unless another node has taken it, and returns the notice as it is then. The
// error is the ledger's.
func (s *Sender) try(ctx context.Context, r Receiver, n Notice) (Notice, error) {
	mine, err := s.Outbox.TakeNotice(ctx, n, s.Now().Add(takenFor))
	if err != nil || !mine {
		return n, err
	}
	n.Attempts++
	status, err := s.post(ctx, r, n)
	switch {
	case err == nil:
		n.State, n.HTTPStatus, n.Words, n.EndedAt = Sent, status, "", s.Now()
	case ctx.Err() != nil:
		return n, nil // it was us who hung up: made up for when the try is no longer taken
	default:
		n.failed(status, err.Error(), s.Now())
		s.report(r, n)
	}
	return n, s.Outbox.SettleNotice(context.WithoutCancel(ctx), n)
}

// post makes the request (Standard Webhooks, webhook headers). The error is words for people, without
// the address, which may be secret; nil means that the receiver answered with a 2xx.
func (s *Sender) post(ctx context.Context, r Receiver, n Notice) (status int, err error) {
	key, err := Key(r.Secret)
	if err != nil {
		return 0, fmt.Errorf("the receiver's secret %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(n.Body))
	if err != nil {
		return 0, errors.New("the receiver's url cannot be read")
	}
	at := s.Now()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Clickthread")
	req.Header.Set("webhook-id", n.MessageID())
	req.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	req.Header.Set("webhook-signature", Sign(key, n.MessageID(), at, n.Body))
	client := s.public
	if r.AllowPrivate {
		client = s.open
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, unaddressed(err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return resp.StatusCode, fmt.Errorf("answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	return resp.StatusCode, nil
}

// unaddressed takes the address off an error of the HTTP client.
func unaddressed(err error) error {
	var u *url.Error
	if !errors.As(err, &u) {
		return err
	}
	if u.Timeout() {
		return fmt.Errorf("no answer within %s", Timeout)
	}
	return u.Err
}

// report says in one line that a try failed.
func (s *Sender) report(r Receiver, n Notice) {
	if n.State == Queued {
		s.Log.Warn("notice not taken; it is tried again", "receiver", r.Name(), "kind", n.Kind, "account", n.Account,
			"attempt", n.Attempts, "words", n.Words, "again", n.Due)
		return
	}
	s.Log.Error("notice given up", "receiver", r.Name(), "kind", n.Kind, "account", n.Account,
		"attempts", n.Attempts, "words", n.Words, "next", "mend the receiver; what it missed: clickthread notices ls --state failed")
}
