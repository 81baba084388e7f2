package mixer

import "testing"

// TestOthersAreCalledForWorkNotForStalls: one long tick may be the fault of the machine; several in a row are work for more than one.
func TestOthersAreCalledForWorkNotForStalls(t *testing.T) {
	var c cohort
	for range 100 {
		for range heavyTicks - 1 {
			c.weigh(soloWork + 1)
		}
		c.weigh(soloWork)
	}
	if c.shared != 0 {
		t.Fatal("others are called although no more than some ticks in a row were heavy")
	}
	for range heavyTicks {
		c.weigh(soloWork + 1)
	}
	if c.shared != sharedTicks {
		t.Errorf("others are called for %d ticks, want %d", c.shared, sharedTicks)
	}
}
