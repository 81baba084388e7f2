package hugepages

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// PageSize is the size of a large page. The heap grows in multiples of it.
const PageSize = 2 << 20

// Prefer lets the heap grow by size octets of address space, for which it asks for large pages, and gives them back to the heap: what is
// allocated next comes from there. No memory is used by that. It is to be called once, before the program allocates much. The error is the
// system's, and nothing worse than slower.
func Prefer(size int) error {
	err := advise(max(size, PageSize))
	runtime.GC() // gives the room back
	return err
}

// advise allocates room and asks for large pages there. The room is fresh from the system and never touched: it costs nothing.
func advise(size int) error {
	room := make([]byte, size)
	start := uintptr(unsafe.Pointer(&room[0])) //nolint:gosec // only its address counts
	first, end := (start+PageSize-1)&^(PageSize-1), (start+uintptr(size))&^(PageSize-1)
	_, _, errno := unix.Syscall(unix.SYS_MADVISE, first, end-first, unix.MADV_HUGEPAGE)
	runtime.KeepAlive(room)
	if errno != 0 {
		return fmt.Errorf("ask for large pages: %w", errno)
	}
	return nil
}
