package dtls

import (
	"bytes"
	"net"
	"os"
	"sync"
	"time"

	"github.com/pion/transport/v5/deadline"
)

// wireQueue is how many datagrams may wait: more than the flights of both ends have.
const wireQueue = 32

// peerAddr is the one end there is: where datagrams go is not for DTLS to decide.
type peerAddr struct{}

func (peerAddr) Network() string { return "dtls" }
func (peerAddr) String() string  { return "peer" }

// wire is a [net.PacketConn] whose datagrams others carry.
type wire struct {
	send     func([]byte)
	arrived  chan []byte
	closed   chan struct{}
	closing  sync.Once
	deadline *deadline.Deadline
}

var _ net.PacketConn = (*wire)(nil)

func newWire(send func([]byte)) *wire {
	return &wire{send: send, arrived: make(chan []byte, wireQueue), closed: make(chan struct{}), deadline: deadline.New()}
}

// deliver queues a datagram, or loses it.
func (w *wire) deliver(datagram []byte) {
	select {
	case w.arrived <- bytes.Clone(datagram):
	default:
	}
}

// ReadFrom implements [net.PacketConn].
func (w *wire) ReadFrom(p []byte) (int, net.Addr, error) {
	select {
	case <-w.closed:
		return 0, nil, net.ErrClosed
	case <-w.deadline.Done():
		return 0, nil, os.ErrDeadlineExceeded
	case datagram := <-w.arrived:
		return copy(p, datagram), peerAddr{}, nil
	}
}

// WriteTo implements [net.PacketConn].
func (w *wire) WriteTo(p []byte, _ net.Addr) (int, error) {
	select {
	case <-w.closed:
		return 0, net.ErrClosed
	default:
		w.send(p)
		return len(p), nil
	}
}

// Close implements [net.PacketConn].
func (w *wire) Close() error {
	w.closing.Do(func() { close(w.closed) })
	return nil
}

// LocalAddr implements [net.PacketConn].
func (w *wire) LocalAddr() net.Addr { return peerAddr{} }

// SetDeadline implements [net.PacketConn].
func (w *wire) SetDeadline(t time.Time) error { return w.SetReadDeadline(t) }

// SetReadDeadline implements [net.PacketConn].
func (w *wire) SetReadDeadline(t time.Time) error {
	w.deadline.Set(t)
	return nil
}

// SetWriteDeadline implements [net.PacketConn]: nothing that is written waits.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
