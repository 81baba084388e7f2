package mixer

import (
	"fmt"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// realTime is the priority among the real-time threads: below those that serve interrupts and below audio servers.
	realTime = 5
	// favouredNice is the priority if real time is not allowed.
	favouredNice = -15
)

// favour asks the system to prefer the calling thread, whose ticks other work of this machine has to wait for. Niceness alone would
// be no more than an order among the threads of one session or service, since the scheduler shares the processor between those first
// (autogroups, control groups). Threads that the calling one begins are ordinary ones. It is a wish: without the privilege
// (CAP_SYS_NICE or RLIMIT_RTPRIO) nothing changes.
func favour() {
	attributes := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Flags: unix.SCHED_FLAG_RESET_ON_FORK, Priority: realTime}
	if unix.SchedSetAttr(0, &attributes, 0) != nil {
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, favouredNice)
	}
}

// RealTime tells whether the system lets threads be real-time threads, as those that mix want to be; the error says why not. It tries it with
// a thread that ends then.
func RealTime() error {
	tried := make(chan error)
	go func() {
		runtime.LockOSThread() // and not unlocked: the thread ends with the goroutine
		attributes := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Flags: unix.SCHED_FLAG_RESET_ON_FORK, Priority: realTime}
		tried <- unix.SchedSetAttr(0, &attributes, 0)
	}()
	if err := <-tried; err != nil {
		return fmt.Errorf("SCHED_FIFO: %w", err)
	}
	return nil
}

// thread is that of a worker. It belongs to the worker.
type thread struct{ id int }

// preferred are the threads of this process that are favoured, each with whose it is.
type preferred struct {
	mu    sync.Mutex
	plain *unix.SchedAttr // how the system treats the others; nil: not known yet
	by    map[int]*thread
}

//nolint:gochecknoglobals // threads are the process's
var favoured = preferred{by: map[int]*thread{}}

// Threads counts the workers' threads by how the system treats them now: it may have refused to make them real-time threads, and an operator may have
// changed that since. Those of an engine that has just been made may not have asked yet.
func Threads() (realTime, ordinary int) {
	favoured.mu.Lock()
	ids := make([]int, 0, len(favoured.by))
	for id := range favoured.by {
		ids = append(ids, id)
	}
	favoured.mu.Unlock() // workers may want it
	for _, id := range ids {
		switch attributes, err := unix.SchedGetAttr(id, 0); {
		case err != nil: // it has ended
		case attributes.Policy == unix.SCHED_FIFO, attributes.Policy == unix.SCHED_RR:
			realTime++
		default:
			ordinary++
		}
	}
	return realTime, ordinary
}

// take favours the calling thread, to which the worker has locked itself, and no longer the one that the worker had before: the Go scheduler goes on
// using that for anything, or another worker has it now.
func (t *thread) take() {
	calling, _, _ := syscall.RawSyscall(unix.SYS_GETTID, 0, 0, 0)
	id := int(calling)
	favoured.mu.Lock()
	defer favoured.mu.Unlock()
	if favoured.by[id] == t {
		return
	}
	if favoured.plain == nil {
		if favoured.plain, _ = unix.SchedGetAttr(0, 0); favoured.plain != nil {
			favoured.plain.Flags |= unix.SCHED_FLAG_RESET_ON_FORK // to take that away again is a privilege
		}
	}
	t.give()
	t.id, favoured.by[id] = id, t
	favour()
}

// leave forgets the thread, which ends.
func (t *thread) leave() {
	favoured.mu.Lock()
	defer favoured.mu.Unlock()
	if favoured.by[t.id] == t {
		delete(favoured.by, t.id)
	}
}

// give makes the thread an ordinary one, unless another worker has taken it. The mutex is held.
func (t *thread) give() {
	if favoured.by[t.id] != t {
		return
	}
	delete(favoured.by, t.id)
	if favoured.plain != nil {
		_ = unix.SchedSetAttr(t.id, favoured.plain, 0) // it may have ended
	}
}
