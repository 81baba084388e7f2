package media

import (
	"sync/atomic"
	"time"
)

const (
	reportRingSize = 8   // compound packets between two visits of the service goroutine
	reportMax      = 512 // octets of the longest one kept
	digitRingSize  = 16
)

// muxedReport is an RTCP packet that the tick found among the media.
type muxedReport struct {
	size    int
	arrival time.Duration
	from    sockaddr
	octets  [reportMax]byte
}

// reportRing hands RTCP packets from the tick to the service goroutine: one writer, one reader, no lock.
type reportRing struct {
	write, read atomic.Uint32
	slots       [reportRingSize]muxedReport
}

// put copies a packet in. It returns false if there is no room, or it is too long.
func (r *reportRing) put(octets []byte, from *sockaddr, arrival time.Duration) bool {
	at := r.write.Load()
	if at-r.read.Load() == reportRingSize || len(octets) > reportMax {
		return false
	}
	slot := &r.slots[at%reportRingSize]
	slot.size, slot.arrival, slot.from = copy(slot.octets[:], octets), arrival, *from
	r.write.Store(at + 1)
	return true
}

// waiting returns how many packets are in it.
func (r *reportRing) waiting() uint32 { return r.write.Load() - r.read.Load() }

// each hands the packets to use, oldest first.
func (r *reportRing) each(use func(*muxedReport)) {
	for at := r.read.Load(); at != r.write.Load(); at++ {
		use(&r.slots[at%reportRingSize])
		r.read.Store(at + 1)
	}
}

// digitRing hands key presses from the tick to the service goroutine: one writer, one reader, no lock.
type digitRing struct {
	write, read atomic.Uint32
	forgotten   atomic.Uint32 // what was put before this one is not wanted any more
	slots       [digitRingSize]Digit
}

// put adds a digit. It returns false if there is no room.
func (r *digitRing) put(d Digit) bool {
	at := r.write.Load()
	if at-r.read.Load() == digitRingSize {
		return false
	}
	r.slots[at%digitRingSize] = d
	r.write.Store(at + 1)
	return true
}

// take returns the oldest digit.
func (r *digitRing) take() (Digit, bool) {
	at := r.read.Load()
	if at == r.write.Load() {
		return Digit{}, false
	}
	d := r.slots[at%digitRingSize]
	r.read.Store(at + 1)
	return d, true
}
