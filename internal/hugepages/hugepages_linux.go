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
	reserve := make([]byte, max(size, PageSize))  // never touched: fresh from the system it is zero already
	start := uintptr(unsafe.Pointer(&reserve[0])) //nolint:gosec // only its address counts
	first, end := start&^(PageSize-1), (start+uintptr(len(reserve)))&^(PageSize-1)
	if first < start {
		first += PageSize
	}
	_, _, errno := unix.Syscall(unix.SYS_MADVISE, first, end-first, unix.MADV_HUGEPAGE)
	runtime.KeepAlive(reserve)
	reserve = nil
	runtime.GC() // gives the room back
	if errno != 0 {
		return fmt.Errorf("ask for large pages: %w", errno)
	}

	return nil
}
