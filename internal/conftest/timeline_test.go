package conftest

import (
	"math"
	"testing"
	"time"
)

// The end of what was heard is what the whole ends with, however much there is.
func TestHeardLast(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		line := newTimeline(rate)
		if got, err := line.last(time.Second); err != nil || len(got) != 0 {
			t.Errorf("%d Hz: %d samples of nothing, %v", rate, len(got), err)
		}
		pcm := make([]int16, rate*7/4)
		for i := range pcm {
			at := float64(i) / float64(rate)
			pcm[i] = int16(9000 * math.Sin(2*math.Pi*(300+400*at)*at))
		}
		line.put(0, pcm)
		all, err := line.samples()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []time.Duration{200 * time.Millisecond, time.Second, time.Hour} {
			got, err := line.last(d)
			if err != nil || len(got) != min(len(all), int(d.Seconds()*AnalysisRate)) {
				t.Fatalf("%d Hz, %v: %d samples of %d, %v", rate, d, len(got), len(all), err)
			}
			for i, want := range all[len(all)-len(got):] {
				if math.Abs(got[i]-want) > 1e-3 {
					t.Fatalf("%d Hz, %v: sample %d is %f, not %f", rate, d, i, got[i], want)
				}
			}
		}
	}
}
