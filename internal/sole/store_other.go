//go:build race || !(amd64 || arm64)

package sole

import "sync/atomic"

// Store writes a value of which the caller is the only writer. The race detector is to see it as what it means.
func Store(v *atomic.Uint64, to uint64) { v.Store(to) }

// StoreInt writes a value of which the caller is the only writer.
func StoreInt(v *atomic.Int64, to int64) { v.Store(to) }
