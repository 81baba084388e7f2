package codecs

import (
	"math"
	"math/rand/v2"
	"testing"
)

// lossPattern is a row of the table in docs/audio.md, in packets of 20 ms, with what is reached with every codec, in dB: a bound
// against getting worse.
type lossPattern struct {
	name  string
	ratio float64 // of the worst codec
	level float64
	make  func(rng *rand.Rand) func() bool
}

func lossPatterns() []lossPattern {
	random := func(share float64) func(rng *rand.Rand) func() bool {
		return func(rng *rand.Rand) func() bool { return func() bool { return rng.Float64() < share } }
	}
	bursts := func(rng *rand.Rand) func() bool {
		left := 0
		return func() bool {
			if left > 0 {
				left--
			} else if rng.Float64() < 0.1/3 {
				left = 3
			}
			return left > 0
		}
	}

	return []lossPattern{
		{"1 %", 0.8, -3, random(0.01)},
		{"5 %", 0.4, -3, random(0.05)},
		{"10 %", 0.6, -3, random(0.1)},
		{"10 % in bursts of 60 ms", -0.6, -6, bursts},
	}
}

// segmentalSNR adds up the signal-to-noise ratios of the 10 ms segments of active speech that were lost, each bound to -10 to 35 dB.
// Silence has 0 dB.
func segmentalSNR(intact, got []int16, segment int, lost []bool) (sum float64, count int) {
	for i, on := range active(intact, segment) {
		if on && lost[i/2] {
			at := i * segment
			sum += math.Max(-10, math.Min(35, snr(intact[at:at+segment], got[at:at+segment])))
			count++
		}
	}

	return sum, count
}

// Shows ME-MIX-16. The numbers of the table in docs/audio.md (run with -v): what is made up for single lost packets of speech is
// nearer to it than silence, and as loud; in bursts it is still no hole.
func TestConcealmentTable(t *testing.T) {
	for _, c := range every {
		for _, p := range lossPatterns() {
			t.Run(c.String()+" "+p.name, func(t *testing.T) { concealmentRow(t, c, p) })
		}
	}
}

func concealmentRow(t *testing.T, c Codec, p lossPattern) {
	t.Helper()
	frame := c.FrameSamples(FrameDuration)
	var sum, kept, gone float64
	count := 0
	for seed, who := range speechNames {
		payloads := encodeAll(t, Format{Codec: c}, speech(t, who, c.SampleRate()))
		intact := decodeAll(t, c, payloads, frame, nil)
		is := p.make(rand.New(rand.NewPCG(uint64(seed), 7)))
		lost := make([]bool, len(payloads)+1)
		for i := range payloads {
			lost[i] = i > 10 && is()
		}
		got := decodeAll(t, c, payloads, frame, func(i int) bool { return lost[i] })
		for i := range payloads {
			if lost[i] {
				kept += power(got[i*frame : (i+1)*frame])
				gone += power(intact[i*frame : (i+1)*frame])
			}
		}
		s, n := segmentalSNR(intact, got, frame/2, lost)
		sum += s
		count += n
	}
	ratio, level := sum/float64(count), decibel(kept, gone)
	t.Logf("| %s | %s | 0 | %.1f | %.1f |", c, p.name, ratio, level)
	if count < 20 || ratio < p.ratio || level < p.level || level > 2 {
		t.Errorf("%d segments, %.1f dB, want %.1f; level %.1f dB, want %.1f", count, ratio, p.ratio, level, p.level)
	}
}
