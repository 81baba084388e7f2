package mixer

import (
	"testing"
	"time"
)

// A quantile is the bound below which so many durations are, as operators read it of lateness; of what is beyond the last bound no more is known.
func TestQuantile(t *testing.T) {
	h := Histogram{Bounds: []time.Duration{1, 2, 4}, Counts: []uint64{50, 40, 9, 1}}
	for q, want := range map[float64]time.Duration{0: 1, 0.49: 1, 0.5: 2, 0.89: 2, 0.9: 4, 0.98: 4, 0.99: 4, 1: 4} {
		if got := h.Quantile(q); got != want {
			t.Errorf("%v: %d, want %d", q, got, want)
		}
	}
	if h.Count() != 100 {
		t.Errorf("count %d", h.Count())
	}
	if got := (Histogram{}).Quantile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}
