package mixer

import (
	"math/bits"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sole"
)

// stereoBit in the first octet of an Opus packet says that it has two channels (RFC 6716, section 3.1).
const stereoBit = 0x04

// single returns the only seat of a set, or -1.
func (s *set) single() int32 {
	only := int32(-1)
	for i, word := range s.mask {
		switch {
		case word == 0:
		case only >= 0 || bits.OnesCount64(word) > 1:
			return -1
		default:
			only = int32(i*64 + bits.TrailingZeros64(word))
		}
	}

	return only
}

// forward makes the payload of the only one that a group hears the packet of its stream, as it came and where it is, and reports whether it could: the
// frame is all of one payload of the same format, and nothing has changed it.
func (p *plan) forward(g *group, w *scratch) bool {
	s, st := &p.seats[g.only], g.stream
	l := &s.in.lanes[g.bus.set.lane]
	plain := l.on && l.plain && s.gain == 1 && g.gain == 1 && (s.cond == nil || signalOf[g.bus.set.lane] == directSignal)
	if !plain || g.bus.n != 1 || g.bus.set.soft != nil || st.pending != nil || s.in.encoded == nil {
		return false
	}
	codec, payload := s.in.encoded.Encoded()
	out := &st.packets[0]
	switch {
	case codec != st.format.Codec, len(payload) == 0, len(payload) > len(out.data):
		return false
	case codec == codecs.Opus && payload[0]&stereoBit != 0 && !g.stereo:
		return false
	}
	if !st.forwarded {
		st.forwarded, st.cached = true, false
		st.limiter, st.delay.empty = newLimiter(), true
		clear(st.delay.kept)
	}
	st.age++
	st.silence, st.count = 0, 1
	out.payload, out.level = payload, s.in.frame.Level
	sole.Add(&w.forwarded[codec], 1)

	return true
}

// resume prepares the encoder for what follows payloads of somebody else's.
func (s *stream) resume() {
	if s.forwarded {
		s.forwarded = false
		s.encoder.Reset()
	}
}
