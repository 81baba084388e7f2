package memnet

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// datagram is one on its way.
type datagram struct {
	from netip.AddrPort
	data []byte
}

// socket is an end of datagrams.
type socket struct {
	network *Network
	at      netip.AddrPort
	queue   chan datagram
	closed  chan struct{}
	once    sync.Once
}

// ReadFrom waits for a datagram; what does not fit into p of it is lost. The error is net.ErrClosed.
func (s *socket) ReadFrom(p []byte) (int, net.Addr, error) {
	select {
	case d := <-s.queue:
		return copy(p, d.data), net.UDPAddrFromAddrPort(d.from), nil
	case <-s.closed:
		return 0, nil, fmt.Errorf("read from %s: %w", s.at, net.ErrClosed)
	}
}

// WriteTo sends a datagram. It does not wait. Errors: net.ErrClosed, and that of an address that is none of UDP.
func (s *socket) WriteTo(p []byte, to net.Addr) (int, error) {
	target, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, fmt.Errorf("write to %v: %w", to, net.InvalidAddrError("not of UDP"))
	}
	select {
	case <-s.closed:
		return 0, fmt.Errorf("write to %s: %w", to, net.ErrClosed)
	default:
	}
	if there := s.network.socket(s.at, target.AddrPort()); there != nil {
		select {
		case there.queue <- datagram{s.at, slices.Clone(p)}:
		default: // as of a full buffer
		}
	}
	return len(p), nil
}

// Close ends ReadFrom, and gives the address back.
func (s *socket) Close() error {
	s.once.Do(func() {
		close(s.closed)
		s.network.mu.Lock()
		defer s.network.mu.Unlock()
		delete(s.network.sockets, s.at)
	})
	return nil
}

// LocalAddr implements net.PacketConn.
func (s *socket) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(s.at) }

// SetDeadline implements net.PacketConn, and fails.
func (s *socket) SetDeadline(time.Time) error { return errNoDeadline }

// SetReadDeadline implements net.PacketConn, and fails.
func (s *socket) SetReadDeadline(time.Time) error { return errNoDeadline }

// SetWriteDeadline implements net.PacketConn; nothing waits.
func (s *socket) SetWriteDeadline(time.Time) error { return nil }

// listener takes connections.
type listener struct {
	network *Network
	at      netip.AddrPort
	queue   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// Accept waits for a connection. The error is net.ErrClosed.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, fmt.Errorf("accept at %s: %w", l.at, net.ErrClosed)
	}
}

// Close ends Accept, closes the connections that wait, and gives the address back.
func (l *listener) Close() error {
	l.once.Do(func() {
		l.network.mu.Lock()
		delete(l.network.listeners, l.at)
		l.network.mu.Unlock()
		close(l.closed)
		for {
			select {
			case c := <-l.queue:
				_ = c.Close() // never fails
			default:
				return
			}
		}
	})
	return nil
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at) }

// conn is an end of a connection.
type conn struct {
	net.Conn

	local, remote netip.AddrPort
}

// LocalAddr implements net.Conn.
func (c conn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local) }

// RemoteAddr implements net.Conn.
func (c conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }
