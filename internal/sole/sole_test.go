package sole_test

import (
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/parley-sip/parley/internal/sole"
)

// The value of sync/atomic's types is all that they are: that is what is written.
func TestLayout(t *testing.T) {
	if unsafe.Sizeof(atomic.Uint64{}) != 8 || unsafe.Sizeof(atomic.Int64{}) != 8 {
		t.Fatal("sync/atomic has something beside the value")
	}
}

func TestStore(t *testing.T) {
	var words [3]atomic.Uint64
	for _, want := range []uint64{1, 0, math.MaxUint64, 1 << 63, 42} {
		sole.Store(&words[1], want)
		if got := words[1].Load(); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
	sole.Add(&words[1], 8)
	if got := words[1].Load(); got != 50 {
		t.Errorf("%d after an addition, want 50", got)
	}
	if words[0].Load() != 0 || words[2].Load() != 0 {
		t.Error("a neighbour has changed")
	}
	var value atomic.Int64
	for _, want := range []int64{1, 1, 0, -1, math.MinInt64, math.MaxInt64} {
		sole.Set(&value, want)
		if got := value.Load(); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { sole.Add(&words[0], 1); sole.Set(&value, -2) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A reader never sees a counter go back, nor half of a word: both halves of what is written are the same.
func TestReader(t *testing.T) {
	var c atomic.Uint64
	const most = 1 << 20
	var writer sync.WaitGroup
	writer.Go(func() {
		for range most {
			sole.Add(&c, 1<<32|1)
		}
	})
	for last := uint64(0); last>>32 < most; {
		now := c.Load()
		if now < last || now>>32 != now&math.MaxUint32 {
			t.Fatalf("%#x after %#x", now, last)
		}
		last = now
	}
	writer.Wait()
}
