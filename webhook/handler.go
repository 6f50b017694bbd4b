// Package webhook is the door: it verifies what Meta posts, decodes it, plans what follows, has it
// recorded, and answers. A 200 means stored; anything else is Meta's cue to send again.
package webhook

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"sync/atomic"

	"github.com/labstack/echo/v4"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/whatsapp"
)

// Path is where Meta's subscription points to.
const Path = "/webhooks/whatsapp"

// MaxBody is the largest notification we read: Meta documents 3 MB.
const MaxBody = 4 << 20

// Handler answers Meta's webhook subscription.
type Handler struct {
	Intake      *Intake
	AppSecrets  []account.Secret // several while one is being rotated, or for several apps
	VerifyToken account.Secret
	Log         *slog.Logger
	Stats       *Stats
}

// Stats counts what came to the door since the start, for metrics.
type Stats struct {
	Notifications atomic.Int64 // recorded and answered 200
	BadSignature  atomic.Int64 // 401
	TooLarge      atomic.Int64 // 413
	Failed        atomic.Int64 // 503: storage was away
	Busy          atomic.Int64 // 503: too many were waiting
	Quarantined   atomic.Int64 // bodies, or parts of one, put into quarantine
	Batches       atomic.Int64 // transactions
	Messages      atomic.Int64 // new messages
	Duplicates    atomic.Int64 // messages seen before
}

// Mount adds the routes.
func (h *Handler) Mount(e *echo.Echo) {
	e.GET(Path, h.challenge)
	e.POST(Path, h.receive)
}

// plainChallenge is what Meta's challenges look like; nothing else is ever echoed.
var plainChallenge = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// challenge proves to Meta that the address is ours (Meta, "Create a webhook endpoint").
func (h *Handler) challenge(c echo.Context) error {
	token := c.QueryParam("hub.verify_token")
	challenge := c.QueryParam("hub.challenge")
	if c.QueryParam("hub.mode") != "subscribe" || h.VerifyToken == "" ||
		subtle.ConstantTimeCompare([]byte(token), []byte(h.VerifyToken.Reveal())) != 1 {
		h.Log.Warn("webhook verification refused: hub.mode or hub.verify_token is not ours", "remote", c.RealIP())
		return c.String(http.StatusForbidden, "verify token does not match\n")
	}
	if !plainChallenge.MatchString(challenge) {
		h.Log.Warn("webhook verification refused: the token is right, but hub.challenge is not a plain word", "remote", c.RealIP())
		return c.String(http.StatusForbidden, "challenge is not a plain word\n")
	}
	c.Response().Header().Set(echo.HeaderXContentTypeOptions, "nosniff")
	return c.String(http.StatusOK, challenge)
}

// receive takes one notification: 401 unsigned, 413 too large, 503 not stored, 200 stored.
func (h *Handler) receive(c echo.Context) error {
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, MaxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		h.Stats.TooLarge.Add(1)
		return c.String(http.StatusRequestEntityTooLarge, "notification over 4 MiB\n")
	}
	if err != nil {
		return c.String(http.StatusBadRequest, "body ended early\n")
	}
	if !h.signed(c.Request().Header, body) {
		h.Stats.BadSignature.Add(1)
		h.Log.Warn("webhook refused: X-Hub-Signature-256 is missing or wrong; is meta.app_secrets the secret of this app?",
			"remote", c.RealIP(), "bytes", len(body))
		return c.String(http.StatusUnauthorized, "signature missing or wrong\n")
	}
	// The sender may hang up; what it sent is recorded all the same.
	err = h.Intake.Receive(context.WithoutCancel(c.Request().Context()), body)
	if errors.Is(err, ErrBusy) {
		h.Stats.Busy.Add(1)
		c.Response().Header().Set(echo.HeaderRetryAfter, "1")
		return c.String(http.StatusServiceUnavailable, "busy, send again\n")
	}
	if err != nil {
		h.Stats.Failed.Add(1)
		h.Log.Error("notification not stored; Meta will send it again", "error", err, "bytes", len(body))
		c.Response().Header().Set(echo.HeaderRetryAfter, "5")
		return c.String(http.StatusServiceUnavailable, "not stored, send again\n")
	}
	h.Stats.Notifications.Add(1)
	return c.String(http.StatusOK, "")
}

// signed checks the signature over the raw bytes. Two signature headers are none.
func (h *Handler) signed(header http.Header, body []byte) bool {
	values := header.Values("X-Hub-Signature-256")
	if len(values) != 1 {
		return false
	}
	secrets := make([]string, len(h.AppSecrets))
	for i, s := range h.AppSecrets {
		secrets[i] = s.Reveal()
	}
	return whatsapp.Verify(body, values[0], secrets...)
}
