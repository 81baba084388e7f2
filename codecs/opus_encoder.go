package codecs

import (
	"fmt"

	"gopkg.in/hraban/opus.v2"
)

// opusEncoder encodes mono at 48 kHz: stereo is never sent, so that a receiver without stereo=1 is always served
// (RFC 7587, section 7.1).
type opusEncoder struct {
	enc    *opus.Encoder
	format Format
	frame  int
}

func newOpusEncoder(f Format) (*opusEncoder, error) {
	// Tuned for any sound, at a third of the cost of what is tuned for voice; but only the latter knows, at the complexity of a
	// conference, when nobody speaks.
	application := opus.AppAudio
	if f.DTX {
		application = opus.AppVoIP
	}
	enc, err := opus.NewEncoder(Opus.SampleRate(), 1, application)
	if err != nil {
		return nil, fmt.Errorf("codecs: create Opus encoder: %w", err)
	}
	steps := []struct {
		what string
		set  func() error
	}{
		{"bitrate", func() error { return enc.SetBitrate(f.Bitrate) }},
		{"complexity", func() error { return enc.SetComplexity(max(0, f.Complexity)) }},
		{"forward error correction", func() error { return enc.SetInBandFEC(f.FEC) }},
		{"expected loss", func() error { return enc.SetPacketLossPerc(int(f.LossPercent)) }},
		{"discontinuous transmission", func() error { return enc.SetDTX(f.DTX) }},
		{"constant bit rate", func() error {
			if !f.CBR {
				return nil
			}

			return setConstantBitrate(enc)
		}},
		{"bandwidth", func() error { return enc.SetMaxBandwidth(opusBandwidth(f.MaxBandwidth)) }},
	}
	for _, s := range steps {
		if err := s.set(); err != nil {
			return nil, fmt.Errorf("codecs: set Opus %s: %w", s.what, err)
		}
	}

	return &opusEncoder{enc: enc, format: f, frame: f.FrameSamples()}, nil
}

// opusBandwidth is libopus's name of a normalised playback rate.
func opusBandwidth(rate int) opus.Bandwidth {
	switch rate {
	case 8000:
		return opus.Narrowband
	case 16000:
		return opus.Wideband
	case 24000:
		return opus.SuperWideband
	default:
		return opus.Fullband
	}
}

// Encode implements [Encoder]. With DTX a packet of at most two octets need not be sent (libopus, opus_encode).
func (e *opusEncoder) Encode(dst []byte, pcm []int16) (int, error) {
	if err := checkFrame(dst, pcm, e.frame, MaxPayload); err != nil {
		return 0, err
	}
	// The binding takes the capacity for the length.
	n, err := e.enc.Encode(pcm, dst[:MaxPayload:MaxPayload])
	if err != nil {
		return 0, fmt.Errorf("codecs: encode Opus: %w", err)
	}
	if e.format.DTX && n <= 2 {
		return 0, nil
	}

	return n, nil
}

// Reset implements [Encoder].
func (e *opusEncoder) Reset() {
	// It fails for an encoder without state only, which newOpusEncoder does not return.
	_ = e.enc.Reset()
}

// CopyFrom implements [Forker].
func (e *opusEncoder) CopyFrom(src Encoder) error {
	from, ok := src.(*opusEncoder)
	if !ok || from.format != e.format {
		return ErrNotForkable
	}

	return copyOpusEncoder(e.enc, from.enc)
}

var _ Forker = (*opusEncoder)(nil)
