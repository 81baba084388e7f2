package media

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// Shows ME-RTP-16. Ten minutes of a tone of 1 kHz, without a pause, over a network with jitter and duplicates, from a clock that is off: nothing is made
// up, there is no click, and the level is within 0.1 dB in every second.
func TestToneContinuity(t *testing.T) {
	for _, drift := range []float64{-500e-6, -100e-6, 0, 100e-6, 500e-6} {
		t.Run(fmt.Sprint(drift), func(t *testing.T) { toneContinues(t, drift) })
	}
}

func toneContinues(t *testing.T, drift float64) {
	t.Helper()
	const length = 10 * time.Minute
	n := newNetwork(11)
	n.jitter, n.duplicate, n.drift = 8*time.Millisecond, 0.01, drift
	encoder, err := codecs.NewEncoder(codecs.Format{Codec: codecs.PCMU})
	if err != nil {
		t.Fatal(err)
	}
	const amplitude = 8000
	tone := &sine{frequency: 1000, rate: 8000, amplitude: amplitude}
	flights, _ := n.fly(length, func(_, units int) []byte { return encodedTone(t, encoder, tone, units) })
	l := newListener(t, 20*time.Millisecond, testMax, codecs.PCMU)
	l.run(flights, 3*time.Millisecond, length)
	if longest := l.quantile(1, 0); longest > 3*tick {
		t.Errorf("longest delay %v", longest)
	}
	if l.late != 0 || l.player.jitter.dropped != 0 {
		t.Errorf("%d late, %d dropped", l.late, l.player.jitter.dropped)
	}
	// The second difference of a sine is its own, scaled; what is more is a click, but for the rounding of mu-law.
	w := 2 * math.Pi * 1000 / 8000
	allowed := amplitude * (2 - 2*math.Cos(w)) * 1.25
	pcm := l.pcm[8000 : len(l.pcm)-8000]
	reference := 0.0
	for second := 0; (second+1)*8000 <= len(pcm); second++ {
		part := pcm[second*8000 : (second+1)*8000]
		sum := 0.0
		for i, s := range part {
			sum += float64(s) * float64(s)
			if i < 2 {
				continue
			}
			if d := math.Abs(float64(s) - 2*float64(part[i-1]) + float64(part[i-2])); d > allowed {
				t.Fatalf("second %d, sample %d: click, second difference %.0f, allowed %.0f", second, i, d, allowed)
			}
		}
		level := 10 * math.Log10(sum/8000)
		if second == 0 {
			reference = level
		}
		if math.Abs(level-reference) > 0.1 {
			t.Errorf("second %d: level %.2f dB from that of the first", second, level-reference)
		}
	}
	if l.made != 0 {
		t.Errorf("made up %d of %d frames", l.made, l.ticks)
	}
}
