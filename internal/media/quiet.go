package media

import (
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// QuietSocket is a UDP socket that wakes nobody when packets come: who has it looks from time to time. A recorder of many streams that is woken
// for each packet costs the sender on the same machine four times as much for each. One goroutine may use it at a time.
type QuietSocket struct {
	socket

	local netip.AddrPort
}

// OpenQuietSocket binds a socket; port 0 takes any. The error is the system's.
func OpenQuietSocket(local netip.AddrPort) (*QuietSocket, error) {
	s, err := openSocket(local)
	if err != nil {
		return nil, err
	}
	q := &QuietSocket{socket: s, local: local}
	if local.Port() == 0 {
		name, err := unix.Getsockname(s.fd)
		if err != nil {
			s.close()
			return nil, err //nolint:wrapcheck // the system's
		}
		switch bound := name.(type) {
		case *unix.SockaddrInet4:
			q.local = netip.AddrPortFrom(local.Addr(), uint16(bound.Port))
		case *unix.SockaddrInet6:
			q.local = netip.AddrPortFrom(local.Addr(), uint16(bound.Port))
		}
	}
	return q, nil
}

// LocalAddr is where it is bound.
func (q *QuietSocket) LocalAddr() netip.AddrPort { return q.local }

// Room has the system keep packets until they are read, of a size in octets with their headers and at a number in a second, for a time; where they
// are small it keeps more than that anyway. It is a wish: without CAP_NET_ADMIN, net.core.rmem_max bounds it.
func (q *QuietSocket) Room(size, rate int, unread time.Duration) {
	each := 2*size + 1<<10                                                              // what the system counts: the next power of two that has the packet and what it knows about it
	if octets := int(unread.Seconds() * float64(rate*each/2)); octets > receiveBuffer { // it doubles what is asked for
		q.widen(octets)
	}
}

// Receive takes the next packet without waiting, and says where it came from and when the system had it. It is false when there is none.
// Packets longer than the buffer are left out.
func (q *QuietSocket) Receive(buf []byte) (n int, from netip.AddrPort, at time.Time, ok bool) {
	var r received
	for {
		switch errno := q.receive(buf, &r); {
		case errno == syscall.ECONNREFUSED || errno == syscall.EINTR: // the answer to something sent, not a packet
		case errno != 0:
			return 0, netip.AddrPort{}, time.Time{}, false
		case !r.cut:
			now := time.Now()
			return r.size, r.from.addrPort(), now.Add(-arrivalTime(r.stamp, now.UnixNano(), 0).Abs()), true
		}
	}
}

// Send sends one packet without waiting, and reports whether it has left.
func (q *QuietSocket) Send(packet []byte, to netip.AddrPort) bool {
	address := q.address(to)
	return len(packet) > 0 && address.size > 0 && q.send(packet, &address) == 0
}

// Close gives the port back.
func (q *QuietSocket) Close() { q.close() }
