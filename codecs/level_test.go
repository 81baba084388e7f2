package codecs

import (
	"math"
	"testing"
)

// ME-LVL-04, ME-LVL-05, ME-LVL-11 (RFC 6464, section 3): the root mean square of these samples against a square wave of full scale.
func TestLevel(t *testing.T) {
	square := make([]int16, 960)
	for i := range square {
		square[i] = math.MinInt16
	}
	single := make([]int16, 960)
	single[17] = 1
	for _, tc := range []struct {
		name string
		pcm  []int16
		want uint8
	}{
		{"nothing", nil, 127},
		{"digital silence", make([]int16, 160), 127},
		{"square wave of full scale", square, 0},
		{"sine of full scale", sine(48000, 1000, 32767, 960), 3},
		{"sine of -20 dBov", sine(8000, 1000, 32768*math.Sqrt2/10, 160), 20},
		{"sine of -40 dBov", sine(16000, 1000, 32768*math.Sqrt2/100, 320), 40},
		{"one sample of one", single, 120},
		{"odd number of samples", []int16{32767, -32768, 32767}, 0},
	} {
		if got := Level(tc.pcm); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}

func TestLevelOfPower(t *testing.T) {
	for level := range 127 {
		if got := LevelOfPower(PowerOfLevel(uint8(level))); int(got) != level {
			t.Errorf("level %d comes back as %d", level, got)
		}
	}
	for _, p := range []float64{0, -1, math.NaN(), PowerOfLevel(127), PowerOfLevel(255)} {
		if got := LevelOfPower(p); got != 127 {
			t.Errorf("power %g: level %d", p, got)
		}
	}
	if got := LevelOfPower(math.Inf(1)); got != 0 {
		t.Errorf("infinite power: level %d", got)
	}
}
