package conftest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// lookEvery is how often a phone with a network of its own looks for media.
const lookEvery = 5 * time.Millisecond

// Poll reads a datagram as ReadFromUDPAddrPort does, but looks for it every so often instead of waiting for the system, so that the clock of a bubble
// of testing/synctest goes on meanwhile. The error is that of a socket that is closed, or the system's.
func Poll(conn *net.UDPConn, p []byte) (n int, from netip.AddrPort, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, from, fmt.Errorf("read: %w", err)
	}
	for {
		var failed error
		err := raw.Read(func(fd uintptr) bool {
			var at syscall.Sockaddr
			n, at, failed = syscall.Recvfrom(int(fd), p, syscall.MSG_DONTWAIT)
			switch at := at.(type) {
			case *syscall.SockaddrInet4:
				from = netip.AddrPortFrom(netip.AddrFrom4(at.Addr), uint16(at.Port)) //nolint:gosec // a port
			case *syscall.SockaddrInet6:
				from = netip.AddrPortFrom(netip.AddrFrom16(at.Addr), uint16(at.Port)) //nolint:gosec // a port
			}
			return true
		})
		switch {
		case err != nil:
			return 0, from, fmt.Errorf("read: %w", err)
		case failed == nil:
			return n, from, nil
		case errors.Is(failed, syscall.EAGAIN):
			<-time.After(lookEvery)
		case !errors.Is(failed, syscall.EINTR) && !errors.Is(failed, syscall.ECONNREFUSED):
			return 0, from, fmt.Errorf("read: %w", failed)
		}
	}
}
