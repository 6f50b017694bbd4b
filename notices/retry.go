package notices

import (
	"net/http"
	"time"
)

// waits are the pauses between tries: ten tries in about three days (Standard Webhooks, retry schedule).
var waits = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour,
	20 * time.Hour, 24 * time.Hour,
}

// failed notes a try that was not taken, and when the next is due. There is none after the last, and
// none after 410 Gone, by which a receiver says that it wants no more.
func (n *Notice) failed(status int, words string, now time.Time) {
	n.HTTPStatus, n.Words = status, words
	if status == http.StatusGone || n.Attempts > len(waits) {
		n.State, n.EndedAt = Failed, now
		return
	}
	n.Due = now.Add(waits[n.Attempts-1])
}
