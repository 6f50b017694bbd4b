package bench

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/clickthread/clickthread/whatsapp"
)

// sender is one connection to the server and what was sent on it. It writes HTTP by hand, because it
// shares the machine with the server, and net/http's client costs as much as the server's handler.
type sender struct {
	*load
	waba string
	rng  *rand.Rand
	out  outcome
	conn net.Conn // nil: not connected
	in   *bufio.Reader

	body, request []byte   // of the webhook that is being sent
	clicked       []int64  // shoppers whose click was answered 200
	stored        [][]byte // requests that were answered 200, to be sent again
	talk, states  []string // what shoppers say, and what statuses say
}

const (
	keptRequests = 32 // how many requests a sender may send again
	patience     = 10 * time.Second
	failedWait   = 10 * time.Millisecond // a server that refuses is not stormed
)

// errNothingSent says that a measurement was over before it began.
var errNothingSent = errors.New("there was no time to send anything")

func newSender(l *load, i int) *sender {
	return &sender{load: l, waba: l.wabas[i%len(l.wabas)], rng: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), talk: smallTalk(), states: deliveryStates()}
}

// run sends until ctx ends.
func (s *sender) run(ctx context.Context) outcome {
	defer s.hangUp()
	for ctx.Err() == nil {
		if err := s.once(ctx, s.turn(ctx)); err != nil && ctx.Err() == nil {
			s.out.failed++
			s.out.firstErr = cmp.Or(s.out.firstErr, err)
			time.Sleep(failedWait)
		}
	}
	return s.out
}

// once sends one webhook and keeps what came of it. Its time counts from begin.
func (s *sender) once(ctx context.Context, begin time.Time) error {
	if ctx.Err() != nil {
		return nil
	}
	if err := s.dial(ctx); err != nil {
		return err
	}
	w := s.choose()
	if w.kind != duplicate {
		s.write(w, begin)
	}
	status, err := s.post()
	if err != nil {
		s.hangUp()
		return fmt.Errorf("send a webhook: %w", err)
	}
	if status != http.StatusOK {
		return fmt.Errorf("a webhook was answered %d", status)
	}
	if !begin.Before(s.from) {
		s.out.took = append(s.out.took, time.Since(begin))
		s.out.sent += int64(len(s.request))
		s.answered.Add(1)
	}
	s.stands(w, begin)
	return nil
}

// chosen is the next webhook: what it is, whose, and how much was paid.
type chosen struct {
	kind    kind
	shopper int64
	cents   int64
}

// choose draws the next webhook. What needs something that is not there yet begins with that.
func (s *sender) choose() chosen {
	k := pick(s.mix, s.rng)
	clicks := s.prefilled + int64(len(s.clicked))
	switch {
	case k == duplicate && len(s.stored) == keptRequests:
		s.request = append(s.request[:0], s.stored[s.rng.IntN(keptRequests)]...)
		return chosen{kind: duplicate}
	case k == duplicate:
		return chosen{kind: organic, shopper: s.anyone()}
	case k == sale && clicks == 0:
		return chosen{kind: adClick, shopper: s.anyone()}
	case k == sale:
		n := s.rng.Int64N(clicks)
		if n >= s.prefilled {
			n = s.clicked[n-s.prefilled]
		}
		return chosen{sale, n, s.cents.Add(1)}
	}
	return chosen{kind: k, shopper: s.anyone()}
}

// anyone is a shopper: every third is new, the others have written before.
func (s *sender) anyone() int64 {
	known := s.shoppers.Load()
	if known == 0 || s.rng.IntN(3) == 0 {
		return s.shoppers.Add(1) - 1
	}
	return s.rng.Int64N(known)
}

// write makes the request. Every webhook is signed, as Meta does.
func (s *sender) write(w chosen, now time.Time) {
	f := filling{waba: s.waba, run: s.load.run, serial: s.serial.Add(1), shopper: w.shopper, at: now}
	t := s.templates.message
	switch w.kind {
	case adClick:
		t, f.text = s.templates.click, hello
	case sale:
		f.text = payment(w.cents)
	case statuses:
		t, f.text = s.templates.statuses, s.states[s.rng.IntN(len(s.states))]
	default:
		f.text = s.talk[s.rng.IntN(len(s.talk))]
	}
	s.body = t.appendTo(s.body[:0], f)
	r := append(s.request[:0], "POST "...)
	r = append(append(r, s.path()...), " HTTP/1.1\r\nHost: "...)
	r = append(append(r, s.target.Host...), "\r\nContent-Type: application/json\r\nX-Hub-Signature-256: "...)
	r = append(append(r, whatsapp.Sign(s.body, s.secret)...), "\r\nContent-Length: "...)
	r = append(strconv.AppendInt(r, int64(len(s.body)), 10), "\r\n\r\n"...)
	s.request = append(r, s.body...)
}

// stands keeps what was answered 200 and later webhooks build on.
func (s *sender) stands(w chosen, begin time.Time) {
	switch w.kind {
	case adClick:
		s.clicked = append(s.clicked, w.shopper)
	case sale:
		s.out.sales = append(s.out.sales, soldAt{w.cents, begin, time.Now()})
	case duplicate, statuses:
		return
	}
	if len(s.stored) < keptRequests {
		s.stored = append(s.stored, append([]byte(nil), s.request...))
		return
	}
	i := s.rng.IntN(keptRequests)
	s.stored[i] = append(s.stored[i][:0], s.request...)
}

// dial connects, unless that is so already.
func (s *sender) dial(ctx context.Context) (err error) {
	if s.conn != nil {
		return nil
	}
	dialer := &net.Dialer{Timeout: patience}
	host, port := s.target.Hostname(), s.target.Port()
	if s.target.Scheme == "https" {
		s.conn, err = (&tls.Dialer{NetDialer: dialer}).DialContext(ctx, "tcp", net.JoinHostPort(host, cmp.Or(port, "443")))
	} else {
		s.conn, err = dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, cmp.Or(port, "80")))
	}
	if err != nil {
		s.conn = nil
		return fmt.Errorf("connect to the server: %w", err)
	}
	s.in = bufio.NewReader(s.conn)
	return nil
}

func (s *sender) hangUp() {
	if s.conn != nil {
		_ = s.conn.Close()
	}
	s.conn = nil
}

// post sends the request and reads the answer.
func (s *sender) post() (status int, err error) {
	if err := s.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	if _, err := s.conn.Write(s.request); err != nil {
		return 0, err
	}
	answer, err := http.ReadResponse(s.in, nil)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if err = cmp.Or(err, answer.Body.Close()); err != nil {
		return 0, err
	}
	if answer.Close {
		s.hangUp()
	}
	return answer.StatusCode, nil
}
