package sole

import "sync/atomic"

// Add adds to a counter of which the caller is the only writer. It does not block.
func Add(c *atomic.Uint64, n uint64) { Store(c, c.Load()+n) }

// Set changes a value of which the caller is the only writer; what it is already is not written. It does not block.
func Set(v *atomic.Int64, to int64) {
	if v.Load() != to {
		StoreInt(v, to)
	}
}
