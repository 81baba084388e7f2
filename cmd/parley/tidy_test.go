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
		at   time.Duration
		now  heapState
		want bool
	}{
		{3 * time.Second, heapState{allocated: 50 * mib, objects: 50 * mib, live: 30 * mib}, false}, // the wave
		{6 * time.Second, heapState{allocated: 90 * mib, objects: 50 * mib, live: 30 * mib}, false}, // goes on
		{9 * time.Second, heapState{allocated: 90 * mib, objects: 50 * mib, live: 30 * mib}, true},  // is over
		{12 * time.Second, heapState{allocated: 90 * mib, objects: 30 * mib, live: 30 * mib}, false},
		{15 * time.Second, heapState{allocated: 90 * mib, objects: 50 * mib, live: 30 * mib}, false}, // too soon again
		{40 * time.Second, heapState{allocated: 90 * mib, objects: 37 * mib, live: 30 * mib}, false}, // too little
		{43 * time.Second, heapState{allocated: 90 * mib, objects: 30 * mib, live: 30 * mib, free: 11 * mib}, true},
		{80 * time.Second, heapState{allocated: 90 * mib, objects: 1 * mib, live: 2 * mib, free: 1 * mib}, false},
	} {
		if got := d.due(c.now, c.at); got != c.want {
			t.Errorf("%d, at %v: %v", i, c.at, got)
		}
		want := calmGarbage
		if i < 2 { // the wave
			want = waveGarbage
		}
		if got := d.garbage(); got != want {
			t.Errorf("%d, at %v: %d %% of garbage, want %d", i, c.at, got, want)
		}
	}
}
