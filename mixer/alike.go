package mixer

import (
	"sync"

	"github.com/parley-sip/parley/codecs"
)

// Encodings that turn out to be the same are made once: a recording of all hears the same as those who only listen, but for the tone that tells them of
// it, which sounds for half a second in fifteen; and what is silent is the same for everybody.

// hush is what a packet of digital silence depends on.
type hush struct {
	codec codecs.Codec
	size  int // samples
}

// silences are the packets of digital silence of codecs without state.
type silences struct {
	mu      sync.Mutex
	packets map[hush][]byte
}

//nolint:gochecknoglobals // constants, made when first needed
var hushes = silences{packets: map[hush][]byte{}}

// of returns that of a format; nil: it cannot be encoded.
func (h *silences) of(format codecs.Format, encoder codecs.Encoder, size int) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := hush{codec: format.Codec, size: size}
	if packet, ok := h.packets[key]; ok {
		return packet
	}
	packet := make([]byte, payloadRoom(format, size))
	n, err := encoder.Encode(packet, make([]int16, size))
	if err != nil {
		return nil
	}
	h.packets[key] = packet[:n:n]

	return h.packets[key]
}

// pairUp finds for each group an earlier one that has the same packets as long as the same members sound: that of a set that has all of its members, or none
// besides.
func (p *plan) pairUp() {
	for n, g := range p.groups {
		g.twin = -1
		if !g.stream.sharable(g) {
			continue
		}
		for at, earlier := range p.groups[:n] {
			if earlier.stream.format == g.stream.format && earlier.stream.sharable(earlier) && earlier.bus.set.nested(g.bus.set) {
				g.twin = int32(at)

				break
			}
		}
	}
}

// sharable reports whether packets of the stream depend on nothing but the sum of this tick, as long as that fits.
func (s *stream) sharable(g *group) bool {
	return s.stateless && s.pending == nil && s.delay.kept == nil && g.gain == 1 && g.only < 0 && g.bus.set.soft == nil
}

// nested reports whether the same contributions go into two sets, of which one has all members of the other.
func (s *set) nested(other *set) bool {
	return s.lane == other.lane && (subset(s.mask, other.mask) || subset(other.mask, s.mask))
}

// subset reports whether b has all bits of a.
func subset(a, b []uint64) bool {
	for i, word := range a {
		if word&^b[i] != 0 {
			return false
		}
	}

	return true
}

// repeat makes the packet of a group that of its twin, if it is the same, and reports whether it is. Of both, as many members sound; of two sets of which one
// has all of the other, these are the same ones.
func (p *plan) repeat(g *group, from int) bool {
	if int(g.twin) < from { // there is none, or another worker may be at it
		return false
	}
	t, s := p.groups[g.twin], g.stream
	if g.bus.n == 0 || g.bus.n != t.bus.n || !t.stream.plain || t.stream.count != 1 || !s.limiter.idle() {
		return false
	}
	s.age++
	s.silence, s.limiter.load, s.plain, s.clear, s.cached, s.like = 0, 0, true, false, false, t.stream
	out := &t.stream.packets[0]
	s.count, s.packets[0].payload, s.packets[0].level = 1, out.payload, out.level

	return true
}
