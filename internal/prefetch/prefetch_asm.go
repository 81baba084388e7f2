//go:build amd64 || arm64

package prefetch

import "unsafe"

// lines asks for the line of p and those after it, n in all.
//
//go:noescape
func lines(p unsafe.Pointer, n uintptr)
