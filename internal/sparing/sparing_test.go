package sparing

import (
	"testing"
	"time"
)

// The first is said at once, and what comes before the pause is over with the next line.
func TestDue(t *testing.T) {
	var log Log
	now := time.Now()
	for i, want := range []int{1, 0, 0, 3} {
		if i == 3 {
			now = now.Add(Every)
		}
		if n := log.Due(now); n != want {
			t.Errorf("after %d, %d are said, not %d", i+1, n, want)
		}
	}
}
