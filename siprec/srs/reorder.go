package srs

import (
	"slices"
	"time"
)

// An entry is a packet that waits for its turn.
type entry struct {
	seq     int64 // extended
	at      time.Duration
	header  header
	payload []byte
}

const (
	// reorderTime is how long a missing packet is waited for.
	reorderTime = 150 * time.Millisecond
	// reorderSize bounds what waits.
	reorderSize = 50
	// startCount packets, or startTime, are waited for at the beginning, so that the first packet
	// need not be the first to arrive.
	startCount = 3
	startTime  = 80 * time.Millisecond
	// jump and misorder are steps of sequence numbers, forward and back, that mean a new beginning
	// (RFC 3550, appendix A.1: MAX_DROPOUT and MAX_MISORDER).
	jump     = 3000
	misorder = 100
)

// A reorderer puts the packets of one source into their order (RFC 3550, section
// 5.1). It belongs to one goroutine; times are those since the recording began.
type reorderer struct {
	started bool
	waiting []entry
	next    int64 // the sequence number that is due
	highest int64
	seen    uint64 // of the 64 before next, bit 0 the last: which came

	late, duplicate, reordered uint64
}

// push takes a packet; false means that it is far from what is expected.
func (r *reorderer) push(e entry) bool {
	if len(r.waiting) == 0 && !r.started {
		e.seq = 1<<32 | int64(e.header.seq)
		r.highest = e.seq
	} else {
		e.seq = r.highest + int64(int16(e.header.seq-uint16(r.highest))) //nolint:gosec // serial number arithmetic
		if e.seq-r.highest > jump || r.highest-e.seq > misorder {
			return false
		}
	}
	if r.started && e.seq < r.next {
		if back := r.next - 1 - e.seq; back < 64 && r.seen>>back&1 == 0 {
			r.late++
			r.seen |= 1 << back
		} else {
			r.duplicate++
		}

		return true
	}
	i, found := slices.BinarySearchFunc(r.waiting, e.seq, func(w entry, seq int64) int { return int(w.seq - seq) })
	if found {
		r.duplicate++

		return true
	}
	if e.seq < r.highest {
		r.reordered++
	}
	r.highest = max(r.highest, e.seq)
	r.waiting = slices.Insert(r.waiting, i, e)

	return true
}

// pop gives the packet that is due, and how many before it never came; false while
// it is worth waiting, unless all is wanted.
func (r *reorderer) pop(now time.Duration, all bool) (e entry, lost int64, ok bool) {
	if len(r.waiting) == 0 {
		return entry{}, 0, false
	}
	e = r.waiting[0]
	oldest := e.at
	for _, w := range r.waiting {
		oldest = min(oldest, w.at)
	}
	switch {
	case all:
	case !r.started:
		if len(r.waiting) < startCount && now-oldest < startTime {
			return entry{}, 0, false
		}
	case e.seq != r.next && len(r.waiting) < reorderSize && now-oldest < reorderTime:
		return entry{}, 0, false
	}
	if r.started {
		lost = e.seq - r.next
	}
	r.started = true
	r.waiting = slices.Delete(r.waiting, 0, 1)
	r.next = e.seq + 1
	r.seen = r.seen<<min(lost+1, 64) | 1

	return e, lost, true
}
