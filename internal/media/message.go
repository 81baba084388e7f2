package media

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// controlRoom is for what the system tells of a packet besides.
type controlRoom [64]byte

// toReceive describes to the system a packet that goes to buf, and what is known of it to r. The vector and the room for more are the caller's, and
// stay where they are until the call is made.
func toReceive(buf []byte, r *received, vector *unix.Iovec, control *controlRoom) unix.Msghdr {
	vector.Base = &buf[0]
	vector.SetLen(len(buf))
	m := unix.Msghdr{
		Name: (*byte)(unsafe.Pointer(&r.from.raw)), Namelen: uint32(unsafe.Sizeof(r.from.raw)), //nolint:gosec // memory of the system call
		Iov: vector, Iovlen: 1, Control: &control[0],
	}
	m.SetControllen(len(control))
	return m
}

// tell notes what the system has told of a packet of so many octets.
func (r *received) tell(size int, m *unix.Msghdr, control *controlRoom) {
	r.size, r.cut = size, m.Flags&unix.MSG_TRUNC != 0
	r.from.size = m.Namelen
	r.stamp = 0
	if c := (*unix.Cmsghdr)(unsafe.Pointer(&control[0])); m.Controllen >= unix.SizeofCmsghdr && //nolint:gosec // memory of the system call
		c.Level == unix.SOL_SOCKET && c.Type == unix.SCM_TIMESTAMPNS {
		stamp := (*unix.Timespec)(unsafe.Pointer(&control[unix.SizeofCmsghdr])) //nolint:gosec // memory of the system call
		r.stamp = stamp.Nano()
	}
}

// toSend describes to the system a packet to an address, as toReceive does.
func toSend(packet []byte, to *sockaddr, vector *unix.Iovec) unix.Msghdr {
	vector.Base = unsafe.SliceData(packet) //nolint:gosec // memory of the system call
	vector.SetLen(len(packet))
	return unix.Msghdr{Name: (*byte)(unsafe.Pointer(&to.raw)), Namelen: to.size, Iov: vector, Iovlen: 1} //nolint:gosec // memory of the system call
}
