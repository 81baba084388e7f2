package srs

import "time"

const (
	// stepLeast is what a clock is set by that is not only brought into line.
	stepLeast = time.Minute
	// stepRest is how long a clock that was set forward is not believed as to what may be deleted: for somebody to see that it is wrong.
	stepRest = time.Hour
)

// stepWatch notices that the system's clock is set, by comparing it to the time that goes by. The zero value, with ahead set, is ready; it belongs to one
// goroutine.
type stepWatch struct {
	ahead time.Duration // of the clock before the time that goes by, when it was last looked
	until time.Duration // when what was set is believed
}

// aheadOf is how far a clock is ahead of the time that goes by.
func aheadOf(clock time.Time, since time.Duration) time.Duration {
	return clock.Round(0).Sub(time.Unix(0, 0)) - since
}

// look gives by how much the clock was set forward, or back (negative), since the last look; 0: it was not.
func (w *stepWatch) look(clock time.Time, since time.Duration) time.Duration {
	ahead := aheadOf(clock, since)
	by := ahead - w.ahead
	w.ahead = ahead
	if by.Abs() < stepLeast {
		return 0
	}
	if by > 0 {
		w.until = since + stepRest
	} else {
		w.until = 0 // the more so if it was set right again
	}
	return by
}

// doubted tells whether the clock is not believed yet.
func (w *stepWatch) doubted(since time.Duration) bool { return w.until > 0 && since < w.until }
