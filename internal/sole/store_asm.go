//go:build (amd64 || arm64) && !race

package sole

import "sync/atomic"

// Store writes a value of which the caller is the only writer.
//
//go:noescape
func Store(v *atomic.Uint64, to uint64)

// StoreInt writes a value of which the caller is the only writer.
//
//go:noescape
func StoreInt(v *atomic.Int64, to int64)
