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
	low, high time.Duration // of the slot being filled
	filled    int           // slots in use
	current   int           // the slot being filled
	end       time.Duration // when the current slot ends
	base      time.Duration // least transit of the window
	jitter    time.Duration // third largest lateness of the slots
	// Of the slots but the current one, so that a packet needs to look at that only: the least of low, and the largest of high, descending.
	least time.Duration
	worst [windowSpike + 1]time.Duration
	slots [windowSlots]windowRange // the current one is out of date
}

// windowRange is the least and the largest transit of a slot.
type windowRange struct{ low, high time.Duration }

// add notes a packet that arrived at now after transit.
func (w *delayWindow) add(transit, now time.Duration) {
	switch {
	case w.filled == 0 || now >= w.end:
		w.advance(now)
		w.low, w.high = transit, transit
	case w.low <= transit && transit <= w.high:
		return // nothing new, as of most packets
	default:
		w.low, w.high = min(w.low, transit), max(w.high, transit)
	}
	w.measure()
}

// advance begins a new slot. Slots in which nothing came are not counted: after a long silence the window still holds what
// was known before it, as long as that is not older than itself in packets.
func (w *delayWindow) advance(now time.Duration) {
	if w.filled > 0 {
		w.slots[w.current] = windowRange{w.low, w.high}
		w.current = (w.current + 1) % windowSlots
	}
	w.filled = min(w.filled+1, windowSlots)
	w.end = now + windowSlot
	w.collect()
}

// collect looks at all slots but the current one.
func (w *delayWindow) collect() {
	w.least = 1<<63 - 1
	for i := range w.worst {
		w.worst[i] = -1 << 63
	}
	for i := range w.filled {
		if i == w.current {
			continue
		}
		w.least = min(w.least, w.slots[i].low)
		value := w.slots[i].high
		for j := range w.worst {
			if value > w.worst[j] {
				value, w.worst[j] = w.worst[j], value
			}
		}
	}
}

// measure brings base and jitter up to date.
func (w *delayWindow) measure() {
	w.base = min(w.low, w.least)
	w.jitter = 0
	if last := min(w.filled, len(w.worst)) - 1; last > 0 { // with two slots the better one; one alone may be an accident
		// The current slot takes its place among the worst: the last that counts is itself, or one of its neighbours.
		w.jitter = min(max(w.high, w.worst[last]), w.worst[last-1]) - w.base
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
