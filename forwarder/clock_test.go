package forwarder

// A clock that cannot be trusted, and what the loop does meanwhile.

import (
	"testing"
	"time"

	"github.com/clickthread/clickthread/capi"
)

// watch is a clock that tests set.
type watch struct{ wall, steady time.Time }

func (w *watch) clock() *Clock {
	begin := w.steady
	return NewClock(func() time.Time { return w.wall }, func() time.Duration { return w.steady.Sub(begin) })
}

// pass lets time pass as it does.
func (w *watch) pass(d time.Duration) { w.wall, w.steady = w.wall.Add(d), w.steady.Add(d) }

// jump sets the wall clock alone.
func (w *watch) jump(d time.Duration) { w.wall = w.wall.Add(d) }

// TestAClockThatJumps is fault C1: a wall clock that leaps a day, or ten years, neither ends what is queued
// nor makes it due early. When Meta's own date agrees with the wall, the wall is believed.
func TestAClockThatJumps(t *testing.T) {
	for _, leap := range []time.Duration{24 * time.Hour, -24 * time.Hour, 10 * 365 * 24 * time.Hour} {
		t.Run(leap.String(), func(t *testing.T) {
			time0 := &watch{noon, noon}
			calls, metaDate := 0, time.Time{}
			f, queue := loop(t, func(capi.Dataset, [][]byte) error {
				calls++
				return &capi.Error{HTTPStatus: 503, Code: 2, ServerDate: metaDate}
			}, func(o *Options) { o.Clock = time0.clock() })
			queue.queue("bakery", 1, noon.Add(time.Minute))
			queue.queue("florist", 1, noon)
			queue.deliveries[0].EventAt = noon
			time0.jump(leap)
			once(t, f)
			if calls != 1 || queue.count("", Expired) != 0 {
				t.Fatalf("%d calls, %d expired after the jump; want the one that was due", calls, queue.count("", Expired))
			}
			time0.pass(2 * time.Minute)
			metaDate = time0.wall
			once(t, f)
			if f.Clock.Jumped() || !f.Clock.Now().Equal(time0.wall) {
				t.Errorf("Meta's date agrees with the wall, and the clock says %s", f.Clock.Now())
			}
		})
	}
}

// TestAClockThatIsWrongFromTheStart: a machine that starts a year ahead ends nothing before anybody told it the
// time; Meta does, with the first answer, and then its date counts until the wall clock is set right.
func TestAClockThatIsWrongFromTheStart(t *testing.T) {
	time0 := &watch{noon.Add(365 * 24 * time.Hour), noon}
	metaDate := noon
	f, queue := loop(t, func(capi.Dataset, [][]byte) error {
		return &capi.Error{HTTPStatus: 400, Code: 2, ServerDate: metaDate}
	}, func(o *Options) { o.Clock = time0.clock() })
	queue.queue("bakery", 1, noon)
	queue.deliveries[0].EventAt = noon
	once(t, f)
	if !f.Clock.Now().Equal(noon) || !f.Clock.Jumped() {
		t.Errorf("Meta says %s, and the clock %s", noon, f.Clock.Now())
	}
	time0.pass(2 * time.Hour)
	once(t, f)
	if queue.count("", Expired) != 0 {
		t.Error("an event of today is ended as too old")
	}
	time0.wall = time0.steady
	time0.pass(2 * time.Hour)
	metaDate = time0.wall
	once(t, f)
	if f.Clock.Jumped() || !f.Clock.Sure() {
		t.Error("the clock was set right, and is not believed")
	}
}

// TestNobodyTellsTheTime: where Meta cannot be reached at all, what is too old ends after an hour.
func TestNobodyTellsTheTime(t *testing.T) {
	time0 := &watch{noon, noon}
	f, queue := loop(t, func(capi.Dataset, [][]byte) error { return serviceDown }, func(o *Options) { o.Clock = time0.clock() })
	queue.queue("bakery", 1, noon.Add(-SendableFor))
	for _, step := range []struct {
		pass    time.Duration
		expired int
	}{{time.Minute, 0}, {unheard, 1}} {
		time0.pass(step.pass)
		once(t, f)
		if n := queue.count("", Expired); n != step.expired {
			t.Errorf("%s after the start %d have expired, want %d", time0.wall.Sub(noon), n, step.expired)
		}
	}
}

// TestATimeServiceIsFollowed: small steps are believed, however far they lead in the end.
func TestATimeServiceIsFollowed(t *testing.T) {
	time0 := &watch{noon, noon}
	clock := time0.clock()
	for range 120 {
		time0.pass(time.Minute)
		time0.jump(30 * time.Second)
		if clock.Jumped() {
			t.Fatal("half a minute is no jump")
		}
	}
	if got := clock.Now(); !got.Equal(noon.Add(3 * time.Hour)) {
		t.Errorf("the clock says %s", got)
	}
}
