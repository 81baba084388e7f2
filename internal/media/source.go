package media

import "time"

// source keeps the reception statistics of one SSRC (RFC 3550, appendix A). It is pure; its validation is done before, by
// [latch].
type source struct {
	ssrc     uint32
	clock    int
	base     uint32 // first extended sequence number
	max      uint32 // highest extended sequence number
	received uint64
	jitter   float64 // RTP units (RFC 3550, appendix A.8)
	transit  time.Duration
	started  bool
	timed    bool   // transit is valid
	badSeq   uint32 // the sequence number after a jump that would be believed; above 16 bits: none
}

const noBadSeq = 1 << 16

// begin starts over with the packet as the first.
func (s *source) begin(ssrc uint32, seq uint16) {
	*s = source{ssrc: ssrc, clock: s.clock, base: uint32(seq), max: uint32(seq), started: true, badSeq: noBadSeq}
}

// update counts a packet (RFC 3550, appendix A.1, update_seq). A jump is believed when two packets agree; the packet is
// then the first of a new count.
func (s *source) update(seq uint16) {
	delta := seq - uint16(s.max)
	switch {
	case delta < maxDropout:
		s.max += uint32(delta)
	case delta <= 1<<16-1-maxMisorder:
		if s.badSeq != uint32(seq) {
			s.badSeq = uint32(seq + 1)
			return
		}
		clock, ssrc := s.clock, s.ssrc
		s.begin(ssrc, seq)
		s.clock = clock
	}
	s.received++
}

// arrive measures the jitter (RFC 3550, section 6.4.1). Packets of telephone events, whose timestamps stand still, are left
// out by the caller.
func (s *source) arrive(timestamp uint32, clock int, arrival time.Duration) {
	if clock != s.clock {
		s.clock, s.timed, s.jitter = clock, false, 0
	}
	// The timestamp wraps, so only the difference to the packet before is used.
	transit := arrival - time.Duration(timestamp)*time.Second/time.Duration(clock)
	if s.timed {
		d := transit - s.transit
		if d < -maxTransit || d > maxTransit {
			d = unwrapped(d, clock)
		}
		if d < 0 {
			d = -d
		}
		if d < maxTransit { // a jump of the timestamp is no jitter
			units := float64(d) * float64(clock) / float64(time.Second)
			s.jitter += (units - s.jitter) / 16
		}
	}
	s.transit, s.timed = transit, true
}

// unwrapped is a change of transit without that of a timestamp that has wrapped.
func unwrapped(d time.Duration, clock int) time.Duration {
	wrap := time.Duration(1<<32) * time.Second / time.Duration(clock)
	switch {
	case d > wrap/2:
		return d - wrap
	case d < -wrap/2:
		return d + wrap
	default:
		return d
	}
}

// lost returns the cumulative number of packets lost (RFC 3550, appendix A.3).
func (s *source) lost() int64 { return int64(s.max-s.base) + 1 - int64(s.received) }
