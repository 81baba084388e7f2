//go:build (amd64 || arm64) && !race

package sole

import (
	"sync/atomic"
	"unsafe"
)

// Store writes a value of which the caller is the only writer.
func Store(v *atomic.Uint64, to uint64) { store(unsafe.Pointer(v), to) } //nolint:gosec // sync/atomic's types are their value

// StoreInt writes a value of which the caller is the only writer.
func StoreInt(v *atomic.Int64, to int64) { store(unsafe.Pointer(v), uint64(to)) } //nolint:gosec // the same

//go:noescape
func store(v unsafe.Pointer, to uint64)
