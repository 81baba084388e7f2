package media

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// plainWindow is the definition of what a window measures: it keeps every packet, and looks at all of them.
type plainWindow struct {
	slots [][]time.Duration // newest last
	end   time.Duration
}

func (w *plainWindow) add(transit, now time.Duration) (base, jitter time.Duration) {
	if len(w.slots) == 0 || now >= w.end {
		w.slots = append(w.slots, nil)
		w.slots = w.slots[max(0, len(w.slots)-windowSlots):]
		w.end = now + windowSlot
	}
	last := len(w.slots) - 1
	w.slots[last] = append(w.slots[last], transit)
	worst := make([]time.Duration, 0, len(w.slots))
	base = transit
	for _, slot := range w.slots {
		base = min(base, slices.Min(slot))
		worst = append(worst, slices.Max(slot))
	}
	slices.Sort(worst)
	slices.Reverse(worst)
	switch len(worst) {
	case 1:
		return base, 0
	case 2:
		return base, worst[1] - base
	default:
		return base, worst[2] - base
	}
}

// What the window says after each packet is what all packets of its time say, whatever they are like.
func TestWindowLooksAtAllSlots(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for run := range 50 {
		var w delayWindow
		var plain plainWindow
		now := time.Duration(0)
		spread := int64(time.Millisecond) << (run % 8)
		for i := range 1000 {
			now += time.Duration(random.Int64N(int64(40 * time.Millisecond)))
			if random.IntN(100) == 0 {
				now += time.Second // a silence
			}
			transit := time.Duration(random.Int64N(spread) - spread/2)
			if random.IntN(20) == 0 {
				transit += 100 * time.Millisecond
			}
			w.add(transit, now)
			if base, jitter := plain.add(transit, now); w.base != base || w.jitter != jitter {
				t.Fatalf("run %d, packet %d: base %v, jitter %v, want %v and %v", run, i, w.base, w.jitter, base, jitter)
			}
		}
	}
}
