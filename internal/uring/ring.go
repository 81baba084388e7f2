package uring

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Unmade is the result of a call that was not made, since the system has refused the whole of them.
const Unmade = -1 << 31

// patience is how often the kernel may say that it has no memory at the moment.
const patience = 100

// ErrUnsupported tells that the system has no io_uring, or does not allow it.
var ErrUnsupported = errors.New("uring: not supported")

// Ring queues calls, and makes them.
type Ring struct {
	fd       int
	rings    []byte
	mapped   []byte
	requests []request
	tail     *uint32 // of what is to be done
	head     *uint32 // of what is done
	done     *uint32 // tail of what is done
	mask     uint32
	results  []completion

	queued uint32 // since the last Submit
	next   uint32 // tail of what is to be done, ours
}

// New makes a ring for a number of calls at once, at least. The error is [ErrUnsupported], or that no descriptor or memory is left.
func New(size int) (*Ring, error) {
	p := params{flags: setupSubmitAll}
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, uintptr(size), uintptr(unsafe.Pointer(&p)), 0) //nolint:gosec // the kernel takes addresses
	if refused := []syscall.Errno{unix.ENOSYS, unix.EPERM, unix.EACCES, unix.EINVAL}; slices.Contains(refused, errno) {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, errno)
	}
	if errno != 0 {
		return nil, fmt.Errorf("uring: set up: %w", errno)
	}
	r := &Ring{fd: int(fd)}
	if err := r.setUp(&p); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// setUp maps what is shared with the kernel, and tries it.
func (r *Ring) setUp(p *params) error {
	const wanted = featureSingleMap | featureNoDrop
	if p.features&wanted != wanted {
		return fmt.Errorf("%w: features %#x", ErrUnsupported, p.features)
	}
	size := max(p.submission.array+p.entries*uint32(unsafe.Sizeof(uint32(0))), p.completion.completions+p.completions*uint32(unsafe.Sizeof(completion{})))
	var err error
	if r.rings, err = unix.Mmap(r.fd, offsetRings, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE); err != nil {
		return fmt.Errorf("uring: map: %w", err)
	}
	if r.mapped, err = unix.Mmap(r.fd, offsetEntries, int(p.entries)*int(unsafe.Sizeof(request{})), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE); err != nil {
		return fmt.Errorf("uring: map: %w", err)
	}
	r.requests = unsafe.Slice((*request)(unsafe.Pointer(&r.mapped[0])), p.entries)                             //nolint:gosec // shared with the kernel
	r.results = unsafe.Slice((*completion)(unsafe.Pointer(&r.rings[p.completion.completions])), p.completions) //nolint:gosec // the same
	r.tail, r.head, r.done = r.word(p.submission.tail), r.word(p.completion.head), r.word(p.completion.tail)
	r.mask = *r.word(p.completion.mask)
	places := unsafe.Slice(r.word(p.submission.array), p.entries) //nolint:gosec // shared with the kernel
	for i := range p.entries {
		places[i] = i // each request keeps its own
	}
	r.next = *r.tail
	r.queue(request{op: opNop})
	var result [1]int32
	if r.Submit(result[:]); result[0] != 0 {
		return fmt.Errorf("%w: %w", ErrUnsupported, syscall.Errno(-result[0])) //nolint:gosec // a small number
	}
	return nil
}

func (r *Ring) word(at uint32) *uint32 { return (*uint32)(unsafe.Pointer(&r.rings[at])) } //nolint:gosec // shared with the kernel

// Close gives the ring back. Nothing may be queued.
func (r *Ring) Close() {
	if r.mapped != nil {
		_ = unix.Munmap(r.mapped)
	}
	if r.rings != nil {
		_ = unix.Munmap(r.rings)
	}
	_ = unix.Close(r.fd)
}

// Free is how many more calls may be queued until Submit.
func (r *Ring) Free() int { return len(r.requests) - int(r.queued) }

// Receive queues recvmsg. What the message refers to has to stay where it is until Submit, as with the others.
func (r *Ring) Receive(fd int, m *unix.Msghdr) {
	r.queue(request{op: opRecvMsg, fd: int32(fd), address: uint64(uintptr(unsafe.Pointer(m))), size: 1, opFlags: unix.MSG_DONTWAIT}) //nolint:gosec // the kernel takes addresses
}

// Send queues send to where the socket is connected.
func (r *Ring) Send(fd int, packet []byte) {
	r.queue(request{op: opSend, fd: int32(fd), address: uint64(uintptr(unsafe.Pointer(unsafe.SliceData(packet)))), size: uint32(len(packet)), //nolint:gosec // the kernel takes addresses
		opFlags: unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL})
}

// SendMessage queues sendmsg.
func (r *Ring) SendMessage(fd int, m *unix.Msghdr) {
	r.queue(request{op: opSendMsg, fd: int32(fd), address: uint64(uintptr(unsafe.Pointer(m))), size: 1, opFlags: unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL}) //nolint:gosec // the kernel takes addresses
}

func (r *Ring) queue(q request) {
	q.tag = uint64(r.queued)
	r.requests[r.next&uint32(len(r.requests)-1)] = q //nolint:gosec // a power of two, and few
	r.next++
	r.queued++
}

// Submit makes all calls that are queued and writes their results in their order: what the call returns, or the negative error; [Unmade] if it
// reports false: then the ring is of no use any more. Results has room for all.
func (r *Ring) Submit(results []int32) bool {
	count := r.queued
	r.queued = 0
	results = results[:count]
	for i := range results {
		results[i] = Unmade
	}
	atomic.StoreUint32(r.tail, r.next)
	submitted, found := uint32(0), uint32(0)
	for tries := 0; found < count; tries++ {
		// All are done when they are submitted, since none may wait. Should the kernel see it otherwise, it is waited for: the memory is in use.
		wait, flags := uint32(0), uintptr(0)
		if submitted == count {
			wait, flags = count-found, enterGetEvents
		}
		n, _, errno := syscall.RawSyscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), uintptr(count-submitted), uintptr(wait), flags, 0, 0)
		if errno != 0 && (tries > patience || errno != unix.EINTR && errno != unix.EAGAIN && errno != unix.EBUSY) {
			return false
		}
		if errno == 0 && submitted < count {
			submitted += uint32(n) //nolint:gosec // at most count
		}
		found += r.reap(results)
	}
	return true
}

// reap takes what is done.
func (r *Ring) reap(results []int32) uint32 {
	head, tail := *r.head, atomic.LoadUint32(r.done)
	for at := head; at != tail; at++ {
		c := &r.results[at&r.mask]
		results[c.tag] = c.result
	}
	atomic.StoreUint32(r.head, tail)
	return tail - head
}
