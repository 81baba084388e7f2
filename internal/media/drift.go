package media

import "time"

const (
	driftSpan  = 10 * time.Second // over which a drift is measured: a millisecond of error is 100 ppm
	driftLimit = 0.002            // no clock is so wrong: the path has changed, or the source
	driftShare = 0.25             // of a new measurement in the value
)

// driftMeter measures by how much the clock of a source is faster than ours: the fastest packets then come ever earlier, by their
// timestamps.
type driftMeter struct {
	base  time.Duration // least transit when the span began
	since time.Duration
	value float64 // parts of one
	begun bool
	known bool
}

// observe takes the least transit time of late.
func (d *driftMeter) observe(base, now time.Duration) {
	switch span := now - d.since; {
	case !d.begun:
		*d = driftMeter{base: base, since: now, begun: true, value: d.value, known: d.known}
	case span >= driftSpan:
		rate := -float64(base-d.base) / float64(span)
		d.base, d.since = base, now
		switch {
		case rate > driftLimit || rate < -driftLimit:
		case !d.known:
			d.value, d.known = rate, true
		default:
			d.value += driftShare * (rate - d.value)
		}
	}
}
