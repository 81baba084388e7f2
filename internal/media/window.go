package media

import "time"

const (
	windowSlots = 12                     // how many slots of time the window remembers
	windowSlot  = 200 * time.Millisecond // together 2.4 s
	windowSpike = 2                      // slots whose worst packets are taken for accidents, not for jitter
)

// delayWindow watches how long packets were on their way, relative to each other, over the last seconds. Transit times are
// arrival minus timestamp: their origin means nothing, only differences do.
//
// The fastest packet of the window is the base; how much later than the base the others came is the jitter. Of each slot of
// time the latest packet is kept, and the third worst slot is the measure: one stall of the network, which hurts once and is
// over, touches at most two neighbouring slots and does not make everybody wait from then on; jitter that keeps coming back
// does.
type delayWindow struct {
	low, high [windowSlots]time.Duration
	filled    int           // slots in use
	current   int           // the slot being filled
	end       time.Duration // when the current slot ends
	base      time.Duration // least transit of the window
	jitter    time.Duration // third largest lateness of the slots
}

// add notes a packet that arrived at now after transit.
func (w *delayWindow) add(transit, now time.Duration) {
	if w.filled == 0 || now >= w.end {
		w.advance(now)
		w.low[w.current], w.high[w.current] = transit, transit
	} else {
		low, high := w.low[w.current], w.high[w.current]
		if low <= transit && transit <= high {
			return // nothing new, as of most packets
		}
		w.low[w.current], w.high[w.current] = min(low, transit), max(high, transit)
	}
	w.measure()
}

// advance begins a new slot. Slots in which nothing came are not counted: after a long silence the window still holds what
// was known before it, as long as that is not older than itself in packets.
func (w *delayWindow) advance(now time.Duration) {
	if w.filled > 0 {
		w.current = (w.current + 1) % windowSlots
	}
	w.filled = min(w.filled+1, windowSlots)
	w.end = now + windowSlot
}

// measure brings base and jitter up to date.
func (w *delayWindow) measure() {
	base := w.low[0]
	var worst [windowSpike + 1]time.Duration // descending
	const none = time.Duration(-1 << 63)
	for i := range worst {
		worst[i] = none
	}
	for i := range w.filled {
		base = min(base, w.low[i])
		value := w.high[i]
		for j := range worst {
			if value > worst[j] {
				value, worst[j] = worst[j], value
			}
		}
	}
	w.base = base
	w.jitter = 0
	if last := min(w.filled, len(worst)) - 1; last > 0 { // with two slots the better one; one alone may be an accident
		w.jitter = worst[last] - base
	}
}

// reset forgets everything, as for a new source.
func (w *delayWindow) reset() { *w = delayWindow{} }

// lagFilter holds the least lag of the last ticks, so that one tick that comes late does not look like a long queue.
type lagFilter struct {
	current, previous time.Duration
	count             int
	primed            bool
}

const lagTicks = 10 // a half of the filter's memory

// add notes the lag of a tick.
func (f *lagFilter) add(lag time.Duration) {
	switch {
	case !f.primed:
		*f = lagFilter{current: lag, previous: lag, primed: true}
	case f.count == lagTicks:
		f.previous, f.current, f.count = f.current, lag, 1
	default:
		f.current = min(f.current, lag)
		f.count++
	}
}

// shift corrects the memory for a known change of the lag.
func (f *lagFilter) shift(by time.Duration) {
	f.current += by
	f.previous += by
}

// least returns the least lag.
func (f *lagFilter) least() time.Duration { return min(f.current, f.previous) }
