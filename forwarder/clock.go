package forwarder

import (
	"sync"
	"time"
)

// Clock tells the time without believing a wall clock that jumps or was wrong from the start: by a day
// ahead, every event would be too old to send, and every timer due. It follows the wall clock as long as
// that goes as fast as the steady one, and agrees with Meta's dates. Otherwise it goes on by the steady
// clock, until Meta's date agrees with the wall.
type Clock struct {
	wall   func() time.Time
	steady func() time.Duration // since any moment; never jumps

	mu    sync.Mutex
	begin time.Time     // the time at steady zero
	sure  time.Duration // on the steady clock: from when the time is sure enough to end events by
}

// maxDrift is how far the wall clock may move away between two looks and still be believed: what a time
// service corrects step by step is far less.
const maxDrift = time.Minute

const (
	// maxApart is how far the wall clock and Meta's date may be apart and the wall still be believed.
	maxApart = 5 * time.Minute
	// unheard is how long a process that nobody has told the time ends no event for its age. Machines start
	// with a wrong clock, and their time service needs a while.
	unheard = time.Hour
)

// NewClock returns a clock that believes the wall clock as it is now.
func NewClock(wall func() time.Time, steady func() time.Duration) *Clock {
	return &Clock{wall: wall, steady: steady, begin: wall().Add(-steady()), sure: steady() + unheard}
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

// Sure reports that events may be ended for their age: the wall clock is believed, and Meta's date agreed
// with it, or a while has passed without any.
func (c *Clock) Sure() bool {
	_, jumped := c.look()
	c.mu.Lock()
	defer c.mu.Unlock()
	return !jumped && c.steady() >= c.sure
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

// Hear tells the clock Meta's date, zero for none. A wall clock that is far from it is no longer believed;
// one that was not, and is nearer to it than what the clock goes by, was set right.
func (c *Clock) Hear(date time.Time) {
	if date.IsZero() {
		return
	}
	now, jumped := c.look()
	c.mu.Lock()
	defer c.mu.Unlock()
	wall, elapsed := c.wall().UTC(), c.steady()
	switch {
	case jumped && wall.Sub(date).Abs() < now.Sub(date).Abs():
		c.begin = wall.Add(-elapsed)
	case !jumped && wall.Sub(date).Abs() > maxApart:
		c.begin = date.Add(-elapsed)
	}
	c.sure = min(c.sure, elapsed)
}
