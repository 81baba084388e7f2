package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	stallLook     = time.Millisecond
	stallPriority = 10 // above the server's mixing threads
)

// stalls counts how often a processor of the machine itself stood still for longer than a limit, as one of a virtual machine does whose host has
// other work: then every program on it is late.
type stalls struct {
	limit   time.Duration
	over    atomic.Bool
	looking sync.WaitGroup
	before  int // GOMAXPROCS

	mu      sync.Mutex // guards what follows
	count   int
	longest time.Duration
}

// watchStalls begins to look. Without the privilege for real-time threads it counts what other programs hold up as well.
func watchStalls(limit time.Duration) *stalls {
	s := &stalls{limit: limit, before: runtime.GOMAXPROCS(0)}
	runtime.GOMAXPROCS(s.before + runtime.NumCPU()) // those who look keep one each
	for cpu := range runtime.NumCPU() {
		s.looking.Go(func() { s.look(cpu) })
	}
	return s
}

// look sleeps for a moment again and again, and sees whether it is woken in time.
func (s *stalls) look(cpu int) {
	runtime.LockOSThread() // and never unlocked: the thread ends
	var only unix.CPUSet
	only.Set(cpu)
	_ = unix.SchedSetaffinity(0, &only)
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: stallPriority}, 0)
	ts := unix.NsecToTimespec(int64(stallLook))
	for !s.over.Load() {
		before := time.Now()
		// Go's scheduler does not know of it: to come back from a sleep it knows of can take long.
		_, _, _ = syscall.RawSyscall6(unix.SYS_CLOCK_NANOSLEEP, unix.CLOCK_MONOTONIC, 0, uintptr(unsafe.Pointer(&ts)), 0, 0, 0) //nolint:gosec // the kernel takes addresses
		if d := time.Since(before) - stallLook; d > s.limit {
			s.mu.Lock()
			s.count++
			s.longest = max(s.longest, d)
			s.mu.Unlock()
		}
	}
}

// stop ends it, and tells how often and how long at most a processor stood still.
func (s *stalls) stop() (times int, longest time.Duration) {
	s.over.Store(true)
	s.looking.Wait()
	runtime.GOMAXPROCS(s.before)
	return s.count, s.longest
}
