package codecs

import (
	"fmt"
	"slices"

	"gopkg.in/hraban/opus.v2"
)

// opusUnit is the shortest frame of Opus, 2.5 ms at 48 kHz; what libopus conceals is a multiple of it.
const opusUnit = 120

// opusDecoder decodes to mono at 48 kHz; libopus mixes stereo packets down.
type opusDecoder struct {
	dec  *opus.Decoder
	last int // samples of the last packet
	unit [opusUnit]int16
}

func newOpusDecoder() (*opusDecoder, error) {
	dec, err := opus.NewDecoder(Opus.SampleRate(), 1)
	if err != nil {
		return nil, fmt.Errorf("codecs: create Opus decoder: %w", err)
	}

	return &opusDecoder{dec: dec, last: MaxFrameSamples}, nil
}

// Decode implements [Decoder].
func (d *opusDecoder) Decode(dst []int16, payload []byte) (int, error) {
	if len(payload) == 0 {
		if len(dst) < d.last {
			return 0, ErrShortBuffer
		}

		return d.Conceal(dst[:d.last]), nil
	}
	samples, err := OpusPacketSamples(payload)
	if err != nil {
		return 0, err
	}
	if len(dst) < samples {
		return 0, ErrShortBuffer
	}
	// The binding takes the capacity for the length.
	n, err := d.dec.Decode(payload, dst[:samples:samples])
	if err != nil {
		return 0, ErrMalformed
	}
	d.last = n

	return n, nil
}

// Conceal implements [Decoder].
func (d *opusDecoder) Conceal(dst []int16) int {
	total := len(dst)
	for len(dst) >= opusUnit {
		n := min(len(dst), MaxFrameSamples) / opusUnit * opusUnit
		d.plc(dst[:n:n])
		dst = dst[n:]
	}
	if len(dst) > 0 {
		d.plc(d.unit[:])
		copy(dst, d.unit[:])
	}

	return total
}

// plc conceals a multiple of 2.5 ms.
func (d *opusDecoder) plc(dst []int16) {
	if err := d.dec.DecodePLC(dst); err != nil {
		clear(dst)
	}
}

// DecodeFEC implements [FECDecoder].
func (d *opusDecoder) DecodeFEC(dst []int16, next []byte) (int, error) {
	if len(dst) == 0 || len(dst)%opusUnit != 0 {
		return 0, ErrShortBuffer
	}
	if _, err := OpusPacketSamples(next); err != nil {
		return 0, err
	}
	if err := d.dec.DecodeFEC(next, slices.Clip(dst)); err != nil {
		return 0, ErrMalformed
	}

	return len(dst), nil
}

// Reset implements [Decoder].
func (d *opusDecoder) Reset() {
	d.last = MaxFrameSamples
	resetOpusDecoder(d.dec)
}

var _ FECDecoder = (*opusDecoder)(nil)
