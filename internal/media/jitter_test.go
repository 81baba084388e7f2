package media

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

const testMax = 200 * time.Millisecond

// A packet that has arrived when the tick comes is played in that tick: the only delay is the wait for the tick. What comes so shortly before it that the next may come after
// it is played in the one behind.
func TestCleanNetworkAddsNoFrame(t *testing.T) {
	for phase := time.Duration(0); phase < tick; phase += 1300 * time.Microsecond {
		l := newListener(t, 0, testMax, codecs.PCMU)
		n := newNetwork(1)
		flights, _ := n.fly(20*time.Second, speech(t, false))
		l.run(flights, phase, 20*time.Second)
		want := (phase - 30*time.Millisecond) % tick
		if want < 0 {
			want += tick
		}
		if want < growGuard {
			want += tick
		}
		if got := l.quantile(1, 0); got != want {
			t.Errorf("phase %v: longest delay %v, want %v", phase, got, want)
		}
		if l.made != 0 || l.late != 0 {
			t.Errorf("phase %v: %d frames made up, %d packets late", phase, l.made, l.late)
		}
	}
}

// ME-RTP-16: the impairment matrix. Delay stays bounded by the maximum, counters equal what was injected, and what is made up
// stays near what was lost.
func TestImpairments(t *testing.T) {
	tests := map[string]struct {
		change  func(*network)
		made    float64       // share of frames made up at most
		typical time.Duration // median delay at most
	}{
		"clean":            {func(*network) {}, 0, 20 * time.Millisecond},
		"jitter of 10 ms":  {func(n *network) { n.jitter = 10 * time.Millisecond }, 0.005, 32 * time.Millisecond},
		"jitter of 60 ms":  {func(n *network) { n.jitter = 60 * time.Millisecond }, 0.02, 85 * time.Millisecond},
		"jitter of 200 ms": {func(n *network) { n.jitter = 200 * time.Millisecond }, 0.08, 225 * time.Millisecond},
		"loss of 5 %":      {func(n *network) { n.loss = 0.05 }, 0.06, 25 * time.Millisecond},
		"loss of 20 %":     {func(n *network) { n.loss = 0.2 }, 0.22, 25 * time.Millisecond},
		"duplicates":       {func(n *network) { n.duplicate = 0.3 }, 0, 25 * time.Millisecond},
		"reordering":       {func(n *network) { n.reorder = 0.05 }, 0.02, 65 * time.Millisecond},
		"10 ms packets":    {func(n *network) { n.ptime = 10 * time.Millisecond }, 0.002, 32 * time.Millisecond},
		"30 ms packets":    {func(n *network) { n.ptime = 30 * time.Millisecond }, 0.002, 32 * time.Millisecond},
		"60 ms packets":    {func(n *network) { n.ptime = 60 * time.Millisecond }, 0.002, 25 * time.Millisecond},
		"200 ms packets":   {func(n *network) { n.ptime = 200 * time.Millisecond }, 0.002, 25 * time.Millisecond},
		"everything": {func(n *network) {
			n.jitter, n.loss, n.duplicate, n.reorder, n.drift = 40*time.Millisecond, 0.03, 0.02, 0.02, 100e-6
		}, 0.08, 90 * time.Millisecond},
	}
	for name, test := range tests {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				n := newNetwork(seed)
				test.change(n)
				l := newListener(t, 0, testMax, codecs.PCMU)
				const length = 60 * time.Second
				flights, count := n.fly(length, speech(t, false))
				l.run(flights, time.Duration(seed)*6*time.Millisecond, length+30*time.Millisecond)
				if l.duplicates != count.duplicated || l.queued+l.late != count.sent-count.lost || l.others != 0 {
					t.Errorf("queued %d, late %d, duplicate %d, other %d; injected %+v", l.queued, l.late, l.duplicates, l.others, count)
				}
				if share := float64(l.made) / float64(l.ticks); share > test.made {
					t.Errorf("made up %.4f of the frames, more than %v", share, test.made)
				}
				if typical := l.quantile(0.5, 5*time.Second); typical > test.typical {
					t.Errorf("median delay %v, more than %v", typical, test.typical)
				}
				if longest := l.quantile(1, 0); longest > testMax+2*tick {
					t.Errorf("longest delay %v", longest)
				}
			})
		}
	}
}

// After a stall the delay is back within two seconds, in loud audio as well as with pauses.
func TestDelayReturnsAfterStall(t *testing.T) {
	for _, stall := range []int{60, 100, 200, 400, 1000, 3000} {
		for _, pauses := range []bool{false, true} {
			n := newNetwork(7)
			n.stallAt, n.stallFor = 10*time.Second+3*time.Millisecond, time.Duration(stall)*time.Millisecond
			l := newListener(t, 0, testMax, codecs.PCMU)
			flights, _ := n.fly(20*time.Second, speech(t, pauses))
			l.run(flights, 5*time.Millisecond, 20*time.Second)
			before := l.delays[10]
			after := n.stallAt + n.stallFor + 2*time.Second
			if got := l.quantile(1, after); got > before+tick {
				t.Errorf("stall of %d ms, pauses %v: delay %v two seconds after, %v before", stall, pauses, got, before)
			}
			if got := l.quantile(1, 0); got > testMax+2*tick {
				t.Errorf("stall of %d ms: longest delay %v", stall, got)
			}
		}
	}
}

// The process itself is stopped: packets wait in the socket, with the right time of arrival, and no tick comes.
func TestDelayReturnsAfterFreeze(t *testing.T) {
	for _, freeze := range []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 2 * time.Second} {
		n := newNetwork(3)
		l := newListener(t, 0, testMax, codecs.PCMU)
		flights, _ := n.fly(20*time.Second, speech(t, false))
		arrived := 0
		for now := 7 * time.Millisecond; now < 20*time.Second; now += tick {
			if now > 10*time.Second && now < 10*time.Second+tick {
				now += freeze
			}
			for ; arrived < len(flights) && flights[arrived].arrival <= now; arrived++ {
				l.push(flights[arrived])
			}
			l.tick(now)
		}
		if before, after := l.delays[10], l.quantile(1, 12*time.Second+freeze); after > before+tick {
			t.Errorf("freeze of %v: delay %v after, %v before", freeze, after, before)
		}
	}
}

// Clocks that differ are followed for an hour, with speech and pauses: the delay stays, and next to nothing is made up.
func TestDriftIsTakenOut(t *testing.T) {
	for _, drift := range []float64{-500e-6, -100e-6, 100e-6, 500e-6} {
		n := newNetwork(5)
		n.drift = drift
		l := newListener(t, 0, testMax, codecs.PCMU)
		length := time.Hour
		if testing.Short() {
			length = 10 * time.Minute
		}
		one := speech(t, false)(0, 160)
		quiet := make([]byte, 160)
		for i := range quiet {
			quiet[i] = 0xFF
		}
		flights, _ := n.fly(length, func(i, _ int) []byte {
			if i/100%3 == 2 {
				return quiet
			}
			return one
		})
		l.run(flights, 3*time.Millisecond, length)
		if got := l.quantile(1, 0); got > 2*tick+5*time.Millisecond {
			t.Errorf("drift %v: longest delay %v", drift, got)
		}
		if got := l.player.jitter.drift.value; math.Abs(got-drift) > 20e-6 {
			t.Errorf("drift %v measured as %v", drift, got)
		}
		if l.made > 3 || l.late > 3 || l.player.jitter.dropped > 0 {
			t.Errorf("drift %v: %d frames made up, %d late, %d dropped", drift, l.made, l.late, l.player.jitter.dropped)
		}
	}
}

// ME-AUD-05, ME-AUD-06: silence suppression is neither loss nor delay; the first packet of a spurt is played when it comes.
func TestSilenceSuppression(t *testing.T) {
	for _, spurt := range []time.Duration{500 * time.Millisecond, 3 * time.Second, 30 * time.Second} {
		n := newNetwork(9)
		n.spurts = spurt
		l := newListener(t, 0, testMax, codecs.PCMU)
		flights, _ := n.fly(4*spurt, speech(t, false))
		l.run(flights, 4*time.Millisecond, 4*spurt)
		if got := l.quantile(1, 0); got > tick {
			t.Errorf("spurts of %v: longest delay %v", spurt, got)
		}
		if l.late != 0 || l.player.jitter.dropped != 0 || l.player.jitter.resyncs != 0 {
			t.Errorf("spurts of %v: late %d, dropped %d, resyncs %d", spurt, l.late, l.player.jitter.dropped, l.player.jitter.resyncs)
		}
	}
}
