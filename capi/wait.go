package capi

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxWait bounds what an answer can make us wait. Meta's windows are an hour to a day long.
const maxWait = 24 * time.Hour

// serverDate is the answer's Date header, zero if there is none.
func serverDate(h http.Header) time.Time {
	date, _ := http.ParseTime(h.Get("Date"))
	return date
}

// askedWait is how long an answer asks us to wait, 0 to maxWait. throttled tells that the answer
// itself refuses for want of calls.
func askedWait(h http.Header, throttled bool) time.Duration {
	return max(retryAfter(h), regainAccess(h.Get("X-Business-Use-Case-Usage"), throttled))
}

// retryAfter reads seconds or a date. A date counts from the answer's own Date, so that our clock
// does not matter. Meta does not document the header; proxies send it.
func retryAfter(h http.Header) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	seconds, err := strconv.ParseUint(value, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(maxWait/time.Second))) * time.Second
	}
	until, err := http.ParseTime(value)
	from := serverDate(h)
	if err != nil || from.IsZero() {
		return 0
	}
	return min(max(until.Sub(from), 0), maxWait)
}

// usage is one entry of the header: percents of what a business may use, and minutes (Meta, Marketing
// API: Rate limiting).
type usage struct {
	CallCount float64 `json:"call_count"`
	CPUTime   float64 `json:"total_cputime"`
	TotalTime float64 `json:"total_time"`
	Regain    float64 `json:"estimated_time_to_regain_access"`
}

// regainAccess is the longest time to regain access in an X-Business-Use-Case-Usage header. As long as
// nothing refuses us, only an entry that is used up counts.
func regainAccess(header string, throttled bool) time.Duration {
	var businesses map[string][]usage
	_ = json.Unmarshal([]byte(header), &businesses) // what can be read of it counts
	minutes := 0.0
	for _, entries := range businesses {
		for _, u := range entries {
			if throttled || max(u.CallCount, u.CPUTime, u.TotalTime) >= 100 {
				minutes = max(minutes, u.Regain)
			}
		}
	}
	minutes = min(minutes, maxWait.Minutes())
	return time.Duration(math.Round(minutes * float64(time.Minute)))
}
