package main

import (
	"testing"
	"time"
)

// Memory goes back when a wave of calls is over, once, and neither while it goes on nor for little; and what calls in progress leave is
// collected earlier.
func TestTidierIsDue(t *testing.T) {
	const mib = 1 << 20
	var d tidier
	for i, c := range []struct {
		at      time.Duration
		now     heapState
		want    bool
		garbage int
	}{
		{1 * time.Second, heapState{allocated: 8 * mib, objects: 50 * mib, live: 30 * mib}, false, waveGarbage},  // the wave
		{2 * time.Second, heapState{allocated: 16 * mib, objects: 50 * mib, live: 30 * mib}, false, waveGarbage}, // goes on
		{3 * time.Second, heapState{allocated: 16 * mib, objects: 50 * mib, live: 30 * mib}, false, waveGarbage},
		{4 * time.Second, heapState{allocated: 16 * mib, objects: 50 * mib, live: 30 * mib}, false, waveGarbage},
		{5 * time.Second, heapState{allocated: 16 * mib, objects: 50 * mib, live: 30 * mib}, true, calmGarbage}, // is over
		{6 * time.Second, heapState{allocated: 16 * mib, objects: 30 * mib, live: 30 * mib}, false, calmGarbage},
		{9 * time.Second, heapState{allocated: 16 * mib, objects: 50 * mib, live: 30 * mib}, false, calmGarbage},  // too soon again
		{40 * time.Second, heapState{allocated: 16 * mib, objects: 37 * mib, live: 30 * mib}, false, calmGarbage}, // too little
		{43 * time.Second, heapState{allocated: 16 * mib, objects: 30 * mib, live: 30 * mib, free: 11 * mib}, true, calmGarbage},
		{80 * time.Second, heapState{allocated: 16 * mib, objects: 1 * mib, live: 2 * mib, free: 1 * mib}, false, calmGarbage},
	} {
		if got := d.due(c.now, c.at); got != c.want {
			t.Errorf("%d, at %v: %v", i, c.at, got)
		}
		if got := d.garbage(); got != c.garbage {
			t.Errorf("%d, at %v: %d %% of garbage, want %d", i, c.at, got, c.garbage)
		}
	}
}

// The more is allocated in a second, the more may pile up, so that answers do not wait for collections one after the other; but not without
// bounds.
func TestGarbageOfSurge(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		rate, live uint64
		want       int
	}{
		{1 * mib, 30 * mib, 25}, // calls come, though few
		{14 * mib, 30 * mib, 25},
		{20 * mib, 30 * mib, 50},
		{30 * mib, 90 * mib, 75},
		{40 * mib, 90 * mib, 100}, // a hundred calls a second, recorded
		{400 * mib, 90 * mib, 100},
		{400 * mib, 400 * mib, 50}, // of 256 MiB
		{400 * mib, 4000 * mib, 25},
		{400 * mib, 0, 100}, // before the first collection
	} {
		var d tidier
		d.due(heapState{live: c.live}, time.Second)
		d.due(heapState{live: c.live, allocated: c.rate}, 2*time.Second)
		if got := d.garbage(); got != c.want {
			t.Errorf("%d MiB a second with %d MiB in use: %d %%, want %d", c.rate/mib, c.live/mib, got, c.want)
		}
	}
}
