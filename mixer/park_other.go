//go:build !linux

package mixer

import (
	"sync/atomic"
	"time"
)

// parkSlice is how long a sleep lasts at most where it cannot be interrupted.
const parkSlice = time.Millisecond

// monotonic returns a time that only goes forward, in nanoseconds.
func monotonic() int64 { return int64(time.Since(epoch)) + 1 }

//nolint:gochecknoglobals // the origin of the monotonic clock, read only
var epoch = time.Now()

// park sleeps until *word is no longer value or until a deadline; 0: none. It may return early. Where there is no futex it looks
// again every millisecond.
func park(word *uint32, value uint32, deadline int64) {
	if atomic.LoadUint32(word) != value {
		return
	}
	d := parkSlice
	if deadline != 0 {
		d = min(d, time.Duration(deadline-monotonic()))
	}
	time.Sleep(d)
}

// nap is park.
func nap(word *uint32, value uint32, deadline int64) { park(word, value, deadline) }

// wake has nothing to do here.
func wake(*uint32) {}

// RealTime says nothing: there are no means to favour threads here.
func RealTime() error { return nil }

// Threads knows nothing here.
func Threads() (realTime, ordinary int) { return 0, 0 }

// thread is that of a worker. There are no means to favour it here.
type thread struct{}

func (*thread) take()  {}
func (*thread) leave() {}

// work is not measured here, so that others are called for the number of members only.
func work() time.Duration { return 0 }
