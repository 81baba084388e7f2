package mixer

import (
	"sync/atomic"
	"time"
)

// histogramBuckets are powers of two: up to 16 µs, 32 µs, ... 262 ms, and above.
const (
	histogramBuckets = 16
	histogramFirst   = 4
)

// histogram counts durations; any number of goroutines may add.
type histogram struct {
	counts [histogramBuckets]atomic.Uint64
	sum    atomic.Int64
}

func (h *histogram) add(d time.Duration) {
	h.sum.Add(int64(d))
	us := d.Microseconds()
	i := 0
	for i < histogramBuckets-1 && us > 1<<(histogramFirst+i) {
		i++
	}
	h.counts[i].Add(1)
}

func (h *histogram) snapshot() Histogram {
	s := Histogram{
		Bounds: make([]time.Duration, histogramBuckets-1),
		Counts: make([]uint64, histogramBuckets),
		Sum:    time.Duration(h.sum.Load()),
	}
	for i := range h.counts {
		s.Counts[i] = h.counts[i].Load()
		if i < len(s.Bounds) {
			s.Bounds[i] = time.Microsecond << (histogramFirst + i)
		}
	}

	return s
}
