package codecs

import "encoding/binary"

// l16Size is the size of a sample of [L16At8000] and its like in octets.
const l16Size = 2

// Linear reports whether the codec is uncompressed: 16-bit two's complement samples, the most significant octet first (RFC 3551, section
// 4.5.11). Its [Codec.Channels] are interleaved, the left one first (RFC 3551, section 4.1).
func (c Codec) Linear() bool { return c >= L16At8000 && c <= L16At48000Stereo }

// Sampled reports whether the codec codes each sample by itself, so that payloads one after the other are one of a longer packet (RFC 3551,
// section 4.2).
func (c Codec) Sampled() bool { return c.Linear() || c == PCMU || c == PCMA || c == G722 }

// l16Encoder encodes linear audio of one channel. It has no state.
type l16Encoder struct {
	codec Codec
	frame int
}

// Encode implements [Encoder].
func (e *l16Encoder) Encode(dst []byte, pcm []int16) (int, error) {
	n := len(pcm) * l16Size
	if err := checkFrame(dst, pcm, e.frame, n); err != nil {
		return 0, err
	}
	for i, s := range pcm {
		binary.BigEndian.PutUint16(dst[l16Size*i:], uint16(s))
	}

	return n, nil
}

// Reset implements [Encoder].
func (e *l16Encoder) Reset() {}

// CopyFrom implements [Forker].
func (e *l16Encoder) CopyFrom(src Encoder) error {
	from, ok := src.(*l16Encoder)
	if !ok || *from != *e {
		return ErrNotForkable
	}

	return nil
}

// l16Decoder decodes linear audio and conceals. Of two channels it makes their mean.
type l16Decoder struct {
	channels  int
	concealer concealer
}

func newL16Decoder(c Codec) *l16Decoder {
	d := &l16Decoder{channels: c.Channels()}
	d.concealer.init(c.SampleRate())

	return d
}

// Decode implements [Decoder].
func (d *l16Decoder) Decode(dst []int16, payload []byte) (int, error) {
	size := l16Size * d.channels
	n := len(payload) / size
	switch {
	case len(payload)%size != 0:
		return 0, ErrMalformed
	case len(dst) < n:
		return 0, ErrShortBuffer
	}
	dst = dst[:n]
	for i := range dst {
		sample := int32(int16(binary.BigEndian.Uint16(payload[size*i:])))
		if d.channels > 1 {
			sample = (sample + int32(int16(binary.BigEndian.Uint16(payload[size*i+l16Size:])))) >> 1
		}
		dst[i] = int16(sample)
	}
	d.concealer.good(dst)

	return n, nil
}

// Conceal implements [Decoder].
func (d *l16Decoder) Conceal(dst []int16) int {
	d.concealer.conceal(dst)

	return len(dst)
}

// Reset implements [Decoder].
func (d *l16Decoder) Reset() { d.concealer.reset() }

var (
	_ Forker  = (*l16Encoder)(nil)
	_ Decoder = (*l16Decoder)(nil)
)
