package media

import (
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

var sweep = flag.Bool("sweep", false, "look at the steadiness of delays for ten minutes at phases a quarter of a millisecond apart, instead of two at 1 ms")

const us = time.Microsecond

// lateness is how late packets leave, as quantiles: between two of them it is as likely as not.
type lateness []struct {
	share float64
	late  time.Duration
}

// draw gives that of a packet.
func (l lateness) draw(random *rand.Rand) time.Duration {
	share := random.Float64()
	i := 1
	for share > l[i].share {
		i++
	}
	a, b := l[i-1], l[i]
	return a.late + time.Duration(float64(b.late-a.late)*(share-a.share)/(b.share-a.share))
}

var (
	// punctual is what has a timer of its own.
	punctual = lateness{{0, 0}, {0.99, 100 * us}, {0.9999, 300 * us}, {1, 500 * us}}
	// program is a Go program on a quiet machine, whose timers are of 1 ms, and which now and then does not get a processor at once.
	program = lateness{{0, 0}, {0.99, 1100 * us}, {0.999, 1500 * us}, {0.9995, 4 * ms}, {1, 14 * ms}}
	// busy is the same where five others wait for two processors: what the kernel stamped in `loadbench -only failover`.
	busy = lateness{{0, 0}, {0.1, 80 * us}, {0.5, 520 * us}, {0.9, 1075 * us}, {0.99, 4500 * us}, {0.999, 16 * ms}, {1, 40 * ms}}
	// wireless is a network that others use as well.
	wireless = lateness{{0, 0}, {0.5, 1500 * us}, {0.9, 5 * ms}, {0.99, 12 * ms}, {0.999, 30 * ms}, {1, 60 * ms}}
)

// steadyCall is a call whose packets come at a phase of the ticks.
type steadyCall struct {
	late        lateness
	phase       time.Duration // by which the first tick is later than the first packet
	length      time.Duration
	talk, pause time.Duration // are heard in turn; no pause: he never pauses
	drift       float64       // of the clock of the far end
	seed        uint64
}

// steadiness is how a call was heard.
type steadiness struct {
	ticks, concealed int
	changes          int           // of the delay, by a frame each
	cut              time.Duration // of speech that was left out
	delays           []time.Duration
	off              int // ticks at which a recorder would place by more than 5 ms wrongly what is heard
}

func (s *steadiness) add(more steadiness) {
	s.ticks, s.concealed, s.changes, s.off = s.ticks+more.ticks, s.concealed+more.concealed, s.changes+more.changes, s.off+more.off
	s.cut, s.delays = s.cut+more.cut, append(s.delays, more.delays...)
}

// minutes is how long that was.
func (s *steadiness) minutes() float64 { return (time.Duration(s.ticks) * tick).Minutes() }

// quantile of the delays in ms.
func (s *steadiness) quantile(q float64) float64 {
	slices.Sort(s.delays)
	return s.delays[int(q*float64(len(s.delays)-1))].Seconds() * 1000
}

// steadyEar listens to a call.
type steadyEar struct {
	*listener
	steadiness
	age            aging
	recorded       [4]time.Duration // what age a recorder has been told of, some packets later
	anchor, before time.Duration    // the lag after the last change, and at the last tick
}

// firstUnit is the timestamp of the first packet of a call.
const firstUnit = 1000

// play plays the call.
func (c *steadyCall) play(tb testing.TB) *steadyEar {
	tb.Helper()
	random := rand.New(rand.NewPCG(c.seed, uint64(c.phase)))
	ear := &steadyEar{listener: newListener(tb, 0, testMax, codecs.PCMU)}
	loud, hush := speech(tb, false)(0, 160), slices.Repeat([]byte{0xFF}, 160)
	sent, arrival := time.Duration(0), c.late.draw(random)
	for i, due := 0, c.phase; due < c.length; due += tick {
		now := due + punctual.draw(random)
		for arrival <= now {
			p := arrivedPacket{seq: uint16(i), timestamp: uint32(firstUnit + 160*i), units: 160, payload: loud}
			if c.pause > 0 && sent%(c.talk+c.pause) >= c.talk {
				p.payload = hush
			}
			ear.push(flight{p, arrival})
			i++
			sent = time.Duration(float64(i) * float64(tick) / (1 + c.drift))
			arrival = max(arrival, sent+c.late.draw(random))
		}
		ear.hear(due, now, c.drift)
	}
	return ear
}

// hear takes the frame of a tick, and looks at its delay, as a recorder of separate streams does who is told of ages.
func (e *steadyEar) hear(due, now time.Duration, drift float64) {
	j := &e.player.jitter
	e.age.look(j.window.base, j.required()+tick+shrinkGuard, e.player.last)
	copy(e.recorded[1:], e.recorded[:])
	e.recorded[0], e.age.known = e.age.told, false
	var pcm [codecs.MaxFrameSamples]int16
	f := e.player.frame(pcm[:], now)
	e.age.take(j, e.player.queued())
	e.age.due = due
	if !j.playing {
		return
	}
	position := j.duration(j.next - int64(e.player.queued()) - 1<<32 - firstUnit)
	delay, lag := due+tick-time.Duration(float64(position)/(1+drift)), due-position // which changes by what is left out and made up only
	if e.steadiness.ticks++; e.steadiness.ticks == 1 {
		e.anchor, e.before = lag, lag
	}
	if f.Flags.Has(codecs.Concealed) {
		e.concealed++
	}
	if f.Level < quietLevel {
		e.cut += max(e.before-lag, 0)
	}
	for e.before = lag; (lag - e.anchor).Abs() >= 15*ms; e.changes++ {
		if lag > e.anchor {
			e.anchor += tick
		} else {
			e.anchor -= tick
		}
	}
	if f.Flags != 0 {
		return
	}
	e.steadiness.delays = append(e.steadiness.delays, delay)
	if now > time.Second && (delay-e.recorded[len(e.recorded)-1]).Abs() > 5*ms {
		e.off++
	}
}

// At whatever phase the packets of a caller come, the delay stays as it is where it can, and what is heard is what was said. The table is what docs/audio.md says of it; with -v it is
// printed.
func TestDelayIsSteady(t *testing.T) {
	step, length := ms, 2*time.Minute
	if *sweep {
		step, length = 250*us, 10*time.Minute
	}
	for _, test := range []struct {
		name        string
		late        lateness
		talk, pause time.Duration
		// At most; all but delays in a minute.
		changes, concealed float64
		cut                time.Duration
		off                float64 // share of frames
		p50, p99           float64 // delay, ms
	}{
		{"punctual, pauses", punctual, 3 * time.Second, time.Second, 0.1, 0.02, 0, 0, 11.5, 21.5},
		{"punctual, no pauses", punctual, time.Second, 0, 0.1, 0.02, 0, 0, 11.5, 21.5},
		{"program, pauses", program, 3 * time.Second, time.Second, 1.2, 0.7, 3 * ms, 0.02, 15, 31},
		{"program, no pauses", program, time.Second, 0, 0.7, 0.6, 6 * ms, 1, 19, 33},
		{"program, claps", program, 20 * ms, 980 * ms, 1.2, 0.7, ms, 0.004, 15, 31},
		{"busy, pauses", busy, 3 * time.Second, time.Second, 7.5, 4.2, 4 * ms, 0.09, 35, 62},
		{"busy, no pauses", busy, time.Second, 0, 3.5, 2.2, 25 * ms, 1, 45, 65},
		{"busy, claps", busy, 20 * ms, 980 * ms, 8, 4.2, ms, 0.01, 32, 62},
		{"wireless, pauses", wireless, 3 * time.Second, time.Second, 11, 6, 4 * ms, 0.14, 50, 82},
		{"wireless, no pauses", wireless, time.Second, 0, 5, 3.5, 35 * ms, 1, 60, 82},
	} {
		var all steadiness
		for phase := time.Duration(0); phase < tick; phase += step {
			c := steadyCall{late: test.late, phase: phase, length: length, talk: test.talk, pause: test.pause, seed: 1}
			all.add(c.play(t).steadiness)
		}
		m, p50, p99 := all.minutes(), all.quantile(0.5), all.quantile(0.99)
		changes, concealed, cut, off := float64(all.changes)/m, float64(all.concealed)/m, time.Duration(float64(all.cut)/m), float64(all.off)/float64(len(all.delays))
		t.Logf("%-20s per minute %5.2f changes, %5.2f frames concealed, %3d ms of speech cut; %5.2f %% out of line; delay p50 %.1f, p99 %.1f ms",
			test.name, changes, concealed, cut.Milliseconds(), 100*off, p50, p99)
		if changes > test.changes || concealed > test.concealed || cut > test.cut || off > test.off || p50 > test.p50 || p99 > test.p99 {
			t.Errorf("%s: that is more than %.2f, %.2f, %v, %.2f %%, %.1f, %.1f", test.name, test.changes, test.concealed, test.cut, 100*test.off, test.p50, test.p99)
		}
	}
}

// A clock that is off takes the packets of a caller through the tick: each time the delay changes once. A frame is made up only if that is before the drift is known.
func TestDriftChangesDelayOnce(t *testing.T) {
	for _, late := range []lateness{punctual, {{0, 0}, {1, 1100 * us}}} {
		for _, drift := range []float64{-500e-6, -100e-6, -20e-6, 20e-6, 100e-6, 500e-6} {
			for phase := time.Duration(0); phase < tick; phase += 4 * ms {
				length := min(time.Duration(50*float64(ms)/math.Abs(drift)), 10*time.Minute)
				c := steadyCall{late: late, phase: phase, length: length, talk: 3 * time.Second, pause: time.Second, drift: drift, seed: 1}
				ear := c.play(t)
				passages := float64(length) * math.Abs(drift) / float64(tick)
				if float64(ear.changes) > math.Ceil(passages) || float64(ear.changes) < math.Floor(passages) || ear.concealed > 1 {
					t.Errorf("%+.0f ppm, phase %v: %d changes, %d frames concealed in %.1f passages", drift*1e6, phase, ear.changes, ear.concealed, passages)
				}
			}
		}
	}
}

// Who sends just before the tick is heard a frame later from his first packet on: not once is a frame made up for him later, or his delay changed.
func TestBeginsDeepEnough(t *testing.T) {
	for _, pause := range []time.Duration{0, time.Second} {
		for phase := time.Duration(0); phase < 3*ms; phase += 250 * us {
			c := steadyCall{late: lateness{{0, 0}, {1, 900 * us}}, phase: phase, length: 20 * time.Second, talk: time.Second, pause: pause, seed: uint64(phase)}
			ear := c.play(t)
			if phase < 2*ms && ear.steadiness.quantile(0) < 1 || ear.steadiness.quantile(1) > 23 {
				t.Errorf("phase %v: delays from %.1f to %.1f ms", phase, ear.steadiness.quantile(0), ear.steadiness.quantile(1))
			}
			if phase == 0 && (ear.changes > 0 || ear.concealed > 0) {
				t.Errorf("phase %v: %d changes, %d frames concealed", phase, ear.changes, ear.concealed)
			}
		}
	}
}

// Whose first packet is later than those that follow is heard a frame later than need be, until he pauses: nothing of his first words is left out for that.
func TestFirstWordsAreNotShortened(t *testing.T) {
	n := newNetwork(3)
	flights, _ := n.fly(30*time.Second, speech(t, false))
	flights[0].arrival += 5 * ms
	l := newListener(t, 0, testMax, codecs.PCMU)
	l.run(flights, flights[0].arrival%tick+growGuard/2, 30*time.Second)
	if first, last := l.delays[0], l.delays[len(l.delays)-1]; first != last || last != tick+5*ms+growGuard/2 {
		t.Errorf("a delay of %v to begin with, %v in the end", first, last)
	}
}
