package srs

import "time"

// A source is one SSRC of a stream, from the packet with which it was taken up.
// It belongs to the goroutine of its recording.
type source struct {
	ssrc  uint32
	order reorderer
	line  timeline

	begun  bool
	lastTS int64 // extended timestamp of the last packet put in
	nextTS int64 // that is expected after it
	next   int64 // sample after the last one written
	lastAt time.Duration
	silent bool // the last packet was comfort noise: there is nothing until the next one

	report   senderReport // the last one
	reportAt time.Duration
	reported bool

	received   uint64
	transit    int64 // of the last packet, in RTP units
	jitter     float64
	expectedTo uint64 // what the last receiver report said
	receivedTo uint64
}

// extend makes a timestamp of 32 bits comparable with those before it.
func (s *source) extend(timestamp uint32) int64 {
	if !s.begun {
		return 1<<32 | int64(timestamp)
	}

	return s.lastTS + int64(int32(timestamp-uint32(s.lastTS))) //nolint:gosec // serial number arithmetic
}

// count keeps the statistics of RFC 3550, sections 6.4.1 and A.8.
func (s *source) count(timestamp uint32, at time.Duration, clockRate int) {
	arrival := int64(at.Seconds() * float64(clockRate))
	transit := arrival - int64(timestamp)
	if s.received > 0 {
		d := float64(abs(int64(int32(transit - s.transit)))) //nolint:gosec // serial number arithmetic
		s.jitter += (d - s.jitter) / 16
	}
	s.transit = transit
	s.received++
}

// reception is the block of a receiver report about this source.
func (s *source) reception(now time.Duration, lost uint64) reception {
	expected := s.received + lost
	r := reception{
		ssrc:    s.ssrc,
		lost:    uint32(min(lost, 0x7fffff)),
		highest: uint32(s.order.highest - 1<<32), //nolint:gosec // cycles and sequence number, modulo 2^32
		jitter:  uint32(s.jitter),
	}
	wanted, got := expected-s.expectedTo, s.received-s.receivedTo
	if wanted > got {
		r.fraction = uint8(min((wanted-got)<<8/wanted, 255))
	}
	s.expectedTo, s.receivedTo = expected, s.received
	if s.reported {
		r.lastSR = uint32(s.report.ntp >> 16) //nolint:gosec // the middle of the NTP time
		r.delay = uint32((now - s.reportAt).Seconds() * 65536)
	}

	return r
}

// retire adds the counters of the source to those of the stream.
func (r *receiver) retire() {
	if r.source == nil {
		return
	}
	o := &r.source.order
	r.report.Late += o.late
	r.report.Duplicate += o.duplicate
	r.report.Reordered += o.reordered
	o.late, o.duplicate, o.reordered = 0, 0, 0
}

// bye takes note that a source has left (RFC 3550, section 6.6): another one is believed at once.
func (r *receiver) bye(ssrc uint32, at time.Duration) error {
	if r.source == nil || r.source.ssrc != ssrc {
		return nil
	}
	err := r.play(at, true)
	r.retire()
	r.left, r.source, r.candidate = r.source, nil, nil

	return err
}
