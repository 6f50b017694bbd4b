package configs

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a time span as people write it: "10s", "36h", "7d", or 0.
type Duration time.Duration

// UnmarshalText reads a span. Days are 24 hours. Negative spans are refused.
func (d *Duration) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err == nil && n >= 0 && n <= 100_000 {
			*d = Duration(time.Duration(n) * 24 * time.Hour)
			return nil
		}
	} else if s == "0" {
		*d = 0
		return nil
	} else if span, err := time.ParseDuration(s); err == nil && span >= 0 {
		*d = Duration(span)
		return nil
	}
	return fmt.Errorf("%q is not a time span; write one like 10s, 36h or 7d", s)
}

// String prints the span as time.Duration does.
func (d Duration) String() string { return time.Duration(d).String() }
