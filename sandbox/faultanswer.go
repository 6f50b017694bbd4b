package sandbox

// How a fault looks to the sender.

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// hugeAnswer is longer than any client should read.
const hugeAnswer = 1<<20 + 1

// wait delays the answer; it reports false if the sender has gone meanwhile.
func (f Fault) wait(ctx context.Context) bool {
	if f.DelayMS <= 0 {
		return true
	}
	timer := time.NewTimer(time.Duration(f.DelayMS) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// fails tells a fault that ends badly from no fault and from one that leaves the normal answer.
func (f Fault) fails() bool {
	normal := f.DelayMS > 0 || f.Half || f.Huge
	answered := f.Status != 0 || f.Code != 0 || f.Received != nil || f.RetryAfter > 0 || f.UsageMinutes > 0
	return f.Next > 0 && (f.Drop || answered || !normal)
}

// answer is the failing answer.
func (f Fault) answer() answer {
	status := f.Status
	if status < 200 || status > 599 {
		status = f.usualStatus()
	}
	switch {
	case f.Received != nil:
		a := newReceipt(*f.Received)
		a.status = status
		return a
	case f.Code != 0:
		no := refusal{status: status, code: f.Code, subcode: f.Subcode, message: "A fault that the sandbox was told to make"}
		if f.Named != nil {
			no.blame = []string{"data", strconv.Itoa(*f.Named)}
		}
		return no.answer()
	default:
		page := fmt.Sprintf("<html><body><h1>%d %s</h1></body></html>\n", status, http.StatusText(status))
		return answer{status: status, kind: "text/html", body: []byte(page)}
	}
}

// write sends an answer, the failing one or the normal one, as the fault says.
func (f Fault) write(w http.ResponseWriter, a answer) {
	h := w.Header()
	if a.status >= 300 && a.status < 400 {
		h.Set("Location", "/")
	}
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	if f.UsageMinutes > 0 {
		h.Set("X-Business-Use-Case-Usage", fmt.Sprintf(
			`{"190000000000002":[{"type":"ads_management","call_count":100,"total_cputime":100,"total_time":100,"estimated_time_to_regain_access":%d}]}`,
			f.UsageMinutes))
	}
	if f.Huge {
		a.body = append(a.body, bytes.Repeat([]byte(" "), hugeAnswer)...)
	}
	if f.Half { // the server closes the connection of an answer that is shorter than it promised
		h.Set("Content-Length", strconv.Itoa(len(a.body)))
		a.body = a.body[:len(a.body)/2]
	}
	a.write(w)
}

// usualStatus is what Meta sends with a code (seen in live answers), and what fits where there is none.
func (f Fault) usualStatus() int {
	switch {
	case f.Received != nil:
		return http.StatusOK
	case f.Code == 0 && (f.RetryAfter > 0 || f.UsageMinutes > 0):
		return http.StatusTooManyRequests
	case f.Code == 0:
		return http.StatusInternalServerError
	case f.Code == 1 || f.Code == 2:
		return http.StatusServiceUnavailable
	case f.Code == 4 || f.Code == 10 || f.Code >= 200 && f.Code < 300:
		return http.StatusForbidden
	case f.Code == 190:
		return http.StatusUnauthorized
	default:
		return http.StatusBadRequest
	}
}

// drop closes the connection without an answer; where the server cannot, a bare 502 comes closest.
func drop(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	_ = conn.Close()
}
