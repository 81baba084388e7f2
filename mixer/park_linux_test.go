package mixer

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// A favoured thread is a real-time thread, and threads that it begins are not; without the privilege it goes on as it was.
func TestFavour(t *testing.T) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		favour()
		attributes, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			t.Error(err)

			return
		}
		if attributes.Policy == unix.SCHED_FIFO {
			if attributes.Priority != realTime || attributes.Flags&unix.SCHED_FLAG_RESET_ON_FORK == 0 {
				t.Errorf("%+v", attributes)
			}

			return
		}
		wish := *attributes
		wish.Policy, wish.Priority, wish.Flags = unix.SCHED_FIFO, realTime, unix.SCHED_FLAG_RESET_ON_FORK
		if err := unix.SchedSetAttr(0, &wish, 0); err == nil {
			t.Errorf("real time is allowed, and the policy is %d", attributes.Policy)
		}
	}()
	<-done
}
