package sipua

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// A socket for calls has room for more than the usual, as far as it may.
func TestReceiveBuffer(t *testing.T) {
	t.Parallel()
	size := func(wide bool) (n int) {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close() //nolint:errcheck // nothing was sent
		if wide {
			widen(conn)
		}
		raw, err := conn.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if err = raw.Control(func(fd uintptr) { n, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF) }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	usual, wide := size(false), size(true)
	if unix.Geteuid() == 0 && wide < 2*receiveBuffer || wide < usual {
		t.Errorf("room for %d octets, usually %d", wide, usual)
	}
}
