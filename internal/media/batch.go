package media

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/parley-sip/parley/internal/uring"
)

// batchSize is how many system calls are made together at most.
const batchSize = 16

// Batch makes the system calls of several sessions together: those that are given one to Receive or Send leave their call there, and Submit makes all
// of them in one entry of the kernel. One is used by one tick at a time.
type Batch struct {
	ring    ring // nil: the system does not do it any more
	calls   [batchSize]pending
	results [batchSize]int32
	count   int
}

// ring is what makes the calls: a [uring.Ring].
type ring interface {
	Receive(fd int, m *unix.Msghdr)
	Send(fd int, packet []byte)
	SendMessage(fd int, m *unix.Msghdr)
	Submit(results []int32) bool
	Close()
}

// pending is a call of a batch.
type pending struct {
	session *Session
	sends   bool
	message unix.Msghdr
	vector  unix.Iovec
	control controlRoom
}

// NewBatch makes an empty one. The error is [uring.ErrUnsupported], or that no descriptor or memory is left: system calls are made one by one then.
func NewBatch() (*Batch, error) {
	r, err := uring.New(batchSize)
	if err != nil {
		return nil, err
	}
	return &Batch{ring: r}, nil
}

// Close gives it back to the system. It is empty.
func (b *Batch) Close() {
	if b.ring != nil {
		b.ring.Close()
		b.ring = nil
	}
}

// take gives the next call, or nil if it has to be made at once.
func (b *Batch) take(s *Session, sends bool) *pending {
	if b == nil || b.ring == nil || b.count == batchSize {
		return nil
	}
	c := &b.calls[b.count]
	b.count++
	c.session, c.sends = s, sends
	return c
}

// receive leaves the call of a session that has a room for the packet.
func (b *Batch) receive(s *Session) bool {
	c := b.take(s, false)
	if c == nil {
		return false
	}
	c.message = toReceive(s.in.room, &s.in.got, &c.vector, &c.control)
	b.ring.Receive(s.rtp.fd, &c.message)
	return true
}

// send leaves the call of a session that has a packet ready.
func (b *Batch) send(s *Session) bool {
	c := b.take(s, true)
	if c == nil {
		return false
	}
	if packet := s.in.room[:s.out.ready]; s.out.connected {
		b.ring.Send(s.rtp.fd, packet)
	} else {
		c.message = toSend(packet, &s.out.to, &c.vector)
		b.ring.SendMessage(s.rtp.fd, &c.message)
	}
	return true
}

// Submit makes the calls, and tells the sessions what has come of them.
func (b *Batch) Submit() {
	if b.count == 0 {
		return
	}
	if !b.ring.Submit(b.results[:b.count]) {
		b.Close()
	}
	for i := range b.calls[:b.count] {
		if c := &b.calls[i]; c.sends {
			c.session.batchSent(b.results[i])
		} else {
			c.session.batchReceived(b.results[i], c)
		}
		b.calls[i].session = nil
	}
	b.count = 0
}

// batchSent is told the result of the call that Send has left.
func (s *Session) batchSent(result int32) {
	if result == uring.Unmade {
		s.flush()
	} else {
		s.flushed(failure(result))
	}
	s.in.room = nil // goes back
}

// batchReceived is told the result of the call that Receive has left.
func (s *Session) batchReceived(result int32, c *pending) {
	in := &s.in
	if result == uring.Unmade {
		in.gotError = s.rtp.receive(in.room, &in.got)
		return
	}
	if in.gotError = failure(result); in.gotError == 0 {
		in.got.tell(int(result), &c.message, &c.control)
	}
}

// failure is the error that a result stands for.
func failure(result int32) syscall.Errno {
	if result >= 0 {
		return 0
	}
	return syscall.Errno(-result)
}
