package prefetch

import "unsafe"

// lineSize is that of the processors we know; larger lines are asked for twice, which costs little.
const lineSize = 64

// Lines asks for the lines that hold size octets at p, which may be nil. It changes nothing, and waits for nothing.
func Lines(p unsafe.Pointer, size uintptr) {
	if p == nil || size == 0 {
		return
	}
	first := uintptr(p) &^ (lineSize - 1)
	lines(p, (uintptr(p)+size-first+lineSize-1)/lineSize)
}
