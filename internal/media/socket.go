package media

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// receiveBuffer is what a socket may hold while nobody reads it, as the system counts: 13 s of G.711, 4 s of packets of 1 KiB, 1.2 s of such of 4 KiB.
const receiveBuffer = 256 << 10

// voiceClass is the traffic class of voice, EF (RFC 3246), in the place where IPv4 and IPv6 have it.
const voiceClass = 46 << 2

// socket is a UDP socket that Go's poller does not know: it would be woken for every packet, although packets are only read
// when the tick asks. All its calls are non-blocking, so that they may be made without telling the scheduler.
type socket struct {
	fd int
	v6 bool
}

// sockaddr is an address as the system wants it. The size is 0 for none.
type sockaddr struct {
	raw  unix.RawSockaddrInet6 // the larger of the two
	size uint32
}

// openSocket binds a socket. It reports arrival times of packets, because the tick reads them up to 20 ms later.
func openSocket(local netip.AddrPort) (socket, error) {
	s := socket{v6: local.Addr().Is6()}
	family := unix.AF_INET
	if s.v6 {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return socket{}, fmt.Errorf("open UDP socket: %w", err)
	}
	s.fd = fd
	if err := s.setUp(local); err != nil {
		s.close()
		return socket{}, err
	}
	return s, nil
}

// setUp sets the options and binds.
func (s socket) setUp(local netip.AddrPort) error {
	if s.v6 {
		only := 1
		if local.Addr().IsUnspecified() {
			only = 0
		}
		if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return fmt.Errorf("set IPV6_V6ONLY: %w", err)
		}
		_ = unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, voiceClass) // a wish: networks may not allow it
	} else {
		_ = unix.SetsockoptInt(s.fd, unix.IPPROTO_IP, unix.IP_TOS, voiceClass) // a wish: networks may not allow it
	}
	_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer) // limited by net.core.rmem_max
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return fmt.Errorf("set SO_TIMESTAMPNS: %w", err)
	}
	var bound unix.Sockaddr
	if s.v6 {
		bound = &unix.SockaddrInet6{Port: int(local.Port()), Addr: local.Addr().As16()}
	} else {
		bound = &unix.SockaddrInet4{Port: int(local.Port()), Addr: local.Addr().As4()}
	}
	if err := unix.Bind(s.fd, bound); err != nil {
		return fmt.Errorf("bind %v: %w", local, err)
	}
	return nil
}

// widen has the system keep more of what nobody has read: as much as net.core.rmem_max allows, or all where the process has CAP_NET_ADMIN.
func (s socket) widen(octets int) {
	_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, octets)
	_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, octets)
}

// close gives the socket back.
func (s socket) close() { _ = unix.Close(s.fd) }

// address prepares an address for the socket's family; none if it is not valid or of the other family.
func (s socket) address(a netip.AddrPort) sockaddr {
	if !a.IsValid() || a.Port() == 0 {
		return sockaddr{}
	}
	var out sockaddr
	port := a.Port()<<8 | a.Port()>>8 // network order
	if s.v6 {
		out.raw = unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: port, Addr: a.Addr().As16()}
		out.size = unix.SizeofSockaddrInet6
		return out
	}
	if ip := a.Addr().Unmap(); ip.Is4() {
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(&out.raw)) //nolint:gosec // memory of the system call
		*four = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: port, Addr: ip.As4()}
		out.size = unix.SizeofSockaddrInet4
	}
	return out
}

// addrPort is the reverse of address, IPv4 never in its IPv6 form.
func (a *sockaddr) addrPort() netip.AddrPort {
	port := a.raw.Port<<8 | a.raw.Port>>8
	switch a.raw.Family {
	case unix.AF_INET:
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(&a.raw)) //nolint:gosec // memory of the system call
		return netip.AddrPortFrom(netip.AddrFrom4(four.Addr), port)
	case unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.raw.Addr).Unmap(), port)
	default:
		return netip.AddrPort{}
	}
}

// received describes a packet.
type received struct {
	from  sockaddr
	size  int
	stamp int64 // arrival, Unix time in nanoseconds; 0 if the system did not tell
	cut   bool  // longer than the buffer
}

// receive reads one packet without waiting; EAGAIN when there is none.
func (s socket) receive(buf []byte, r *received) syscall.Errno {
	var vector unix.Iovec
	var control controlRoom
	m := toReceive(buf, r, &vector, &control)
	n, _, errno := syscall.RawSyscall(unix.SYS_RECVMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&m)), unix.MSG_DONTWAIT) //nolint:gosec // memory of the system call
	if errno == 0 {
		r.tell(int(n), &m, &control)
	}
	return errno
}

// send sends one packet without waiting, to the address or, with none, to where the socket is connected.
func (s socket) send(packet []byte, to *sockaddr) syscall.Errno {
	address, size := unsafe.Pointer(nil), uintptr(0) //nolint:gosec // memory of the system call
	if to != nil {
		address, size = unsafe.Pointer(&to.raw), uintptr(to.size) //nolint:gosec // memory of the system call
	}
	_, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(unsafe.SliceData(packet))), uintptr(len(packet)), //nolint:gosec // memory of the system call
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, uintptr(address), size)
	return errno
}

// connect lets the system drop everything that does not come from the address. It does not wait: there is no handshake.
func (s socket) connect(to *sockaddr) bool {
	_, _, errno := syscall.RawSyscall(unix.SYS_CONNECT, uintptr(s.fd), uintptr(unsafe.Pointer(&to.raw)), uintptr(to.size)) //nolint:gosec // memory of the system call
	return errno == 0
}

// disconnect undoes connect.
func (s socket) disconnect() {
	none := sockaddr{raw: unix.RawSockaddrInet6{Family: unix.AF_UNSPEC}, size: unix.SizeofSockaddrInet6}
	s.connect(&none)
}

// wallClock relates the time since a transport began to the system's clock, which time stamps of packets are in: to read both clocks for each
// participant and tick costs twice as much. It is set anew in each round of the service, so that it follows when the system's clock is set.
type wallClock struct{ offset atomic.Int64 }

// set compares the clocks.
func (c *wallClock) set(epoch time.Time) {
	now := time.Now()
	c.offset.Store(now.UnixNano() - int64(now.Sub(epoch)))
}

// at is the Unix time in nanoseconds at a time since the transport began.
func (c *wallClock) at(now time.Duration) int64 { return c.offset.Load() + int64(now) }

// arrivalTime turns the system's time stamp into the time scale of now. A stamp that makes no sense, because somebody set the
// clock, counts as now. wall is the Unix time of now, in nanoseconds.
func arrivalTime(stamp, wall int64, now time.Duration) time.Duration {
	if stamp == 0 {
		return now
	}
	ago := time.Duration(wall - stamp)
	if ago < 0 || ago > time.Minute {
		return now
	}
	return now - ago
}
