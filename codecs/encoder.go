package codecs

import "fmt"

// Encoder turns frames of one [Format] into payloads. It keeps state between frames and is used by one goroutine at a time.
type Encoder interface {
	// Encode encodes one frame, exactly [Format.FrameSamples] samples, and returns the number of octets written to dst.
	// dst needs at most [MaxPayload] octets; what lies beyond the returned number may have been overwritten. A result of 0
	// octets without an error means that the frame need not be sent (DTX). It does not allocate. Errors are [ErrFrameSize]
	// and [ErrShortBuffer]; the state is then as before.
	Encode(dst []byte, pcm []int16) (n int, err error)
	// Reset forgets all that was encoded.
	Reset()
}

// Forker is an [Encoder] that can take over the state of another of the same format: from then on both yield the same octets
// for the same samples. The mixer uses it when a listener of a shared encoding begins to need one of its own.
type Forker interface {
	Encoder
	// CopyFrom makes the state equal to that of src; it does not allocate. [ErrNotForkable] leaves it as it was.
	CopyFrom(src Encoder) error
}

// NewEncoder returns an encoder for the format, normalised. Errors are those of [Format.Normalize]: Opus has no frames of 30
// or 50 ms, so that these packet times are refused with [ErrPacketTime] and the caller chooses another, and those
// of [Codec.Linear] with which a payload outgrows [MaxPayload]. There are none of L16 in stereo ([ErrUnknownCodec]).
func NewEncoder(f Format) (Encoder, error) {
	f, err := f.Normalize()
	if err != nil {
		return nil, err
	}
	switch f.Codec {
	case PCMU:
		return &g711Encoder{law: &muLaw, frame: f.FrameSamples()}, nil
	case PCMA:
		return &g711Encoder{law: &aLaw, frame: f.FrameSamples()}, nil
	case G722:
		return newG722Encoder(f.FrameSamples()), nil
	case Opus:
		return newOpusEncoder(f)
	case L16At8000, L16At16000, L16At44100, L16At48000:
		return &l16Encoder{codec: f.Codec, frame: f.FrameSamples()}, nil
	case None, L16At8000Stereo, L16At16000Stereo, L16At44100Stereo, L16At48000Stereo:
		fallthrough
	default:
		return nil, fmt.Errorf("%w: %d", ErrUnknownCodec, uint8(f.Codec))
	}
}

// checkFrame is the test that every encoder makes of its arguments.
func checkFrame(dst []byte, pcm []int16, frame, octets int) error {
	if len(pcm) != frame {
		return ErrFrameSize
	}
	if len(dst) < octets {
		return ErrShortBuffer
	}

	return nil
}
