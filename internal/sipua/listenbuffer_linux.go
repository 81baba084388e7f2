package sipua

import "golang.org/x/sys/unix"

// force is for who has CAP_NET_ADMIN.
func force(fd int) { _ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) }
