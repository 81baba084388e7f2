package sipua

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// A socket for calls has room for more than the usual, as far as it may.
func TestReceiveBuffer(t *testing.T) {
	t.Parallel()
	free := false // the process may have as much as it wants: root in a container often may not
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
		if e := raw.Control(func(fd uintptr) { free = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, n) == nil }); e != nil {
			t.Fatal(e)
		}
		return n
	}
	usual, wide := size(false), size(true)
	if free && wide < 2*receiveBuffer || wide < usual {
		t.Errorf("room for %d octets, usually %d", wide, usual)
	}
}
