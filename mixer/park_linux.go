package mixer

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	futexWaitBitset = 9
	futexWake       = 1
	futexPrivate    = 128
	futexAnyone     = 0xffffffff
)

// monotonic returns the time of CLOCK_MONOTONIC.
func monotonic() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // cannot fail: the clock exists and ts is ours

	return ts.Nano()
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

// wake ends the park of all who sleep on word.
func wake(word *uint32) {
	//nolint:gosec // the kernel takes addresses
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWake|futexPrivate, 1<<30, 0, 0, 0)
}
