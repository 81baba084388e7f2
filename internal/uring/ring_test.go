package uring

import (
	"errors"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// newRing makes one that is closed with the test. Where the system allows none there is nothing to test but that New says so: ok is false.
func newRing(t *testing.T, size int) (r *Ring, ok bool) {
	t.Helper()
	r, err := New(size)
	if errors.Is(err, ErrUnsupported) {
		t.Log(err)
		return nil, false
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r, true
}

// pair is two UDP sockets that are connected with each other.
func pair(t *testing.T) (fds [2]int, addresses [2]unix.RawSockaddrInet4) {
	t.Helper()
	for i := range fds {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		fds[i] = fd
		t.Cleanup(func() { _ = unix.Close(fd) })
		if err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			t.Fatal(err)
		}
		bound, err := unix.Getsockname(fd)
		if err != nil {
			t.Fatal(err)
		}
		four := bound.(*unix.SockaddrInet4) //nolint:forcetypeassert // it was bound as one
		addresses[i] = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: uint16(four.Port)<<8 | uint16(four.Port)>>8, Addr: four.Addr}
	}
	for i, fd := range fds {
		other := addresses[1-i]
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(other.Port<<8 | other.Port>>8), Addr: other.Addr}); err != nil {
			t.Fatal(err)
		}
	}
	return fds, addresses
}

// letter is a message with its memory.
type letter struct {
	header unix.Msghdr
	vector unix.Iovec
	room   [64]byte
	from   unix.RawSockaddrInet4
}

func (l *letter) open() *unix.Msghdr {
	l.vector.Base = &l.room[0]
	l.vector.SetLen(len(l.room))
	l.header = unix.Msghdr{Name: (*byte)(unsafe.Pointer(&l.from)), Namelen: unix.SizeofSockaddrInet4, Iov: &l.vector, Iovlen: 1}
	return &l.header
}

func (l *letter) write(text string, to *unix.RawSockaddrInet4) *unix.Msghdr {
	l.open()
	l.vector.SetLen(copy(l.room[:], text))
	l.from = *to
	return &l.header
}

// Packets go both ways, more of them than the ring has places, and each call has its own result.
func TestCalls(t *testing.T) {
	r, ok := newRing(t, 4)
	if !ok {
		return
	}
	fds, addresses := pair(t)
	results := make([]int32, 4)
	var in [3]letter
	var out letter
	for turn := range 20 {
		r.Send(fds[0], []byte("one"))
		r.SendMessage(fds[0], out.write("three", &addresses[1]))
		if !r.Submit(results) || !slices.Equal(results[:2], []int32{3, 5}) {
			t.Fatalf("turn %d: sent %v", turn, results[:2])
		}
		for i := range in {
			r.Receive(fds[1], in[i].open())
		}
		r.Send(fds[1], []byte("back"))
		if free := r.Free(); free != 0 {
			t.Fatalf("%d free", free)
		}
		if !r.Submit(results) || !slices.Equal(results, []int32{3, 5, -int32(unix.EAGAIN), 4}) {
			t.Fatalf("turn %d: received %v", turn, results)
		}
		if got := string(in[0].room[:3]) + string(in[1].room[:5]); got != "onethree" || in[1].from != addresses[0] {
			t.Fatalf("turn %d: %q from %v", turn, got, in[1].from)
		}
		if n, err := unix.Read(fds[0], in[0].room[:]); n != 4 || err != nil {
			t.Fatalf("turn %d: back: %d, %v", turn, n, err)
		}
	}
}

// One that fails does not keep back those after it.
func TestFailure(t *testing.T) {
	r, ok := newRing(t, 4)
	if !ok {
		return
	}
	fds, _ := pair(t)
	results := make([]int32, 3)
	r.Send(-1, []byte("nowhere"))
	r.Send(fds[0], make([]byte, 1<<17))
	r.Send(fds[0], []byte("here"))
	if want := []int32{-int32(unix.EBADF), -int32(unix.EMSGSIZE), 4}; !r.Submit(results) || !slices.Equal(results, want) {
		t.Errorf("%v, want %v", results, want)
	}
}

// A kernel that refuses all is told from calls that have failed.
func TestRefused(t *testing.T) {
	r, ok := newRing(t, 4)
	if !ok {
		return
	}
	fds, _ := pair(t)
	if err := unix.Close(r.fd); err != nil {
		t.Fatal(err)
	}
	r.Send(fds[0], []byte("x"))
	results := []int32{0}
	if r.Submit(results) || results[0] != Unmade {
		t.Errorf("%v", results)
	}
	r.fd = -1 // the test has closed it
}

func TestUnsupported(t *testing.T) {
	if r, err := New(0); r != nil || !errors.Is(err, ErrUnsupported) {
		t.Errorf("%v, %v", r, err)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	r, ok := newRing(t, 4)
	if !ok {
		return
	}
	fds, _ := pair(t)
	results, text := make([]int32, 2), []byte("text")
	var in letter
	if n := testing.AllocsPerRun(50, func() {
		r.Send(fds[0], text)
		r.Receive(fds[1], in.open())
		r.Submit(results)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
