package codecs

import (
	"encoding/binary"

	"github.com/zaf/g711"

	"github.com/parley-sip/parley/internal/prefetch"
)

// companding is one of the two laws of G.711 as tables. The linear value of 14 bits (mu-law) or 13 bits (A-law) is all that
// the laws look at, so that the tables for encoding are indexed by the sample without its lowest bits: half the cache of a
// table for 16 bits, and the same octets.
type companding struct {
	decode  [256]int16
	encode  [16384]uint8
	shift   uint8
	silence uint64 // eight octets of digital silence
}

//nolint:gochecknoglobals // tables of ITU-T G.711, read only
var (
	muLaw = newCompanding(2, g711.EncodeUlawFrame, g711.DecodeUlawFrame)
	aLaw  = newCompanding(3, g711.EncodeAlawFrame, g711.DecodeAlawFrame)
)

// newCompanding fills the tables of one law from its definition.
func newCompanding(shift uint8, encode func(int16) uint8, decode func(uint8) int16) companding {
	law := companding{shift: shift}
	for i := range law.decode {
		law.decode[i] = decode(uint8(i))
	}
	for i := range 1 << (16 - shift) {
		law.encode[i] = encode(int16(uint16(i) << shift))
	}
	law.silence = uint64(law.encode[0]) * 0x0101010101010101

	return law
}

// silent reports a payload of digital silence, as a muted microphone sends it.
func (law *companding) silent(payload []byte) bool {
	for len(payload) >= 8 {
		if binary.LittleEndian.Uint64(payload) != law.silence {
			return false
		}
		payload = payload[8:]
	}
	for _, b := range payload {
		if b != byte(law.silence) {
			return false
		}
	}

	return true
}

// Silent reports a payload that decodes to digital silence, without decoding it: of G.711 only, false for other codecs. A receiver may
// then decode it for the state of its decoder and take the frame for silence.
func (c Codec) Silent(payload []byte) bool {
	return c == PCMU && muLaw.silent(payload) || c == PCMA && aLaw.silent(payload)
}

// g711Encoder encodes with one law. It has no state.
type g711Encoder struct {
	law   *companding
	frame int
}

// Encode implements [Encoder]: one octet per sample, the sign bit first (RFC 3551, section 4.5.14).
func (e *g711Encoder) Encode(dst []byte, pcm []int16) (int, error) {
	if err := checkFrame(dst, pcm, e.frame, len(pcm)); err != nil {
		return 0, err
	}
	table, shift := &e.law.encode, e.law.shift
	dst = dst[:len(pcm)]
	for i, s := range pcm {
		dst[i] = table[(uint16(s)>>shift)&16383]
	}

	return len(pcm), nil
}

// Reset implements [Encoder].
func (e *g711Encoder) Reset() {}

// CopyFrom implements [Forker].
func (e *g711Encoder) CopyFrom(src Encoder) error {
	from, ok := src.(*g711Encoder)
	if !ok || from.law != e.law || from.frame != e.frame {
		return ErrNotForkable
	}

	return nil
}

// g711Decoder decodes with one law and conceals.
type g711Decoder struct {
	law       *companding
	concealer concealer
}

func newG711Decoder(law *companding) *g711Decoder {
	d := &g711Decoder{law: law}
	d.concealer.init(8000)

	return d
}

// Prefetch implements [Prefetcher].
func (d *g711Decoder) Prefetch() { prefetch.Value(d) }

// Decode implements [Decoder].
func (d *g711Decoder) Decode(dst []int16, payload []byte) (int, error) {
	n := len(payload)
	if len(dst) < n {
		return 0, ErrShortBuffer
	}
	dst = dst[:n]
	if d.law.silent(payload) { // what most participants of a conference send most of the time
		level := d.law.decode[byte(d.law.silence)] // A-law has no zero
		fill(dst, level)
		d.concealer.still(dst, level)

		return n, nil
	}
	table := &d.law.decode
	for i, b := range payload {
		dst[i] = table[b]
	}
	d.concealer.good(dst)

	return n, nil
}

// fill sets all samples to a value.
func fill(dst []int16, value int16) {
	if value == 0 || len(dst) == 0 {
		clear(dst)

		return
	}
	dst[0] = value
	for done := 1; done < len(dst); done *= 2 { // whole blocks are faster than one after the other
		copy(dst[done:], dst[:done])
	}
}

// Conceal implements [Decoder].
func (d *g711Decoder) Conceal(dst []int16) int {
	d.concealer.conceal(dst)

	return len(dst)
}

// Reset implements [Decoder].
func (d *g711Decoder) Reset() { d.concealer.reset() }

var (
	_ Forker  = (*g711Encoder)(nil)
	_ Decoder = (*g711Decoder)(nil)
)
