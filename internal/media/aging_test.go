package media

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// agingRun gives ages tick by tick.
type agingRun struct {
	aging
	at    time.Duration
	came  time.Duration // how late packets come, by the clock of the source
	level uint8
}

// ticks are so many with what is that old, and returns how often another age was told.
func (r *agingRun) ticks(n int, age time.Duration) (tells int) {
	for range n {
		r.at += tick
		r.begins, r.due, r.known = r.at-r.came-age, r.at, true
		if r.look(r.came, time.Second, r.level) {
			tells++
		}
	}
	return tells
}

// Shows RQ-023. Another age is told in pauses only, and only if it lasts: while somebody speaks nothing of what a recorder writes is moved.
func TestAgesChangeInPauses(t *testing.T) {
	const speaks, age = 20, 30 * ms
	for name, test := range map[string]struct {
		by    time.Duration // that it is older
		speak int           // ticks of that in which somebody speaks,
		quiet int           // and in which nobody does then
		told  time.Duration
	}{
		"in speech":             {by: tick, speak: 1000, quiet: agePause - 1},
		"until a pause":         {by: tick, speak: 1000, quiet: agePause, told: tick},
		"younger in speech":     {by: -tick, speak: 1000, quiet: agePause - 1},
		"younger":               {by: -tick, speak: 1, quiet: agePause, told: -tick},
		"in a pause":            {by: tick, quiet: agePause, told: tick},
		"younger in a pause":    {by: -tick, quiet: agePause, told: -tick},
		"hardly":                {by: ageStep - 1, quiet: 100},
		"a little":              {by: ageStep, quiet: 100, told: ageStep},
		"too much at a time":    {by: 3 * tick, speak: 1000, quiet: agePause, told: ageLeap},
		"and the rest soon":     {by: 3 * tick, speak: 1000, quiet: 30, told: 3 * tick},
		"more than is for long": {by: 2 * time.Second, speak: 1000, quiet: agePause, told: ageLeap},
	} {
		t.Run(name, func(t *testing.T) {
			r := agingRun{level: speaks}
			if n := r.ticks(1000, age); n != 1 || r.told != age {
				t.Fatalf("told %d times, %v", n, r.told)
			}
			if n := r.ticks(test.speak, age+test.by); n != 0 {
				t.Errorf("told %d times in speech, %v", n, r.told)
			}
			r.level = codecs.SilenceLevel
			r.ticks(test.quiet, age+test.by)
			if got := r.told - age; got != test.told {
				t.Errorf("told to be older by %v, want %v", got, test.told)
			}
			r.level = speaks
			if n := r.ticks(1000, age); n != 0 {
				t.Errorf("told %d times when somebody spoke again", n)
			}
		})
	}
}

// Shows RQ-023. What is older for one frame only is not told; what is for two, and what is younger, is at once where nothing has been heard for a while: a clap that comes then is in
// its place.
func TestAgesChangeAtOnce(t *testing.T) {
	const age = 30 * ms
	r := agingRun{level: codecs.SilenceLevel}
	r.ticks(500, age)
	if n := r.ticks(1, age+tick) + r.ticks(500, age); n != 0 {
		t.Errorf("told %v of a single frame", r.told)
	}
	if n := r.ticks(2, age+tick); n != 1 || r.told != age+tick {
		t.Errorf("told %d times, %v", n, r.told)
	}
	r.ticks(500, age+tick)
	if n := r.ticks(1, age); n != 1 || r.told != age {
		t.Errorf("younger is told %d times, %v", n, r.told)
	}
}

// Shows RQ-023. All that comes is late for a while, as on a machine that is busy: nothing is older for that. A clock drifts while nothing is heard, for long: nothing is, either. An
// age that changes all the time is not told each time.
func TestAgesThatDoNotChange(t *testing.T) {
	const age = 30 * ms
	r := agingRun{level: codecs.SilenceLevel}
	r.ticks(500, age)
	r.came = 5 * ms
	if n := r.ticks(150, age-5*ms) + r.ticks(100, age-5*ms); n != 0 { // their frames are taken when they were before
		t.Errorf("told %v when packets were late", r.told)
	}
	r.came = 0
	r.ticks(500, age)
	r.at, r.came = r.at+10*time.Minute, 60*ms
	if n := r.ticks(500, age); n != 0 {
		t.Errorf("told %v after a pause", r.told)
	}
	n := 0
	for younger := time.Duration(0); younger < 25*ms; younger += ms {
		n += r.ticks(1, age-younger)
	}
	if n == 0 || n > int(25*tick/ageRest)+1 {
		t.Errorf("told %d times in half a second", n)
	}
}

// The first age is told at once, but no more than it is going to be for long: of what came in a burst most is left out soon. One of nothing is known, too.
func TestFirstAge(t *testing.T) {
	for _, test := range []struct{ age, most, want time.Duration }{{30 * ms, 40 * ms, 30 * ms}, {300 * ms, 40 * ms, 40 * ms}, {0, 40 * ms, 1}, {-ms, 40 * ms, -ms}} {
		a := aging{begins: time.Second - test.age, due: time.Second, known: true}
		if !a.look(0, test.most, 0) || a.told != test.want {
			t.Errorf("%v is told as %v", test.age, a.told)
		}
	}
	for _, a := range []aging{{begins: 1, due: 1}, {begins: 1, known: true}} {
		if a.look(0, time.Second, codecs.SilenceLevel) || a.told != 0 {
			t.Errorf("told %v of %+v", a.told, a)
		}
	}
}

// Shows RQ-023. The first report waits until it is known how old it is what is sent, since what was before is placed by it; but not for long. A change is told at once. A
// stream of nobody alone has no age.
func TestReportsTellAge(t *testing.T) {
	for name, test := range map[string]struct {
		alone, known bool
		least, most  time.Duration // when the first report comes
	}{
		"known after 800 ms": {alone: true, known: true, least: 800 * ms, most: 800*ms + 2*ageLook},
		"never known":        {alone: true, least: unagedFor, most: unagedFor + time.Second},
		"of nobody alone":    {known: true, most: 790 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				transport := newTestTransport(t, nil)
				s, of := openSession(t, transport), openSession(t, transport)
				if test.alone {
					s.Recount(of)
				}
				d, begin := newStand(t, s), time.Since(transport.epoch)
				send := func() {
					<-time.After(tick)
					s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
					d.read(t)
				}
				for len(d.reports) == 0 {
					if test.known && time.Since(transport.epoch)-begin >= 800*ms {
						of.age.setTime(13 * ms)
					}
					send()
				}
				if after := time.Since(transport.epoch) - begin; after < test.least || after > test.most {
					t.Errorf("the first report came after %v", after)
				}
				zero := time.Duration(transport.epoch.Unix()+ntpOffset)*time.Second + time.Duration(transport.epoch.Nanosecond()) + begin + tick
				if got := zero - d.captured(0); (got-s.SentAge()).Abs() > ms || test.alone && test.known && got < 12*ms {
					t.Errorf("the first packet is told to be %v old, age %v", got, s.SentAge())
				}
				if !test.known || !test.alone {
					return
				}
				n := len(d.reports)
				of.age.setTime(33 * ms)
				transport.service.knock()
				for range 3 {
					send()
				}
				if len(d.reports) != n+1 || (zero-d.captured(len(d.packets)-1)+time.Duration(len(d.packets)-1)*tick-33*ms).Abs() > ms {
					t.Errorf("%d reports of another age", len(d.reports)-n)
				}
				for s.Recount(nil); len(d.reports) == n+1; {
					send()
				}
				if got := zero - d.captured(len(d.packets)-1) + time.Duration(len(d.packets)-1)*tick; got.Abs() > ms {
					t.Errorf("of nobody alone, and told to be %v old", got)
				}
			})
		})
	}
}
