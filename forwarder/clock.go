package forwarder

import (
	"sync"
	"time"
)

// Clock tells the time without believing a wall clock that jumps: by a day ahead, every event would
// be too old to send, and every timer due. It follows the wall clock as long as that goes as fast as
// the steady one. After a jump it goes on by the steady clock, until Meta's own date agrees with the
// wall.
type Clock struct {
	wall   func() time.Time
	steady func() time.Duration // since any moment; never jumps

	mu    sync.Mutex
	begin time.Time // the time at steady zero
}

// maxDrift is how far the wall clock may move away between two looks and still be believed: what a time
// service corrects step by step is far less.
const maxDrift = time.Minute

// NewClock returns a clock that believes the wall clock as it is now.
func NewClock(wall func() time.Time, steady func() time.Duration) *Clock {
	return &Clock{wall: wall, steady: steady, begin: wall().Add(-steady())}
}

// Now is the time in UTC.
func (c *Clock) Now() time.Time {
	now, _ := c.look()
	return now
}

// Jumped reports that the wall clock is not believed.
func (c *Clock) Jumped() bool {
	_, jumped := c.look()
	return jumped
}

func (c *Clock) look() (now time.Time, jumped bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall, elapsed := c.wall().UTC(), c.steady()
	expected := c.begin.Add(elapsed).UTC()
	if drift := wall.Round(0).Sub(expected.Round(0)); drift.Abs() > maxDrift {
		return expected, true
	}
	c.begin = wall.Add(-elapsed)
	return wall, false
}

// Hear tells the clock what time another machine says it is. If that is nearer to the wall clock than to
// what the clock goes by, the wall clock was set right and is believed again.
func (c *Clock) Hear(other time.Time) {
	now, jumped := c.look()
	if !jumped || other.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	wall := c.wall().UTC()
	if wall.Sub(other).Abs() < now.Sub(other).Abs() {
		c.begin = wall.Add(-c.steady())
	}
}
