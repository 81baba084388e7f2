package srtp

// windowSize is how many packets back a late one is still told from a replayed one (RFC 3711, section 3.3.2: at least 64).
// It is more than a second of audio; who comes later than that is of no use to a jitter buffer.
const windowSize = 64

// window remembers which indices were seen.
type window struct {
	top  uint64 // highest index
	seen uint64 // bit n: top-n
	some bool
}

// fresh tells whether the index was not seen yet, as far as is known.
func (w *window) fresh(index uint64) bool {
	if !w.some || index > w.top {
		return true
	}
	behind := w.top - index
	return behind < windowSize && w.seen&(1<<behind) == 0
}

// mark notes an index that is fresh.
func (w *window) mark(index uint64) {
	switch {
	case !w.some:
		w.top, w.seen, w.some = index, 1, true
	case index > w.top:
		w.seen = w.seen<<(index-w.top) | 1 // a shift by 64 or more gives 0
		w.top = index
	default:
		w.seen |= 1 << (w.top - index)
	}
}

// estimate returns the index that a sequence number most likely means (RFC 3711, section 3.3.1 and appendix A).
func (w *window) estimate(seq uint16) uint64 {
	if !w.some {
		return uint64(seq)
	}
	roc, last := w.top>>16, uint16(w.top&(1<<16-1))
	switch {
	case last < 1<<15 && seq > last && seq-last > 1<<15 && roc > 0:
		roc--
	case last >= 1<<15 && last-1<<15 > seq:
		roc++
	}
	return roc<<16 | uint64(seq)
}
