package mixer

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	futexWaitBitset = 9
	futexWake       = 1
	futexPrivate    = 128
	futexAnyone     = 0xffffffff
)

// clock relates Go's monotonic readings to CLOCK_MONOTONIC, which deadlines are in. Go reads it without a system call; one that the
// scheduler knows of costs far more than the reading, and would be made several times a tick.
type clock struct {
	epoch  time.Time
	offset int64
}

//nolint:gochecknoglobals // the origin of the monotonic clock, read only
var origin = newClock()

func newClock() clock {
	var ts unix.Timespec
	epoch := time.Now()
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // cannot fail: the clock exists and ts is ours

	return clock{epoch: epoch, offset: ts.Nano()}
}

// monotonic returns the time of CLOCK_MONOTONIC, to within what passed between the two readings of newClock.
func monotonic() int64 { return origin.offset + int64(time.Since(origin.epoch)) }

// work returns the processor time that the calling thread has used.
func work() time.Duration {
	var ts unix.Timespec
	_, _, _ = syscall.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_THREAD_CPUTIME_ID, uintptr(unsafe.Pointer(&ts)), 0) //nolint:gosec // the kernel takes addresses

	return time.Duration(ts.Nano())
}

// park sleeps until *word is no longer value and somebody calls wake, or until a deadline of CLOCK_MONOTONIC in nanoseconds; 0:
// none. It may return early. The timer is the kernel's high-resolution one, as that of clock_nanosleep with TIMER_ABSTIME, but
// the sleep can be interrupted by another worker. The system call is one that the Go scheduler knows of, so that it gives the
// processor to others.
func park(word *uint32, value uint32, deadline int64) {
	var timeout *unix.Timespec
	if deadline != 0 {
		ts := unix.NsecToTimespec(deadline)
		timeout = &ts
	}
	//nolint:gosec // the kernel takes addresses
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWaitBitset|futexPrivate, uintptr(value),
		uintptr(unsafe.Pointer(timeout)), 0, futexAnyone)
}

// nap is park for a moment in the middle of a tick. The Go scheduler does not know of it: to come back from a system call it knows of,
// a thread may have to wait for whoever looks at its stack, and spins; a real-time thread that spins keeps that very thread off its
// processor, until the kernel takes it away from all real-time threads, for most of a second.
func nap(word *uint32, value uint32, deadline int64) {
	ts := unix.NsecToTimespec(deadline)
	//nolint:gosec // the kernel takes addresses
	_, _, _ = syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWaitBitset|futexPrivate, uintptr(value),
		uintptr(unsafe.Pointer(&ts)), 0, futexAnyone)
}

// wake ends the park of all who sleep on word. It does not block, so that the scheduler need not know of it, as with nap.
func wake(word *uint32) {
	//nolint:gosec // the kernel takes addresses
	_, _, _ = syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWake|futexPrivate, 1<<30, 0, 0, 0)
}
