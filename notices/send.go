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
	mostDue   = 100             // notices of one pass
	inFlight  = 8               // at once, so that a receiver that hangs does not hold up the others
	takenFor  = 4 * Timeout     // when a try that left no trace is made up for: the process died over it
	maxAnswer = int64(64 << 10) // bytes of an answer that are read, so that the connection serves again
)

// Outbox is where notices wait.
type Outbox interface {
	// DueNotices lists what is queued and due, the longest due first.
	DueNotices(ctx context.Context, now time.Time, limit int) ([]Notice, error)
	// TakeNotice counts a try before it is made and puts the next one off until then. It returns false
	// where another node has taken the same try.
	TakeNotice(ctx context.Context, n Notice, until time.Time) (bool, error)
	// SettleNotice writes what came of the last try.
	SettleNotice(ctx context.Context, n Notice) error
}

// Sender hands notices to their receivers. It is made by NewSender.
type Sender struct {
	SenderOptions
	receivers    map[string]Receiver
	public, open *http.Client
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
	s := &Sender{SenderOptions: o, receivers: map[string]Receiver{}, public: newClient(onlyPublic), open: newClient(nil)}
	for _, r := range o.Receivers {
		s.receivers[r.ID()] = r
	}
	return s
}

// Pass tries everything that is due once and returns how many notices were taken by their receivers.
func (s *Sender) Pass(ctx context.Context) (int, error) {
	due, err := s.Outbox.DueNotices(ctx, s.Now(), mostDue)
	if err != nil {
		return 0, fmt.Errorf("list due notices: %w", err)
	}
	var tries sync.WaitGroup
	var sent atomic.Int64
	faults := make([]error, len(due))
	slots := make(chan struct{}, inFlight)
	for i, n := range due {
		slots <- struct{}{}
		tries.Go(func() {
			defer func() { <-slots }()
			taken, err := s.try(ctx, n)
			if taken {
				sent.Add(1)
			}
			faults[i] = err
		})
	}
	tries.Wait()
	return int(sent.Load()), errors.Join(faults...)
}

// try makes one attempt and reports whether the receiver took the notice. The error is the ledger's.
func (s *Sender) try(ctx context.Context, n Notice) (bool, error) {
	if ctx.Err() != nil {
		return false, nil // stopping: the next start goes on
	}
	mine, err := s.Outbox.TakeNotice(ctx, n, s.Now().Add(takenFor))
	if err != nil || !mine {
		return false, err
	}
	n.Attempts++
	r, known := s.receivers[n.Receiver]
	if !known {
		// Tried again like any failure, because another node may have newer settings.
		n.failed(0, "its receiver is not in the settings", s.Now())
	} else if status, err := s.post(ctx, r, n); err != nil {
		n.failed(status, err.Error(), s.Now())
	} else {
		n.State, n.HTTPStatus, n.Words, n.EndedAt = Sent, status, "", s.Now()
	}
	if ctx.Err() != nil && n.State != Sent {
		return false, nil // it was us who hung up; made up for when the try is no longer taken
	}
	s.report(r, n)
	return n.State == Sent, s.Outbox.SettleNotice(context.WithoutCancel(ctx), n)
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

// report says a try that failed in one line.
func (s *Sender) report(r Receiver, n Notice) {
	switch n.State {
	case Queued:
		s.Log.Warn("notice not taken; it is tried again", "receiver", r.Name(), "kind", n.Kind, "account", n.Account,
			"attempt", n.Attempts, "words", n.Words, "again", n.Due)
	case Failed:
		s.Log.Error("notice given up", "receiver", r.Name(), "kind", n.Kind, "account", n.Account,
			"attempts", n.Attempts, "words", n.Words, "next", "mend the receiver; clickthread notices ls shows what it missed")
	}
}
