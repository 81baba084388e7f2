package mixer

import (
	"math"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sole"
)

const (
	// streamPackets is the most packets of one tick: two of 10 ms.
	streamPackets = 2
	// silenceSettled is after how many frames of digital silence Opus has forgotten the sound before: 500 ms. What it makes
	// then is sent again instead of being made again, which costs as much as speech. So is what the others make, but for G.722.
	silenceSettled = 25
)

// stream is a limiter, an encoder and its packets: one for all who share an encoding, or one for a member alone. It is owned
// by the media path.
type stream struct {
	// of a silent stream a tick uses what comes first; see [stream.ask]
	stateless bool
	cacheable bool
	forwarded bool // the last packets were somebody else's
	blank     bool // pcm is silence
	cached    bool
	age       int // ticks since the state of the encoder was put in place
	silence   int // frames of digital silence in a row
	count     int // packets of this tick
	units     int // RTP units of one packet
	pcm       []int16
	pending   []int16 // of packets that are not full
	still     []byte  // a packet of silence, the same for all; nil: there is none
	packets   [streamPackets]encoded
	format    codecs.Format
	delay     delay
	limiter   limiter

	encoder codecs.Encoder
	frame   int // samples of one tick
	size    int // samples of one packet
	have    int // samples in pending
}

// encoded is one packet's payload.
type encoded struct {
	payload []byte // in data, somebody else's of this tick, or everybody's
	level   uint8
	data    []byte
}

// copy makes the payload a copy of another.
func (e *encoded) copy(payload []byte) { e.payload = e.data[:copy(e.data, payload)] }

// newStream makes a stream for a normalised format.
func newStream(format codecs.Format, lookAhead bool) (*stream, error) {
	encoder, err := codecs.NewEncoder(format)
	if err != nil {
		return nil, err
	}
	rate := rateIndexOf(format.Codec.SampleRate())
	s := &stream{
		format: format, encoder: encoder, limiter: newLimiter(),
		stateless: stateless(format.Codec),
		cacheable: format.Codec != codecs.G722 && !format.DTX, // what it makes of silence is always the same in the end
		frame:     frameSamples(rate), size: format.FrameSamples(), units: format.TimestampStep(),
		silence: silenceSettled - 1,
	}
	s.pcm = make([]int16, s.frame)
	s.delay.empty = true
	if lookAhead {
		s.delay.kept = make([]int32, s.frame/limiterBlocks)
	}
	room := payloadRoom(format, s.size)
	s.packets[0].data = make([]byte, room)
	if s.size < s.frame {
		s.packets[1].data = make([]byte, room)
	}
	if s.size == s.frame {
		s.still = still[format.Codec]
	} else {
		s.pending = make([]int16, s.size+s.frame)
	}

	return s, nil
}

// payloadRoom is how many octets a packet of so many samples may have.
func payloadRoom(format codecs.Format, samples int) int {
	switch {
	case format.Codec.Linear():
		return 2 * samples
	case format.Codec != codecs.Opus:
		return format.Codec.SamplesToUnits(samples) // one octet per unit
	}

	return codecs.MaxPayload
}

// copyFrom makes the stream go on exactly as another would.
func (s *stream) copyFrom(src *stream) {
	s.limiter, s.silence, s.age = src.limiter, src.silence, 0
	s.have = copy(s.pending, src.pending[:src.have])
	s.delay.empty = src.delay.empty
	copy(s.delay.kept, src.delay.kept)
	s.cached, s.forwarded = src.cached, src.forwarded
	if src.cached {
		s.packets[0].copy(src.packets[0].payload)
	}
	if forker, ok := s.encoder.(codecs.Forker); ok && forker.CopyFrom(src.encoder) == nil {
		return
	}
	s.encoder.Reset()
	s.cached = false
}

// render makes the samples of this tick: what is left of a bus when own is taken away, if it is not nil, with a gain.
func (s *stream) render(b *bus, own []int32, gain float32, w *scratch) {
	silent := b.n == 0 || own != nil && b.n == 1
	s.age++
	if silent {
		s.silence = min(s.silence+1, math.MaxInt32)
		if s.limiter.idle() && s.delay.empty {
			if !s.blank {
				clear(s.pcm)
				s.blank = true
			}

			return
		}
	} else {
		s.silence = 0
	}
	s.blank = false
	mixed := w.sum[:s.frame]
	switch {
	case silent:
		clear(mixed)
	case own != nil:
		subtract(mixed, b.sum, own)
		if gain != 1 {
			amplify(mixed, mixed, gain)
		}
	case gain != 1:
		amplify(mixed, b.sum, gain)
	default:
		mixed = b.sum
	}
	after := float32(1)
	if s.delay.kept != nil {
		mixed, after = s.delay.shift(mixed, w)
	}
	s.limiter.process(s.pcm, mixed, after)
}

// encode makes the packets that are full.
func (s *stream) encode(w *scratch) {
	s.count = 0
	if s.pending == nil {
		if s.blank && s.still != nil {
			s.packets[0].payload, s.packets[0].level = s.still, codecs.SilenceLevel
			s.count = 1

			return
		}
		s.packet(s.pcm, w)

		return
	}
	s.have += copy(s.pending[s.have:], s.pcm)
	start := 0
	for s.have-start >= s.size && s.count < streamPackets {
		s.packet(s.pending[start:start+s.size], w)
		start += s.size
	}
	s.have = copy(s.pending, s.pending[start:s.have])
}

// packet encodes one packet.
func (s *stream) packet(pcm []int16, w *scratch) {
	p := &s.packets[s.count]
	settled := s.cacheable && s.silence*s.frame >= silenceSettled*s.frame+s.size
	if settled && s.cached {
		if s.count > 0 {
			p.copy(s.packets[0].payload)
		}
		p.level = codecs.SilenceLevel
		s.count++

		return
	}
	n, err := s.encoder.Encode(p.data, pcm)
	if err != nil {
		w.encodeErrors.Add(1)
		n = 0
	}
	sole.Add(&w.encoded[s.format.Codec], 1)
	p.payload, p.level = p.data[:n], codecs.SilenceLevel
	if s.silence == 0 || s.silence*s.frame < s.size {
		p.level = codecs.Level(pcm)
	}
	s.cached = settled && s.count == 0
	s.count++
}

// subtract writes a minus b.
func subtract(dst, a, b []int32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] - b[i]
	}
}

// addUp writes a plus b, which may be where it is written.
func addUp(dst, a, b []int32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

// add adds src to dst.
func add(dst, src []int32) {
	src = src[:len(dst)]
	for i, s := range src {
		dst[i] += s
	}
}

// rest is a tick in which nobody needs the stream.
func (s *stream) rest() {
	s.age, s.count, s.have = 0, 0, 0
}
