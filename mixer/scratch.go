package mixer

import (
	"sync/atomic"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// codecCount is one more than the highest codec.
const codecCount = codecs.Count

// roomStride is the distance between two rooms for packets. If it were a power of two, their beginnings would drive each other out of the caches.
const roomStride = PacketRoom + 320

// room is that of the nth member of a batch.
func (w *scratch) room(n int) []byte { return w.rooms[n][:PacketRoom:PacketRoom] }

// submit makes the system calls that members have left.
func (w *scratch) submit() {
	if w.calls != nil {
		w.calls.Submit()
	}
}

// open gets the worker what its members leave their system calls with.
func (w *scratch) open(c *Config) {
	if c.Calls != nil {
		w.calls = c.Calls()
	}
}

// close gives it back.
func (w *scratch) close() {
	if c, ok := w.calls.(interface{ Close() }); ok {
		c.Close()
	}
	w.calls = nil
}

// scratch is what one worker needs while it works: buffers, and counters that others may read.
type scratch struct {
	frame   [codecs.MaxFrameSamples]int16   // what an input yields
	own     [codecs.MaxFrameSamples]int32   // a contribution at a rate that is not in use
	sum     [codecs.MaxFrameSamples]int32   // a bus without one contribution, or with a gain
	float   [codecs.MaxFrameSamples]float32 // a frame that is being conditioned
	late    [codecs.MaxFrameSamples / blocks * lookBack]float32
	shifted [codecs.MaxFrameSamples]int32 // a bus that is late by a block
	packet  codecs.Packet
	due     time.Duration // when the tick that is under way was due; 0: nobody knows
	csrc    [codecs.MaxCSRC]uint32
	levels  [codecs.MaxCSRC]uint8
	rooms   [batch][roomStride]byte // for packets that are under way to or from the system
	calls   Calls                   // nil: none are left for later

	encoded      [codecCount]atomic.Uint64
	forwarded    [codecCount]atomic.Uint64
	sent         [codecCount]atomic.Uint64
	badFrames    atomic.Uint64
	encodeErrors atomic.Uint64
}

// before is when the first of so many missed ticks before this one was due.
func (w *scratch) before(missed int) time.Duration {
	if w.due == 0 {
		return 0
	}

	return w.due - time.Duration(missed)*TickPeriod
}
