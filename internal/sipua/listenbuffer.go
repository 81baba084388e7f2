package sipua

import "net"

// receiveBuffer is how many octets of what has come by UDP wait in the kernel to be read: a thousand calls that end at the same moment. With the
// usual 208 KiB most of their BYEs would be lost, and come again half a second or more later.
const receiveBuffer = 4 << 20

// widen gives a socket room for what comes at once: as much as net.core.rmem_max allows, or more where the process may.
func widen(conn *net.UDPConn) {
	_ = conn.SetReadBuffer(receiveBuffer) // a wish
	if raw, err := conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { force(int(fd)) })
	}
}
